/** The pay page's style sheet, in the colours of every page of AgentPay. They keep a contrast of 4.5 : 1 or more in both schemes. */
export const style = `
:root { color-scheme: light dark; --ground: #f6f6f9; --card: #fff; --ink: #1b1b24; --soft: #565663; --line: #d9d9e1; --act: #0b6b4b;
  --on-act: #fff; --fault: #b3261e; --code: #f6f6f9 }
@media (prefers-color-scheme: dark) { :root { --ground: #121217; --card: #1b1b22; --ink: #ececf1; --soft: #abacba; --line: #363642;
  --act: #5fd0a5; --on-act: #06251a; --fault: #ff8f85; --code: #121217 } }
* { box-sizing: border-box }
[hidden] { display: none !important }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem 1rem; color: var(--ink); background: var(--ground);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
main { width: 100%; max-width: 34rem; padding: clamp(1.25rem, 5vw, 2.25rem); background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; box-shadow: 0 1px 2px rgb(0 0 0 / .05), 0 12px 32px rgb(0 0 0 / .07) }
.kicker { margin: 0; color: var(--soft); font-size: .875rem }
h1 { margin: .125rem 0 1.25rem; font-size: 1.375rem; line-height: 1.3; overflow-wrap: anywhere }
h1:focus { outline: none }
.price { margin: 0; font-size: 2.75rem; line-height: 1.1; font-weight: 700; letter-spacing: -.02em; font-variant-numeric: tabular-nums }
.unit { margin: .25rem 0 1.5rem; color: var(--soft) }
fieldset { margin: 0 0 1.5rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem }
legend { padding: 0 .375rem; color: var(--soft); font-size: .875rem }
label { display: flex; gap: .625rem; align-items: center; padding: .25rem 0 }
dl { margin: 0 0 1.5rem; border-top: 1px solid var(--line) }
dl div { display: grid; grid-template-columns: 6rem 1fr; gap: .75rem; padding: .625rem 0; border-bottom: 1px solid var(--line) }
dt { color: var(--soft); font-size: .875rem; line-height: 1.7 }
dd { margin: 0; overflow-wrap: anywhere }
code, pre { font: .8125rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
button, .button { display: inline-block; font: inherit; font-weight: 600; cursor: pointer; border-radius: .5rem;
  border: 1px solid var(--line); color: var(--ink); background: var(--card); padding: .4375rem .875rem; text-decoration: none;
  transition: filter .15s }
#pay { width: 100%; padding: .8125rem 1rem; font-size: 1.0625rem; color: var(--on-act); background: var(--act); border-color: transparent }
button:hover, .button:hover { filter: brightness(.95) }
button:disabled { opacity: .6; cursor: progress }
:focus-visible { outline: 3px solid var(--act); outline-offset: 3px }
#status { min-height: 1.5rem; margin: .75rem 0 0; color: var(--soft) }
#status.fault { color: var(--fault) }
details { margin-top: 1rem; border-top: 1px solid var(--line); padding-top: 1rem }
summary { cursor: pointer; color: var(--soft) }
details p { margin: .75rem 0 .5rem; color: var(--soft); font-size: .875rem }
pre { margin: 0 0 .75rem; padding: .75rem 1rem; overflow: auto; max-height: 60vh; background: var(--code); border: 1px solid var(--line);
  border-radius: .5rem; white-space: pre-wrap; overflow-wrap: anywhere }
iframe { width: 100%; height: 60vh; border: 1px solid var(--line); border-radius: .5rem; background: #fff }
img { display: block; max-width: 100%; border-radius: .5rem }
a { color: var(--act) }
ul { margin: .5rem 0 0; padding-left: 1.25rem }
#content > * + * { margin-top: .75rem }
@media (prefers-reduced-motion: reduce) { * { transition: none !important } }
`;
