// The explorer: a session of the public sandbox, watched live, with a console that shows each call as curl. What comes from the server
// is set as text, never as markup. The access token stays in this tab.
const POLL_MS = 3_000;
const RENEW_BEFORE_MS = 120_000;
const STORE = 'agentpay-explorer';
const find = (id) => document.getElementById(id);
const source = find('calls');
const { baseUrl, calls } = source ? JSON.parse(source.textContent) : { baseUrl: '', calls: [] };

/** @type {{ access_token: string, agent_id: string, wallet_id: string, expires_at: string } | undefined} */
let admission;
let timer;

async function ask(method, path, { body, token = admission?.access_token } = {}) {
  const response = await fetch(path, {
    method,
    credentials: 'omit',
    headers: {
      ...(token && { 'x-explorer-access': token }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  return { ok: response.ok, status: response.status, text, json: parsed(text) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Like {@link ask}, but a refusal is thrown with the server's own words. */
async function demand(method, path, options) {
  const answer = await ask(method, path, options);
  if (answer.ok) return answer.json;
  const { message = 'The server refused this.', hint = '' } = answer.json?.error ?? {};
  throw Object.assign(new Error(`${message} ${hint}`), { status: answer.status });
}

/** Does what a click asked for, and says what went wrong. */
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

// ---- coming in and going

function enter(given) {
  admission = given;
  keep(given);
  find('doors').hidden = true;
  find('session').hidden = false;
  for (const node of document.querySelectorAll('#fund, #invite, #invites'))
    node.hidden = given.role !== 'host';
  showCall();
  return refresh();
}

function leave(message = '') {
  clearTimeout(timer);
  admission = undefined;
  keep(null);
  find('session').hidden = true;
  find('doors').hidden = false;
  find('fault').textContent = message;
}

function keep(given) {
  try {
    if (given) sessionStorage.setItem(STORE, JSON.stringify(given));
    else sessionStorage.removeItem(STORE);
  } catch {
    // without storage a reload ends the visit
  }
}

function kept() {
  try {
    return parsed(sessionStorage.getItem(STORE) ?? '');
  } catch {
    return undefined;
  }
}

async function join(invite) {
  await enter(
    await demand('POST', '/v1/explorer/invites/exchange', {
      body: JSON.stringify({ invite }),
      token: undefined,
    }),
  );
}

// ---- the live view

async function refresh() {
  clearTimeout(timer);
  const mine = admission;
  if (!mine) return;
  try {
    await renewInTime();
    const wallet = `/v1/wallets/${encodeURIComponent(mine.wallet_id)}/balance`;
    const [session, balance, payments] = await Promise.all([
      demand('GET', '/v1/explorer/session'),
      demand('GET', wallet),
      demand('GET', '/v1/payments?limit=20'),
    ]);
    if (admission?.session_id !== mine.session_id) return;
    show(session, balance, payments);
    find('freshness').textContent = `As of ${new Date().toLocaleTimeString()}.`;
  } catch (error) {
    if (error.status === 401) return leave('The session has ended.');
    find('freshness').textContent = 'The server does not answer; what stands here may be old.';
  }
  timer = setTimeout(() => void (document.hidden ? wait() : refresh()), POLL_MS);
}

/** Nothing is asked while nobody looks. */
function wait() {
  document.addEventListener('visibilitychange', () => void refresh(), { once: true });
}

async function renewInTime() {
  if (Date.parse(admission.expires_at) - Date.now() > RENEW_BEFORE_MS) return;
  const renewed = await demand('POST', '/v1/explorer/session/renew');
  admission = { ...admission, ...renewed };
  keep(admission);
}

function show(session, balance, payments) {
  find('role').textContent = session.role;
  find('writes').textContent = session.may_write ? 'may write' : 'reads only';
  const facts = [
    ['Session', session.session_id],
    ['Agent', session.agent_id],
    ['Wallet', session.wallet_id],
    ['Until', new Date(session.expires_at).toLocaleString()],
    ['Pays at most', `${money(session.payment_max)} at once`],
  ];
  find('facts').replaceChildren(
    ...facts.flatMap(([term, text]) => [element('dt', term), element('dd', text)]),
  );
  find('balance').textContent = `${money(balance.available)} ${balance.currency ?? ''}`;
  find('held').textContent = balance.held > 0 ? `${money(balance.held)} held for open tokens` : '';
  find('payments').replaceChildren(...payments.payments.map(row));
  find('no-payments').hidden = payments.payments.length > 0;
}

function row(payment) {
  const made = element('tr', '');
  const purpose = payment.description ?? payment.memo ?? payment.purpose ?? payment.id;
  made.append(
    element('td', new Date(payment.created_at).toLocaleString()),
    element('td', String(purpose)),
    element('td', String(payment.status)),
    element('td', `${money(payment.amount)} ${payment.currency ?? ''}`, 'amount'),
  );
  return made;
}

function element(name, text, className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Money as every page shows it: at least two decimals. */
function money(amount) {
  const [whole, rest = ''] = String(amount).split('.');
  return `${whole}.${rest.padEnd(2, '0')}`;
}

// ---- the console

function fillCalls() {
  const groups = new Map();
  for (const [index, { group, method, path }] of calls.entries()) {
    if (!groups.has(group))
      groups.set(group, Object.assign(document.createElement('optgroup'), { label: group }));
    groups.get(group).append(new Option(`${method} ${path}`, String(index)));
  }
  find('call').replaceChildren(...groups.values());
  const first = calls.findIndex(({ id }) => id === 'runtime.wallets.balance');
  find('call').value = String(Math.max(first, 0));
}

const chosen = () => calls[Number(find('call').value)];

/** Values of the example, with the ids of this session where they belong. */
function ours(name, value) {
  if (!admission) return value;
  if (/(^|_)wallet_id$/.test(name)) return admission.wallet_id;
  if (name === 'agent_id' || name === 'from_agent_id') return admission.agent_id;
  return value;
}

function showCall() {
  const { summary, params, query, body } = chosen();
  find('summary').textContent = summary;
  const fields = [
    ...Object.entries(params).map(([name, value]) => field(name, 'param', ours(name, value))),
    ...query.map((name) => field(name, 'query', '')),
  ];
  find('fields').replaceChildren(...fields);
  find('body-label').hidden = body === undefined;
  const filled = Object.entries(body ?? {}).map(([name, value]) => [name, ours(name, value)]);
  find('body').value = body === undefined ? '' : JSON.stringify(Object.fromEntries(filled), null, 2);
  showCurl();
}

function field(name, place, value) {
  const label = element('label', place === 'query' ? `${name} (query)` : name);
  const input = Object.assign(document.createElement('input'), { name, value, autocomplete: 'off' });
  input.dataset.place = place;
  label.append(input);
  return label;
}

/** The call as it will be sent. */
function request() {
  const { method, path, body } = chosen();
  const inputs = [...find('fields').querySelectorAll('input')];
  const valueOf = (name) =>
    inputs.find((input) => input.name === name && input.dataset.place === 'param').value;
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(valueOf(name)));
  const pairs = inputs.filter(({ dataset, value }) => dataset.place === 'query' && value !== '');
  const search = new URLSearchParams(pairs.map(({ name, value }) => [name, value])).toString();
  return {
    method,
    target: search ? `${filled}?${search}` : filled,
    body: body === undefined ? undefined : find('body').value,
  };
}

/** The token is named, not shown: what is copied may be shown to others. */
function showCurl() {
  const { method, target, body } = request();
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const compact = body === undefined ? undefined : JSON.stringify(parsed(body) ?? body);
  find('curl').textContent = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}${quoted(baseUrl + target)}`,
    '-H "x-explorer-access: $AGENTPAY_EXPLORER_TOKEN"',
    ...(compact === undefined ? [] : [`-H 'Content-Type: application/json'`, `-d ${quoted(compact)}`]),
  ].join(' \\\n  ');
}

async function sendCall() {
  const { method, target, body } = request();
  const answer = await ask(method, target, { body });
  find('status').textContent = String(answer.status);
  find('status').className = `badge ${answer.ok ? 'ok' : 'danger'}`;
  find('response').textContent =
    answer.json === undefined ? answer.text : JSON.stringify(answer.json, null, 2);
  await refresh();
}

async function copy(button, text, shown) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = before), 2_000);
  } catch {
    // Browsers keep the clipboard from pages without https: the text is selected instead.
    getSelection()?.selectAllChildren(shown);
    shown.select?.();
  }
}

function wire() {
  const on = (id, event, work) => find(id).addEventListener(event, work);
  on(
    'open',
    'click',
    ({ target }) => void attempt(target, async () => enter(await demand('POST', '/v1/explorer/sessions'))),
  );
  on('join', 'submit', (event) => {
    event.preventDefault();
    const { invite } = event.target.elements;
    void attempt(event.submitter, () => join(invite.value.trim()));
  });
  on('leave', 'click', () => leave());
  on('fund', 'click', ({ target }) => void attempt(target, fund));
  on('invite', 'click', ({ target }) => void attempt(target, invite));
  on('copy-link', 'click', ({ target }) => void copy(target, find('link').value, find('link')));
  on('copy-curl', 'click', ({ target }) => void copy(target, find('curl').textContent, find('curl')));
  on('call', 'change', showCall);
  on('console', 'input', ({ target }) => target.id !== 'call' && showCurl());
  on('console', 'submit', (event) => {
    event.preventDefault();
    void attempt(event.submitter, sendCall);
  });
}

async function fund() {
  const path = `/v1/wallets/${encodeURIComponent(admission.wallet_id)}/fund`;
  await demand('POST', path, { body: JSON.stringify({ amount: 10, source: 'test_faucet' }) });
  await refresh();
}

async function invite() {
  const { invite: code } = await demand('POST', '/v1/explorer/invites');
  // In the fragment, which browsers send nowhere.
  find('link').value = `${location.origin}/explorer#invite=${code}`;
  find('link-label').hidden = false;
  find('copy-link').hidden = false;
  find('link').select();
}

async function start() {
  fillCalls();
  wire();
  const code = new URLSearchParams(location.hash.slice(1)).get('invite');
  if (code) {
    history.replaceState(null, '', location.pathname);
    return attempt(null, () => join(code));
  }
  const before = kept();
  if (before) await attempt(null, () => enter(before));
}

if (source) void start();
