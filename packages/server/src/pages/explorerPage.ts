import { endpoints, jsonSchema, type Endpoint } from '@agentpay/api';
import { frame } from './frame.js';
import { siteFiles } from './siteFiles.js';
import { html } from './template.js';

/** What the console offers: the calls that a session may try. */
const calls = endpoints
  .filter(({ auth, kind, path }) => kind === 'json' && auth.includes('explorer') && path.startsWith('/v1/'))
  .map((endpoint) => ({ ...callOf(endpoint), group: endpoint.id.split('.')[1] as string }));

function callOf({ id, method, path, summary, query, body, example }: Endpoint) {
  const hasBody = method !== 'GET' && Object.keys(body.shape).length > 0;
  return {
    id,
    method,
    path,
    summary,
    params: example.params ?? {},
    query: Object.keys((jsonSchema(query)['properties'] as object | undefined) ?? {}),
    ...(hasBody ? { body: example.body ?? {} } : {}),
  };
}

/** The public sandbox: begin or join a session, watch it live, and try calls that are shown as curl. */
export function explorerPage({ enabled, baseUrl }: { enabled: boolean; baseUrl: string }): string {
  const data = JSON.stringify({ baseUrl, calls }).replaceAll('<', '\\u003c');
  return frame({
    title: 'Explorer',
    description: 'A sandbox with test money: share a session with agents and people, and try every call.',
    current: '/explorer',
    head: html`<link rel="stylesheet" href="${siteFiles.style.path}" />
      <script type="module" src="${siteFiles.explorer.path}"></script>`,
    body: enabled
      ? html`<p>
            A session is an agent with test money that you share: as its host you may pay, guests who have
            your invite watch and read. It ends by itself, and nothing in it is worth anything.
          </p>
          <noscript
            ><p role="alert">
              This page needs JavaScript. The same calls work without it: see
              <a href="/docs/api/runtime.explorer">the explorer in the API reference</a>.
            </p></noscript
          >
          <p id="fault" role="alert"></p>
          ${doors} ${session}
          <script type="application/json" id="calls">
            ${{ html: data }}
          </script>`
      : html`<p class="notice">There is no public sandbox on this server. Its operator can switch it on.</p>
          <p>
            The <a href="/docs">documentation</a> shows every call, and <code>npm start</code> runs all of it
            at home.
          </p>`,
  });
}

const doors = html`<div id="doors" class="grid">
  <section class="card">
    <h2>Begin</h2>
    <p>Open a session of your own and be its host.</p>
    <button type="button" id="open">Open a session</button>
  </section>
  <section class="card">
    <h2>Join</h2>
    <form id="join" class="stack">
      <label
        >Invite
        <input
          name="invite"
          required
          autocomplete="off"
          spellcheck="false"
          pattern="inv_code_[0-9a-f]{48}"
          placeholder="inv_code_..."
      /></label>
      <button>Join as a guest</button>
    </form>
  </section>
</div>`;

const session = html`<div id="session" hidden>
  <div class="grid">
    <section class="card" aria-labelledby="session-title">
      <h2 id="session-title">Session</h2>
      <p><span class="badge info" id="role"></span> <span class="badge" id="writes"></span></p>
      <dl class="facts" id="facts"></dl>
      <p><button type="button" class="plain" id="leave">Leave</button></p>
    </section>
    <section class="card" aria-labelledby="wallet-title">
      <h2 id="wallet-title">Wallet</h2>
      <p class="figure" id="balance">-</p>
      <p class="muted small" id="held"></p>
      <p class="row">
        <button type="button" id="fund">Add 10 of test money</button>
      </p>
      <p class="muted small" id="freshness"></p>
    </section>
    <section class="card" id="invites" aria-labelledby="invite-title">
      <h2 id="invite-title">Invite guests</h2>
      <p>Whoever opens the link joins as a guest. Agents exchange its code for a token of their own.</p>
      <button type="button" id="invite">Make an invite</button>
      <p>
        <label id="link-label" hidden>Link <input id="link" readonly /></label>
      </p>
      <button type="button" class="plain" id="copy-link" hidden>Copy the link</button>
    </section>
  </div>
  <section aria-labelledby="payments-title">
    <h2 id="payments-title">Payments</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Payments of the session">
      <table>
        <caption class="visually-hidden">
          Payments of the session, the newest first
        </caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">What for</th>
            <th scope="col">Status</th>
            <th scope="col" class="amount">Amount</th>
          </tr>
        </thead>
        <tbody id="payments"></tbody>
      </table>
    </div>
    <p class="muted" id="no-payments">No payment yet.</p>
  </section>
  <section aria-labelledby="console-title">
    <h2 id="console-title">Console</h2>
    <div class="console">
      <form id="console" class="stack">
        <div>
          <label for="call">Call</label>
          <select id="call"></select>
        </div>
        <p class="muted small" id="summary"></p>
        <div id="fields" class="stack"></div>
        <label id="body-label">Body <textarea id="body" rows="8" spellcheck="false"></textarea></label>
        <button>Send</button>
      </form>
      <div>
        <h3>The same with curl</h3>
        <pre tabindex="0"><code id="curl"></code></pre>
        <button type="button" class="plain" id="copy-curl">Copy</button>
        <h3>Response <span class="badge" id="status" role="status"></span></h3>
        <pre tabindex="0"><code id="response">Nothing was sent yet.</code></pre>
      </div>
    </div>
  </section>
</div>`;
