import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom, type Clock } from '@agentpay/primitives';
import { launchNode, type NodePart } from './nodePart.js';
import { claimPort } from './Ports.js';
import { createSupervisor, type Supervisor } from './Supervisor.js';

const folder = mkdtempSync(join(tmpdir(), 'agentpay-node-part-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that runs `code` with a server, `app`, whose answer is the status in `status`. */
async function part(code: string): Promise<NodePart> {
  const port = await claimPort(0, systemRandom);
  const script = join(folder, `part-${port}.mjs`);
  writeFileSync(
    script,
    `import { createServer } from 'node:http';
     let status = 503;
     const app = createServer((_request, response) => response.writeHead(status).end());
     const serve = () => app.listen(${port}, '127.0.0.1');
     ${code}`,
  );
  return { name: 'part', script, env: {}, readyUrl: `http://127.0.0.1:${port}/readyz` };
}

/** Time that goes by `factor` faster than ours. */
function fastClock(factor: number): Clock {
  return { now: () => systemClock.now() * factor, timer: (ms, fn) => systemClock.timer(ms / factor, fn) };
}
const never = new AbortController().signal;

it('waits as long as there is a sign of life: a response that says "not ready", or output', async () => {
  // Two minutes of its time for each sign, where one of silence is the limit.
  const answering = await part(`serve(); setTimeout(() => (status = 200), 1200);`);
  const talking = await part(
    `const talk = setInterval(() => console.log('still at it'), 20);
     setTimeout(() => { clearInterval(talk); status = 200; serve(); }, 1200);`,
  );
  for (const each of [answering, talking]) {
    const running = await launchNode(each, fastClock(100), never);
    expect(running.pid).toBeGreaterThan(0);
    await running.close();
  }
});

it('gives up on one that is silent, with what it last said', async () => {
  const silent = await part(`console.log('the last words'); setInterval(() => undefined, 1000);`);
  await expect(launchNode(silent, fastClock(1000), never)).rejects.toThrow(
    /^The part gave no sign of life for 60 s: (the last words|it said nothing\.)$/,
  );
});

it('tells what one said that ended', async () => {
  const ended = await part(`console.error('no key'); process.exit(1);`);
  await expect(launchNode(ended, systemClock, never)).rejects.toThrow('The part did not start: no key');
});

describe('a stack that is stopped', () => {
  let supervisor: Supervisor;
  beforeEach(() => {
    supervisor = createSupervisor({
      clock: systemClock,
      onRestart: () => undefined,
      onGiveUp: () => undefined,
    });
  });

  it('ends the parts that are still being started, so that none writes into a folder that is removed', async () => {
    const slow = await part(`console.log(process.pid); serve();`);
    const started = supervisor.start('part', (signal) => launchNode(slow, systemClock, signal));
    const refused = started.catch((error: unknown) => (error as Error).message);
    while (
      !(await fetch(slow.readyUrl).then(
        () => true,
        () => false,
      ))
    );
    await supervisor.stop();
    expect(await refused).toBe('The part was not started: the stack is stopping.');
    await expect(fetch(slow.readyUrl)).rejects.toThrow();
  });
});
