// The admin page: asks the facilitator's own API with the key typed in, which stays in this tab's memory.
const SVG = 'http://www.w3.org/2000/svg';
const OPEN_STATES = ['claimed', 'sent', 'failed'];
const find = (id) => document.getElementById(id);

let key = '';
let cursor = null;

async function ask(path, method = 'GET') {
  const response = await fetch(path, {
    method,
    headers: { Authorization: `Bearer ${key}` },
    credentials: 'omit',
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error ?? `Status ${response.status}`);
  return body;
}

/** Runs what a click asked for and says what went wrong. */
async function attempt(work) {
  find('notice').textContent = '';
  try {
    await work();
  } catch (error) {
    find('notice').textContent = error.message;
  }
}

/** Text is set as text, never as markup: amounts, reasons and addresses come from strangers. */
function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

/** Base units of a token with six decimals, as people read them. */
function decimal(units) {
  const text = String(units).padStart(7, '0');
  return `${text.slice(0, -6)}.${text.slice(-6)}`.replace(/\.?0+$/, '');
}

const short = (hex) => (hex ? `${hex.slice(0, 8)}…${hex.slice(-6)}` : '');

function row(settlement) {
  const { id, state, amount, payer, payTo, transaction, explorer, reason, createdAt } = settlement;
  const made = element('tr', '', { 'data-id': id });
  const linked = element('td', '');
  if (explorer)
    linked.append(
      element('a', short(transaction), { href: explorer, target: '_blank', rel: 'noopener noreferrer' }),
    );
  const action = element('td', '');
  if (OPEN_STATES.includes(state)) action.append(reconcileButton(id, made));
  made.append(
    element('td', new Date(createdAt).toLocaleString()),
    element('td', reason ? `${state}: ${reason}` : state, { class: `state-${state}` }),
    element('td', decimal(amount), { class: 'amount' }),
    element('td', short(payer), { title: payer }),
    element('td', short(payTo), { title: payTo ?? '' }),
    linked,
    action,
  );
  return made;
}

function reconcileButton(id, current) {
  const button = element('button', 'Reconcile', { type: 'button' });
  button.addEventListener('click', () =>
    attempt(async () => {
      button.disabled = true;
      try {
        current.replaceWith(row(await ask(`/settlements/${id}/reconcile`, 'POST')));
      } finally {
        button.disabled = false;
      }
    }),
  );
  return button;
}

async function showPage(next) {
  const wanted = { state: find('state').value, payer: find('payer').value, cursor: next ?? '', limit: '25' };
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== ''));
  const page = await ask(`/settlements?${query}`);
  if (!next) find('rows').replaceChildren();
  find('rows').append(...page.settlements.map(row));
  cursor = page.nextCursor;
  find('more').hidden = cursor === null;
}

/** Bars side by side, each a stack of parts from the bottom up. */
function bars(svg, stacks, label) {
  const top = Math.max(1e-9, ...stacks.map((parts) => parts.reduce((sum, { value }) => sum + value, 0)));
  svg.setAttribute('viewBox', `0 0 ${stacks.length * 10} 100`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-label', label);
  svg.replaceChildren();
  for (const [i, parts] of stacks.entries()) {
    let y = 100;
    for (const { value, kind } of parts) {
      const height = (value / top) * 100;
      y -= height;
      const bar = document.createElementNS(SVG, 'rect');
      for (const [name, number] of Object.entries({ x: i * 10 + 1, y, width: 8, height }))
        bar.setAttribute(name, number);
      bar.setAttribute('class', kind);
      svg.append(bar);
    }
  }
}

async function showActivity() {
  const { hours } = await ask('/admin/activity?hours=24');
  const sum = (member) => hours.reduce((total, hour) => total + BigInt(hour[member]), 0n);
  const gasEach = ({ gasUsed, payments }) => (payments > 0 ? Number(gasUsed) / payments : 0);
  const [volume, settled, failed] = [sum('volume'), sum('settled'), sum('failed')];
  const [gasUsed, payments] = [sum('gasUsed'), Number(sum('payments'))];
  bars(
    find('volume'),
    hours.map((hour) => [{ value: Number(hour.volume), kind: 'plain' }]),
    'Volume by the hour',
  );
  const ends = hours.map((hour) => [
    { value: hour.settled, kind: 'good' },
    { value: hour.failed, kind: 'bad' },
  ]);
  bars(find('success'), ends, 'Settled and failed by the hour');
  bars(
    find('gas'),
    hours.map((hour) => [{ value: gasEach(hour), kind: 'plain' }]),
    'Gas per payment by the hour',
  );
  find('volume-sum').textContent = decimal(volume);
  find('success-sum').textContent = `${settled} / ${failed}`;
  find('gas-sum').textContent = payments > 0 ? Math.round(gasEach({ gasUsed, payments })) : '–';
}

find('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(async () => {
    key = find('key').value.trim();
    find('content').hidden = true;
    await showPage();
    await showActivity();
    find('key').value = '';
    find('content').hidden = false;
  });
});
find('filter').addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(() => showPage());
});
find('more').addEventListener('click', () => void attempt(() => showPage(cursor)));
