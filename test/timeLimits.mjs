// A limit on the time of each test and hook, in milliseconds: what hangs fails by its name. It is for hangs and not for speed, as a busy
// machine is twenty times as slow. The last argument gives another, as with Jest.
import { addEventHandler } from 'jest-circus';

const LIMIT_MS = 600_000;

addEventHandler((event, { currentDescribeBlock: block }) => {
  if (event.name === 'add_test' && event.fn) limit(block.children.at(-1), event.timeout);
  if (event.name === 'add_hook') limit(block.hooks.at(-1), event.timeout);
});

function limit(entry, ms = LIMIT_MS) {
  const { fn } = entry;
  if (fn.length > 0) throw new Error('Tests give a promise; there is no "done".');
  entry.fn = async () => {
    let timer;
    const tooLate = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Not done within ${ms} ms.`)), ms);
    });
    try {
      await Promise.race([fn(), tooLate]);
    } finally {
      clearTimeout(timer);
    }
  };
}
