/** The script of the sign-in page: a form with `data-send="/path"` is sent as JSON, then the page `data-then` is opened. */
export const SCRIPT = `
document.addEventListener('submit', async (event) => {
  const form = event.target;
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  const buttons = [...form.querySelectorAll('button')];
  for (const button of buttons) button.disabled = true;
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(form.dataset.send, { method: 'POST', headers, body });
    const answer = await response.json();
    if (!response.ok) return tell(form, (answer.error?.message ?? 'It did not work.') + ' (' + answer.code + ')');
    location.assign(form.dataset.then);
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
