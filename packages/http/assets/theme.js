// The theme that the reader chose, before anything is drawn, and the button that changes it: a `<button data-theme-switch>`.
const root = document.documentElement;
const chosen = () => {
  try {
    return localStorage.getItem('agentpay-theme');
  } catch {
    return null; // storage is switched off
  }
};
if (/^(light|dark)$/.test(chosen() ?? '')) root.dataset.theme = chosen();

const isDark = () =>
  root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;

document.addEventListener('click', (event) => {
  if (!event.target.closest?.('[data-theme-switch]')) return;
  root.dataset.theme = isDark() ? 'light' : 'dark';
  try {
    localStorage.setItem('agentpay-theme', root.dataset.theme);
  } catch {
    // the choice lasts as long as the page
  }
});
