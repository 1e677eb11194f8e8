import { html, type Html } from './template.js';

const STYLE = {
  html: `:root{color-scheme:light dark;--line:#8884;--accent:#0b6b4b}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0}
header,main{max-width:60rem;margin:0 auto;padding:1rem}
header{display:flex;gap:1rem;align-items:center;justify-content:space-between;border-bottom:1px solid var(--line)}
section{border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1rem 0;overflow-x:auto}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:0 0 .5rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem .3rem 0;vertical-align:top}
code,output{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
form{display:flex;flex-wrap:wrap;gap:.5rem;align-items:end}label{display:grid;gap:.2rem;font-size:.9rem}
input,select,button,textarea{font:inherit;padding:.4rem .6rem;border:1px solid var(--line);border-radius:.3rem;max-width:100%}
button,a.button{background:var(--accent);color:#fff;cursor:pointer;border-radius:.3rem;padding:.4rem .8rem;text-decoration:none}
[role=alert]{border-left:4px solid #b3261e;padding:.5rem 1rem;margin:1rem 0}`,
};

/** A page of the dashboard. `csrf`: the token that its script sends with writes. */
export function layout(page: { title: string; csrf?: string; signedIn?: string; body: Html }): string {
  const { title, csrf, signedIn, body } = page;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · AgentPay</title>
        ${csrf === undefined ? undefined : html`<meta name="csrf-token" content="${csrf}" />`}
        <style>
          ${STYLE}
        </style>
        <script src="/dashboard/dashboard.js" defer></script>
      </head>
      <body>
        <header>
          <a href="/dashboard">AgentPay</a>
          ${
            signedIn === undefined
              ? html`<a href="/signin">Sign in</a>`
              : html`<form data-send="POST /api/auth/signout" data-then="/signin">
                  <span>${signedIn}</span> <button>Sign out</button>
                </form>`
          }
        </header>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html> `.html;
}
