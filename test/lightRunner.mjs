// The runner of tests: jest-light-runner with a channel for each run. Its own is one for all workers: when the first of them asks for its
// settings, all get them and nobody is listened to any more, so that a worker that was not listening yet waits for ever.
import LightRunner from 'jest-light-runner';

const ASKED = 'jest-light-runner-get-worker-data';
const TOLD = 'jest-light-runner-worker-data';

export default class Runner extends LightRunner {
  constructor(...args) {
    super(...args);
    if (this._runtime !== 'child_process') return;
    const { _testRunners: runners, _globalConfig: globalConfig, _runtime: runtime } = this;
    const set = runners.set.bind(runners);
    runners.set = (projectConfig, { pool }) => {
      const workerData = { globalConfig, projectConfig, runtime };
      return set(projectConfig, {
        pool,
        run: (test) => pool.run(test.path, { channel: channelOf(workerData) }),
      });
    };
  }
}

/** Between one worker, for one run, and whoever gives it the run. */
export function channelOf(workerData) {
  let tell;
  return {
    onMessage: (listener) => (tell = listener),
    postMessage(message) {
      if (message === ASKED) tell({ type: TOLD, workerData });
    },
  };
}
