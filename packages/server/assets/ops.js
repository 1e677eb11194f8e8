// The operator's page of the public sandbox. The key is typed in, stays in the memory of this tab, and goes out in X-Admin-Key alone.
// The page itself is asked for again with it: the server writes the state as HTML, with all texts escaped.
const find = (id) => document.getElementById(id);
let key = '';

function headers(more = {}) {
  return { ...(key && { 'x-admin-key': key }), ...more };
}

async function attempt(control, work) {
  find('fault').textContent = '';
  if (control) control.disabled = true;
  try {
    await work();
  } catch (error) {
    find('fault').textContent = error instanceof TypeError ? 'The server cannot be reached.' : error.message;
  } finally {
    if (control) control.disabled = false;
  }
}

async function refusalOf(response) {
  const body = await response.json().catch(() => undefined);
  return new Error(body?.error?.message ?? `The server answered ${response.status}.`);
}

async function refresh() {
  const response = await fetch('/ops/public-alpha', {
    headers: headers({ accept: 'text/html' }),
    credentials: 'omit',
  });
  if (!response.ok || response.redirected) throw await refusalOf(response);
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  find('state').replaceChildren(...page.getElementById('state').childNodes);
}

async function signIn() {
  key = find('key').value.trim();
  try {
    const response = await fetch('/ops/public-alpha/state', { headers: headers(), credentials: 'omit' });
    if (!response.ok) throw await refusalOf(response);
    await refresh();
  } catch (error) {
    key = '';
    throw error;
  }
  find('key').value = '';
  show(true);
}

function show(signedIn) {
  find('sign-in').hidden = signedIn;
  find('tools').hidden = !signedIn;
}

function signOut() {
  key = '';
  find('state').replaceChildren();
  find('fault').textContent = '';
  show(false);
  find('key').focus();
}

/** Stopping is one click; letting payments go on, too: the operator reads which it is on the button. */
async function kill(enabled) {
  const response = await fetch('/ops/public-alpha/kill-switch', {
    method: 'POST',
    headers: headers({ 'content-type': 'application/json' }),
    credentials: 'omit',
    body: JSON.stringify({ enabled }),
  });
  if (!response.ok) throw await refusalOf(response);
  await refresh();
}

find('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(event.submitter, signIn);
});
find('refresh').addEventListener('click', ({ target }) => void attempt(target, refresh));
find('sign-out').addEventListener('click', signOut);
find('state').addEventListener('click', ({ target }) => {
  const asked = target.dataset?.kill;
  if (asked) void attempt(target, () => kill(asked === 'true'));
});
