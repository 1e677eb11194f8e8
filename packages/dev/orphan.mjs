/**
 * Calls `stop` once if npm, which started this process, is gone (SIGKILL, SIGHUP): it cannot pass those on.
 * Needs a script that is one `exec node ...`, so that npm is the parent and no shell stands between, which would swallow the
 * signals that npm does pass on. Does nothing outside npm, so that nohup and disown work.
 * @param {() => void} stop
 */
export function onOrphaned(stop) {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, 250);
  timer.unref();
}
