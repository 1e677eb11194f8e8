import type { agents, approvals, policies, webhooks } from '@agentpay/core';
import { formatDecimal } from '@agentpay/primitives';
import { layout } from './layout.js';
import { html, type Html } from './template.js';

/** Who looks at a page of the dashboard. */
export interface Viewer {
  readonly signedIn: string;
  readonly csrf: string;
}

/** Everything that the page of an agent shows. */
export interface AgentView {
  readonly id: string;
  readonly name: string;
  readonly address: string | null;
  readonly network: string | null;
  readonly archived: boolean;
  readonly balance: bigint | null;
  readonly keys: readonly { readonly id: string; readonly createdAt: Date }[];
  readonly controls: agents.AgentControls;
  readonly webhooks: readonly webhooks.Webhook[];
  /** Payments that wait for the owner. */
  readonly waiting: readonly approvals.Approval[];
}

const EVENTS = ['payment.confirmed', 'payment.failed', 'payment.rejected'];

/** The list of a user's agents. */
export function dashboardPage(
  viewer: Viewer,
  { agents, total }: { agents: readonly Pick<AgentView, 'id' | 'name' | 'archived'>[]; total: number },
): string {
  const rows = agents.map(
    ({ id, name, archived }) =>
      html`<tr>
        <td><a href="/dashboard/agents/${id}">${name}</a></td>
        <td><code>${id}</code></td>
        <td>${archived ? 'archived' : 'active'}</td>
      </tr>`,
  );
  return layout({
    title: 'Agents',
    ...viewer,
    body: html` <section>
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th>Id</th>
              <th>Status</th>
            </tr>
          </thead>
          <tbody>
            ${rows}
          </tbody>
        </table>
        <p>${total} in all.</p>
      </section>
      <section>
        <h2>New agent</h2>
        <form data-send="POST /api/agents">
          <label>Name <input name="name" required maxlength="120" /></label> <button>Create</button>
        </form>
      </section>`,
  });
}

/** The page on which an owner sees to an agent. */
export function agentPage(viewer: Viewer, agent: AgentView): string {
  const path = `/api/agents/${agent.id}`;
  return layout({
    title: agent.name,
    ...viewer,
    body: html` ${agent.archived ? html`<p role="alert">This agent is archived and pays nothing more.</p>` : undefined}
      <section>
        <h2>Wallet</h2>
        <table>
          <tbody>
            <tr>
              <th>Id</th>
              <td><code>${agent.id}</code></td>
            </tr>
            <tr>
              <th>Address</th>
              <td><code>${agent.address ?? 'no network is configured'}</code></td>
            </tr>
            <tr>
              <th>Network</th>
              <td>${agent.network ?? '-'}</td>
            </tr>
            <tr>
              <th>Balance</th>
              <td>${agent.balance === null ? 'unknown' : formatDecimal(agent.balance)}</td>
            </tr>
          </tbody>
        </table>
        <form data-send="POST ${path}/test-buy"><button>Test Buy</button> <output></output></form>
      </section>
      ${waitingOf(path, agent.waiting)} ${keysOf(path, agent.keys)} ${limitsOf(path, agent.controls.limits)}
      ${rulesOf(path, agent.controls.rules)}
      <section>
        <h2>Allow list</h2>
        <form data-send="PUT ${path}/allowlist">
          <label
            >Addresses that may be paid, one a line; none is any
            <textarea class="list" name="sellers" rows="3" cols="46">
${agent.controls.allowList.join('\n')}</textarea>
          </label>
          <button>Save</button>
        </form>
      </section>
      ${webhooksOf(path, agent.webhooks)}
      <section>
        <h2>Archive</h2>
        <form data-send="POST ${path}/archive"><button>End all payments for good</button></form>
      </section>`,
  });
}

function waitingOf(path: string, waiting: AgentView['waiting']): Html | undefined {
  if (waiting.length === 0) return undefined;
  const rows = waiting.map(
    ({ id, amount, currency, payee, expiresAt }) =>
      html`<tr>
        <td>${formatDecimal(amount)} ${currency}</td>
        <td><code>${payee}</code></td>
        <td>until ${expiresAt.toISOString()}</td>
        <td>
          <form data-send="POST ${path}/approvals/${id}/approve"><button>Approve</button></form>
        </td>
        <td>
          <form data-send="POST ${path}/approvals/${id}/reject"><button>Reject</button></form>
        </td>
      </tr>`,
  );
  return html`<section>
    <h2>Waits for you</h2>
    <table>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </section>`;
}

function keysOf(path: string, keys: AgentView['keys']): Html {
  const rows = keys.map(
    ({ id, createdAt }) =>
      html`<tr>
        <td><code>${id}</code></td>
        <td>${createdAt.toISOString().slice(0, 10)}</td>
        <td>
          <form data-send="DELETE ${path}/api-keys/${id}"><button>Revoke</button></form>
        </td>
      </tr>`,
  );
  return html`<section>
    <h2>API keys</h2>
    <table>
      <tbody>
        ${rows}
      </tbody>
    </table>
    <form data-send="POST ${path}/api-keys" data-show="key">
      <button>Generate API key</button> <output></output>
    </form>
  </section>`;
}

function limitsOf(path: string, { perTransaction, daily, monthly }: agents.AgentLimits): Html {
  const field = (name: string, label: string, value: bigint) =>
    html`<label
      >${label} <input name="${name}" value="${formatDecimal(value)}" inputmode="decimal" required
    /></label>`;
  return html`<section>
    <h2>Spending limits</h2>
    <p>0 is no limit. Days and months are those of UTC.</p>
    <form data-send="PUT ${path}/limits">
      ${field('perTransaction', 'Per transaction', perTransaction)} ${field('daily', 'Daily', daily)}
      ${field('monthly', 'Monthly', monthly)} <button>Save</button>
    </form>
  </section>`;
}

function rulesOf(path: string, rules: readonly policies.Rule[]): Html {
  const rows = rules.map((rule) => {
    const active = rule.active !== false;
    return html`<tr>
      <td>${rule.kind}</td>
      <td>${wordsOf(rule)}</td>
      <td>${active ? 'active' : 'inactive'}</td>
      <td>
        <form
          data-send="PATCH ${path}/policy-rules/${rule.id}"
          data-body="${JSON.stringify({ active: !active })}"
        >
          <button>${active ? 'Switch off' : 'Switch on'}</button>
        </form>
      </td>
      <td>
        <form data-send="DELETE ${path}/policy-rules/${rule.id}"><button>Delete</button></form>
      </td>
    </tr>`;
  });
  const create = (type: string, fields: Html) =>
    html`<form data-send="POST ${path}/policy-rules" data-body="${JSON.stringify({ type, params: {} })}">
      ${fields} <button>Add ${type}</button>
    </form>`;
  return html`<section>
    <h2>Policy rules</h2>
    <table>
      <tbody>
        ${rows}
      </tbody>
    </table>
    ${create('max_amount', html`<label>Most of one payment <input name="params.amount" inputmode="decimal" required /></label>`)}
    ${create('approval_over', html`<label>Ask me above <input name="params.amount" inputmode="decimal" required /></label>`)}
    ${create(
      'time_restriction',
      html`<label>Allowed from <input type="time" name="params.hours.from" required /></label>
        <label>until <input type="time" name="params.hours.to" required /></label>
        <label>Time zone <input name="params.timeZone" value="UTC" /></label>`,
    )}
    ${create(
      'per_seller_cap',
      html`<label>Seller, or each <input name="params.seller" placeholder="0x..." /></label>
        <label>In all <input name="params.amount" inputmode="decimal" required /></label>
        <label
          >Per
          <select name="params.period">
            <option value="">ever</option>
            <option>day</option>
            <option>month</option>
          </select></label
        >`,
    )}
  </section>`;
}

function wordsOf(rule: policies.Rule): string {
  switch (rule.kind) {
    case 'max_amount':
      return `at most ${formatDecimal(rule.amount)} a payment`;
    case 'approval_over':
      return `what is above ${formatDecimal(rule.amount)} needs your approval`;
    case 'time_restriction': {
      const { hours, days, timeZone } = rule;
      const when = [hours && `${hours.from} to ${hours.to}`, days?.join(', ')].filter(Boolean).join(' on ');
      return `${when} (${timeZone})`;
    }
    case 'per_seller_cap':
      return `at most ${formatDecimal(rule.amount)} for ${rule.seller ?? 'each seller'}, ${rule.period ?? 'ever'}`;
    default:
      return rule.kind;
  }
}

function webhooksOf(path: string, hooks: readonly webhooks.Webhook[]): Html {
  const rows = hooks.map(
    ({ id, url, events, status }) =>
      html`<tr>
        <td>${url}</td>
        <td>${events.join(', ')}</td>
        <td>${status}</td>
        <td>
          <form data-send="DELETE ${path}/webhooks/${id}"><button>Delete</button></form>
        </td>
      </tr>`,
  );
  return html`<section>
    <h2>Webhooks</h2>
    <table>
      <tbody>
        ${rows}
      </tbody>
    </table>
    <form
      data-send="POST ${path}/webhooks"
      data-body="${JSON.stringify({ events: EVENTS })}"
      data-show="secret"
    >
      <label>URL <input type="url" name="url" required /></label> <button>Add webhook</button>
      <output></output>
    </form>
  </section>`;
}
