import { readDashboard, type Dashboard } from '@agentpay/dashboard';
import { frame } from './frame.js';
import { html } from './template.js';

let read: Dashboard | undefined;

/** The files of the dashboard; undefined where it was not built. They are read once. */
export function dashboard(): Dashboard | undefined {
  read ??= readDashboard();
  return read;
}

/**
 * The page that every address of the dashboard opens. It holds no data of anybody: its script asks the API.
 * `presented`: the kind of key that came with the request, in its header.
 */
export function dashboardPage({
  path,
  signedIn,
  presented,
}: {
  path: string;
  signedIn: boolean;
  presented?: 'developer';
}): string {
  const built = dashboard();
  const { modules = [], data = [] } = built?.ahead(path) ?? {};
  const head = html`${signedIn ? html`<meta name="agentpay-session" content="yes" />` : undefined}
  ${presented && html`<meta name="agentpay-presented" content="${presented}" />`}
  ${built?.styles.map((path) => html`<link rel="stylesheet" href="${path}" />`)}
  ${modules.map((module) => html`<link rel="modulepreload" href="${module}" />`)}
  ${signedIn ? data.map((call) => html`<link rel="preload" as="fetch" crossorigin href="${call}" />`) : undefined}
  ${built && html`<script type="module" src="${built.script}"></script>`}`;
  return frame({
    title: 'Dashboard',
    current: '/dashboard',
    head,
    heading: html``,
    body: html`<div id="app">
      <h1>Dashboard</h1>
      ${
        built
          ? html`<p role="status">Loading…</p>
              <noscript
                ><p role="alert">The dashboard needs JavaScript. The API works without it.</p></noscript
              >`
          : html`<p role="alert">The dashboard is not part of this installation: it has not been built.</p>`
      }
    </div>`,
  });
}
