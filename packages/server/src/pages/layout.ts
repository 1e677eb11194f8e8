import { frame } from './frame.js';
import { html, type Html } from './template.js';

/** A page of the dashboard. `csrf`: the token that its script sends with writes. */
export function layout(page: { title: string; csrf?: string; signedIn?: string; body: Html }): string {
  const { title, csrf, signedIn, body } = page;
  return frame({
    title,
    current: '/dashboard',
    head: html`${csrf === undefined ? undefined : html`<meta name="csrf-token" content="${csrf}" />`}
      <script src="/dashboard/dashboard.js" defer></script>`,
    body: html`${
      signedIn === undefined
        ? undefined
        : html`<form class="row" data-send="POST /api/auth/signout" data-then="/signin">
            <span>${signedIn}</span> <button class="plain">Sign out</button>
          </form>`
    }
    ${body}`,
  });
}
