/**
 * The script of the dashboard: a form with `data-send="METHOD /path"` is sent as JSON with the CSRF token of the page; then the page
 * `data-then` is opened, or what came back is shown in the form's `output`, or the page is loaded again. A field `a.b` is a member of
 * the object `a`; fields of class `list` are lists, one item a line.
 */
export const SCRIPT = `
const csrf = document.querySelector('meta[name=csrf-token]')?.content;
function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || (field.type === 'checkbox' && !field.checked)) continue;
    const list = field.classList.contains('list');
    const value = field.type === 'checkbox' ? true : list ? field.value.split(/\\s+/).filter(Boolean) : field.value;
    if (value === '' && !field.required) continue;
    const names = field.name.split('.');
    let inner = body;
    for (const name of names.slice(0, -1)) inner = inner[name] ??= {};
    inner[names.at(-1)] = value;
  }
  return body;
}
document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.dataset.send) return;
  event.preventDefault();
  const [method, path] = form.dataset.send.split(' ');
  const output = form.querySelector('output');
  const headers = { 'content-type': 'application/json', ...(csrf && { 'x-csrf-token': csrf }) };
  const fixed = form.dataset.body ? JSON.parse(form.dataset.body) : {};
  const buttons = [...form.querySelectorAll('button')];
  for (const button of buttons) button.disabled = true;
  try {
    const response = await fetch(path, { method, headers, body: JSON.stringify({ ...fixed, ...bodyOf(form) }) });
    const answer = await response.json();
    if (!response.ok) return tell(form, (answer.error?.message ?? 'It did not work.') + ' (' + answer.code + ')');
    if (form.dataset.then) return location.assign(form.dataset.then);
    if (!output) return location.reload();
    output.textContent = form.dataset.show ? String(answer[form.dataset.show]) : JSON.stringify(answer, null, 2);
  } catch {
    tell(form, 'The server did not answer.');
  } finally {
    for (const button of buttons) button.disabled = false;
  }
});
function tell(form, message) {
  let alert = form.querySelector('[role=alert]');
  if (!alert) {
    alert = document.createElement('p');
    alert.setAttribute('role', 'alert');
    form.append(alert);
  }
  alert.textContent = message;
}
`;
