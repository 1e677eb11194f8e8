import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom, type Clock } from '@agentpay/primitives';
import { launchNode, type NodePart } from './nodePart.js';
import { claimPort } from './Ports.js';
import { createSupervisor, type Supervisor } from './Supervisor.js';

const folder = mkdtempSync(join(tmpdir(), 'agentpay-node-part-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that runs `code`, with a server that is not ready until it is asked for `/open`; it tells how often it was asked. */
async function part(code: string): Promise<NodePart> {
  const port = await claimPort(0, systemRandom);
  const script = join(folder, `part-${port}.mjs`);
  writeFileSync(
    script,
    `import { createServer } from 'node:http';
     let [status, requests] = [503, 0];
     const app = createServer((request, response) => {
       if (request.url === '/open') status = 200;
       if (request.url === '/readyz') requests++;
       response.writeHead(status).end(String(requests));
     });
     const serve = () => app.listen(${port}, '127.0.0.1');
     ${code}`,
  );
  return { name: 'part', script, env: {}, readyUrl: `http://127.0.0.1:${port}/readyz` };
}

/** Time that stands still but for what a test adds to it; waits are as long as ever. */
function heldClock(): Clock & { add(ms: number): void } {
  let now = 0;
  return { ...systemClock, now: () => now, add: (ms) => void (now += ms) };
}
const never = new AbortController().signal;

it('waits for any time as long as something answers, if only that it is not ready', async () => {
  const slow = await part('serve();');
  const clock = heldClock();
  const launched = launchNode(slow, clock, never);
  const asked = async () => Number(await (await fetch(new URL('/asked', slow.readyUrl))).text());
  const askedMoreThan = async (times: number) => {
    while ((await asked().catch(() => 0)) <= times);
  };
  await askedMoreThan(0);
  for (let minute = 0; minute < 5; minute++) {
    clock.add(150_000);
    await askedMoreThan((await asked()) + 1);
  }
  await fetch(new URL('/open', slow.readyUrl));
  const running = await launched;
  expect(running.pid).toBeGreaterThan(0);
  await running.close();
});

it('gives up on one that is silent, with what it last said', async () => {
  const silent = await part(`console.log('the last words'); setInterval(() => undefined, 1000);`);
  const clock = heldClock();
  const launched = launchNode(silent, clock, never).catch((error: unknown) => (error as Error).message);
  clock.add(181_000);
  expect(await launched).toMatch(
    /^The part gave no sign of life for 180 s: (the last words|it said nothing\.)$/,
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
