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

/** Base units of a token with six decimals as money: at least two digits after the point. */
function money(units) {
  const text = String(units).padStart(7, '0');
  return `${text.slice(0, -6)}.${text.slice(-6).replace(/0{1,4}$/, '')}`;
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
    element('td', money(amount), { class: 'amount' }),
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

/** Where the bars stand in the picture: room for the values on the left and for the hours below. */
const PLOT = { left: 44, right: 316, top: 8, bottom: 110 };

function drawn(name, attributes, text = '') {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.textContent = text;
  return made;
}

/**
 * Bars side by side, each a stack of parts from the bottom up, with axes; the same as a table below it.
 * `columns` are the names of the parts, `text` writes a value.
 */
function chart(id, hours, { label, columns, text }) {
  const svg = find(id);
  const sums = hours.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0));
  const highest = Math.max(...sums);
  // Even, so that half of it is a whole number, too.
  const top = Math.ceil(highest / 2) * 2 || 2;
  const width = (PLOT.right - PLOT.left) / hours.length;
  svg.setAttribute('aria-label', `${label}; the highest is ${text(highest)}`);
  svg.replaceChildren();
  for (const share of highest === 0 ? [0] : [0, 0.5, 1]) {
    const y = PLOT.bottom - share * (PLOT.bottom - PLOT.top);
    svg.append(drawn('line', { x1: PLOT.left, x2: PLOT.right, y1: y, y2: y }));
    svg.append(drawn('text', { x: PLOT.left - 4, y: y + 3, 'text-anchor': 'end' }, text(share * top)));
  }
  for (const [i, { at, parts }] of hours.entries()) {
    const x = PLOT.left + i * width;
    let y = PLOT.bottom;
    for (const { value, kind } of parts) {
      const height = (value / top) * (PLOT.bottom - PLOT.top);
      y -= height;
      svg.append(drawn('rect', { x: x + 1, y, width: width - 2, height, class: kind }));
    }
    if (i % 6 === 0) svg.append(drawn('text', { x, y: PLOT.bottom + 14 }, hourOf(at)));
  }
  const rows = hours.map(({ at, parts }) => [hourOf(at), ...parts.map(({ value }) => text(value))]);
  find(`${id}-table`).replaceChildren(
    element('summary', 'As a table'),
    tableOf(label, ['Hour', ...columns], rows),
  );
}

const hourOf = (at) => `${String(new Date(at).getHours()).padStart(2, '0')}:00`;

function tableOf(label, head, rows) {
  const table = element('table', '');
  const line = (cells, name) => {
    const row = element('tr', '');
    row.append(
      ...cells.map((cell, i) =>
        element(i === 0 ? 'th' : name, cell, { scope: name === 'th' ? 'col' : 'row' }),
      ),
    );
    return row;
  };
  const [thead, tbody] = [element('thead', ''), element('tbody', '')];
  thead.append(line(head, 'th'));
  tbody.append(...rows.map((row) => line(row, 'td')));
  table.append(element('caption', label), thead, tbody);
  return table;
}

async function showActivity() {
  const { hours } = await ask('/admin/activity?hours=24');
  const sum = (member) => hours.reduce((total, hour) => total + BigInt(hour[member]), 0n);
  const gasEach = ({ gasUsed, payments }) => (payments > 0 ? Number(gasUsed) / payments : 0);
  const [volume, settled, failed] = [sum('volume'), sum('settled'), sum('failed')];
  const [gasUsed, payments] = [sum('gasUsed'), Number(sum('payments'))];
  const bars = (partsOf) => hours.map((hour) => ({ at: hour.hour, parts: partsOf(hour) }));
  const whole = (value) => Math.round(value).toLocaleString('en');
  chart(
    'volume',
    bars((hour) => [{ value: Number(hour.volume), kind: 'plain-bar' }]),
    {
      label: 'Volume by the hour, USDC',
      columns: ['USDC'],
      text: (value) => money(Math.round(value)),
    },
  );
  chart(
    'success',
    bars(({ settled: good, failed: bad }) => [
      { value: good, kind: 'good' },
      { value: bad, kind: 'bad' },
    ]),
    { label: 'Settled and failed by the hour', columns: ['Settled', 'Failed'], text: whole },
  );
  chart(
    'gas',
    bars((hour) => [{ value: gasEach(hour), kind: 'plain-bar' }]),
    {
      label: 'Gas per payment by the hour',
      columns: ['Gas'],
      text: whole,
    },
  );
  find('volume-sum').textContent = money(volume);
  find('success-sum').textContent = `${settled} / ${failed}`;
  find('gas-sum').textContent = payments > 0 ? whole(gasEach({ gasUsed, payments })) : '–';
}

/** What each part says of itself, and what the signers have left to pay gas with. */
async function showHealth() {
  const { ready, checks, signers } = await ask('/admin/health');
  find('ready').textContent = ready ? 'ready' : 'not ready';
  find('ready').className = `badge ${ready ? 'ok' : 'danger'}`;
  const facts = (pairs) => pairs.flatMap(([term, text]) => [element('dt', term), element('dd', text)]);
  find('checks').replaceChildren(...facts(Object.entries(checks)));
  find('signers').replaceChildren(
    ...facts(signers.map(({ address, wei }) => [short(address), `${ether(wei)} ETH`])),
  );
}

/** Wei as ether with six digits after the point, rounded down. */
function ether(wei) {
  const text = String(wei).padStart(19, '0');
  return `${text.slice(0, -18)}.${text.slice(-18, -12)}`;
}

function signOut() {
  key = '';
  cursor = null;
  find('content').hidden = true;
  find('sign-out').hidden = true;
  find('login').hidden = false;
  for (const id of ['rows', 'checks', 'signers']) find(id).replaceChildren();
  find('notice').textContent = '';
  find('key').focus();
}

find('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(async () => {
    key = find('key').value.trim();
    find('content').hidden = true;
    await showPage();
    await Promise.all([showActivity(), showHealth()]);
    find('key').value = '';
    find('content').hidden = false;
    find('sign-out').hidden = false;
    find('login').hidden = true;
  });
});
find('filter').addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(() => showPage());
});
find('more').addEventListener('click', () => void attempt(() => showPage(cursor)));
find('sign-out').addEventListener('click', signOut);
