import type { ResponseOf, runtime } from '@agentpay/api';
import { formatMoney } from '@agentpay/primitives';
import { frame } from './frame.js';
import { siteFiles } from './siteFiles.js';
import { html, type Html } from './template.js';

/** What the operator is shown. */
export type OpsState = ResponseOf<typeof runtime.nouns.ops.state>;

/** The public sandbox for its operator. Who came without the key is asked for it; it stays in the tab. */
export function opsPage(state: OpsState | undefined): string {
  return frame({
    title: 'Public sandbox: operations',
    description: 'Sessions, settings, limits, queue and kill switch of the public sandbox.',
    head: html`<link rel="stylesheet" href="${siteFiles.style.path}" />
      <meta name="robots" content="noindex" />
      <script type="module" src="${siteFiles.ops.path}"></script>`,
    body: html`${signIn(state !== undefined)}
      <p id="fault" role="alert"></p>
      <div id="state">${state && stateView(state)}</div>`,
  });
}

function signIn(known: boolean): Html {
  return html`<form id="sign-in" class="row" ${known ? html`hidden` : undefined}>
      <label>Admin key <input id="key" type="password" autocomplete="off" required /></label>
      <button>Sign in</button>
    </form>
    <p class="row" id="tools" ${known ? undefined : html`hidden`}>
      <button type="button" class="plain" id="refresh">Refresh</button>
      <button type="button" class="plain" id="sign-out">Sign out</button>
    </p>`;
}

/** The state as HTML: what the page holds at once for who came with the key, and what its script asks for else. */
function stateView({ sessions, settings, rate_limits, queue_depth, kill_switch }: OpsState): Html {
  return html`<div class="grid">
      ${killSwitch(kill_switch)}
      <section class="card">
        <h2>Queue</h2>
        <p class="figure">${queue_depth.toLocaleString('en')}</p>
        <p class="muted small">webhook deliveries that wait</p>
      </section>
      <section class="card">
        <h2>Rate limits</h2>
        <dl class="facts">
          ${fact('Calls a minute', rate_limits.per_minute)} ${fact('Calls at once', rate_limits.burst)}
        </dl>
      </section>
      ${settingsCard(settings)}
    </div>
    <h2>Sessions (${sessions.length})</h2>
    ${sessions.length === 0 ? html`<p class="notice">No session is open.</p>` : sessionTable(sessions)}`;
}

function killSwitch(isOn: boolean): Html {
  const state = isOn
    ? html`<span class="badge danger">on: nothing is paid</span>`
    : html`<span class="badge ok">off: payments are made</span>`;
  return html`<section class="card">
    <h2>Kill switch</h2>
    <p>${state}</p>
    <button type="button" class="danger" data-kill="${isOn ? 'false' : 'true'}">
      ${isOn ? 'Let payments go on' : 'Stop all payments'}
    </button>
  </section>`;
}

function settingsCard(settings: OpsState['settings']): Html {
  const yes = (value: boolean) => (value ? 'yes' : 'no');
  const minutes = (seconds: number) => `${Math.round(seconds / 60)} min`;
  return html`<section class="card wide">
    <h2>Settings</h2>
    <dl class="facts">
      ${fact('Sandbox', yes(settings.sandbox))} ${fact('Hosts may write', yes(settings.host_writes))}
      ${fact('Guests may write', yes(settings.guest_writes))}
      ${fact('A session lasts', minutes(settings.session_ttl_seconds))}
      ${fact('A token lasts', minutes(settings.access_ttl_seconds))}
      ${fact('An invite lasts', minutes(settings.invite_ttl_seconds))}
      ${fact('Guests of an invite', settings.invite_uses)} ${fact('Sessions at most', settings.max_sessions)}
      ${fact('Rails', settings.rails.join(', '))}
      ${fact('Most in one payment', formatMoney(settings.payment_max))}
      ${fact('Most in a wallet', formatMoney(settings.funding_max))}
    </dl>
  </section>`;
}

function sessionTable(sessions: OpsState['sessions']): Html {
  const rows = sessions.map(
    ({ session_id, agent_id, created_at, expires_at }) =>
      html`<tr>
        <th scope="row"><code>${session_id}</code></th>
        <td><code>${agent_id}</code></td>
        <td>${time(created_at)}</td>
        <td>${time(expires_at)}</td>
      </tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Open sessions">
    <table>
      <thead>
        <tr>
          <th scope="col">Session</th>
          <th scope="col">Agent</th>
          <th scope="col">Opened</th>
          <th scope="col">Ends</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function fact(term: string, value: string | number): Html {
  return html`<dt>${term}</dt>
    <dd>${typeof value === 'number' ? value.toLocaleString('en') : value}</dd>`;
}

const time = (at: Date) => `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
