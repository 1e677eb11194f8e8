import { spawnSync } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { completionScript, completionsOf, shells, table } from '@agentpay/cli';
import { paywall } from '@agentpay/paywall';
import { baseSepolia } from '@agentpay/primitives';
import { checkUrl, type CheckReport } from '@agentpay/server/check';
import { runCommands } from '@agentpay/http/commands';
import { spawned, spawnNode } from '@agentpay/testing';
import express, { type RequestHandler } from 'express';
import { mppxExpress, x402Express, x402ExpressV1 } from '../interop/peerServers.js';
import { bundled } from '../stress/bundled.js';

const BIN = await bundled(fileURLToPath(new URL('../../../packages/cli/dist/bin.js', import.meta.url)));
const payTo = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const ends: (() => void)[] = [];
const { warn, error } = console;
// The official middlewares print every proof that they cannot read.
beforeAll(() => {
  console.warn = console.error = () => undefined;
});
afterAll(() => Object.assign(console, { warn, error }));
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Serves on a free port until the test ends. */
async function serve(listener: RequestListener): Promise<`http://${string}`> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A facilitator that says what it supports and is asked nothing else. */
function facilitator(): Promise<`http://${string}`> {
  const app = express();
  const kinds = [
    { x402Version: 2, scheme: 'exact', network: baseSepolia.id },
    { x402Version: 1, scheme: 'exact', network: baseSepolia.name },
  ];
  app.get('/supported', (_req, res) => void res.json({ kinds, extensions: [], signers: {} }));
  return serve(app);
}

async function ourSeller(): Promise<string> {
  const pay = paywall({ logger: false, payTo, facilitator: 'http://127.0.0.1:1' });
  const open: RequestHandler = (_req, res, next) => {
    res.setHeader('Access-Control-Allow-Origin', '*');
    next();
  };
  const app = express().use(open);
  app.get('/weather', pay.charge('$0.01'), (_req, res) => void res.json({}));
  return `${await serve(app)}/weather`;
}

const failed = ({ findings }: CheckReport) =>
  findings.filter(({ verdict }) => verdict === 'fail').map(({ check }) => check);
const reasonOf = ({ findings }: CheckReport, id: string) =>
  findings.find(({ check }) => check === id)?.reason;

describe('agentpay check', () => {
  it('passes our own seller in everything', async () => {
    const { ok, findings } = await checkUrl(await ourSeller());
    expect(ok).toBe(true);
    // An index of the internet does not list what stands on this machine.
    expect(findings.filter(({ verdict }) => verdict !== 'pass')).toMatchObject([
      { check: 'indexer', verdict: 'warn', reason: expect.stringContaining('a private network') },
    ]);
    expect(findings).toHaveLength(18);
  });

  it('finds that @x402/express serves HEAD for nothing', async () => {
    const report = await checkUrl((await x402Express({ payTo, serve }, await facilitator())).url);
    expect([reasonOf(report, 'offers'), failed(report)]).toEqual(['It can be paid in x402 v2.', ['head']]);
  });

  it('finds that x402-express serves HEAD for nothing and lets caches keep its 402', async () => {
    const report = await checkUrl((await x402ExpressV1({ payTo, serve }, await facilitator())).url);
    expect([reasonOf(report, 'offers'), failed(report)]).toEqual([
      'It can be paid in x402 v1.',
      ['caching', 'head'],
    ]);
  });

  it('finds that mppx breaks on an x402 proof it cannot read', async () => {
    const report = await checkUrl((await mppxExpress({ payTo, serve }, await facilitator())).url);
    expect([reasonOf(report, 'offers'), failed(report)]).toEqual([
      'It can be paid in x402 v2, MPP.',
      ['malformed.x402v2'],
    ]);
  });

  it('prints a line for each finding and ends with 0, or with 1 when something failed', async () => {
    const url = await ourSeller();
    const good = spawnNode(BIN, { args: ['check', url] });
    expect(await good.ended).toMatchObject({ code: 0 });
    expect(good.output()).toMatch(/^pass {2}head {15,}HEAD is not free: 402\.$/m);
    expect(good.output()).toMatch(/\n\n1 to look at, 17 passed\.\n$/);
    const free = spawnNode(BIN, { args: ['check', await serve((_req, res) => void res.end()), '--json'] });
    expect(await free.ended).toMatchObject({ code: 1 });
    expect(JSON.parse(free.output())).toMatchObject({
      ok: false,
      findings: [{ check: 'status', verdict: 'fail' }],
    });
    const nobody = spawnNode(BIN, { args: ['check', 'http://127.0.0.1:9/x'] });
    expect(await nobody.ended).toMatchObject({ code: 2 });
    expect(nobody.output()).toMatch(/^http:\/\/127\.0\.0\.1:9\/x gives no response: [^\n]+\n$/);
  });
});

describe('agentpay mock', () => {
  it('sells until it is told to stop', async () => {
    const mock = spawnNode(BIN, { args: ['mock', '--port', '0', '--price', '$0.02'] });
    const [, url = ''] = await mock.line(/^AgentPay mock sells on (http:\S+)$/);
    expect(await checkUrl(`${url}/any/path`)).toMatchObject({ ok: true });
    await mock.kill('SIGTERM');
    expect(await mock.ended).toEqual({ code: 0, signal: null });
  });

  it('says what is wrong with a flag or a port in one sentence', async () => {
    const wrong = spawnNode(BIN, { args: ['mock', '--fault', 'fire'] });
    expect([(await wrong.ended).code, wrong.output()]).toEqual([
      2,
      expect.stringMatching(/^--fault must be one of none, [^\n]+\n$/),
    ]);
    const port = new URL(await serve(() => undefined)).port;
    const taken = spawnNode(BIN, { args: ['mock', '--port', port] });
    expect(await taken.ended).toMatchObject({ code: 1 });
    expect(taken.output()).toMatch(new RegExp(`^Port ${port} is taken; [^\\n]+\\n$`));
  });
});

/** Calls the command line within this process; gives its exit code and what it says of a failure. */
async function called(...words: string[]) {
  let said = '';
  const keep = (line: string) => void (said += `${line}\n`);
  // Nothing starts in such an environment: what begins by reading it ends there.
  const env = { PORT: 'x' };
  const around = { print: keep, note: keep, write: async () => undefined, env, folder: '/' };
  return { code: await runCommands(table, words, around), said };
}

/** Calls it twice: both end with 2, once with one sentence and once with JSON that has it. */
async function expectRefused(...words: string[]): Promise<void> {
  const { code, said } = await called(...words.filter((word) => word !== '--json'));
  expect([words, code, said.trim().split('\n').length]).toEqual([words, 2, 1]);
  const asJson = await called(...words, '--json');
  expect([words, asJson.code]).toEqual([words, 2]);
  expect(JSON.parse(asJson.said)).toMatchObject({
    ok: false,
    error: { code: expect.any(String), message: said.trim() },
  });
}

describe('agentpay', () => {
  it('says its version', async () => {
    expect(await called('--version')).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it('ends with 2 at a flag or a word that a command does not know, whichever command', async () => {
    expect(table.commands.length).toBeGreaterThan(15);
    for (const { name, args = [], flags = [] } of table.commands) {
      expect([name, flags.some(({ flag }) => flag === '--json')]).toEqual([name, true]);
      const words = [...name.split(' '), ...args.map(() => 'word')];
      await expectRefused(...words, '--bogus');
      if (!args.at(-1)?.includes('...')) await expectRefused(...words, 'bogus');
    }
  });

  it.each([
    ['nothing'],
    ['pay'],
    ['pay', 'ftp://x'],
    ['pay', 'http://x', '--max', 'much'],
    ['check', 'nowhere'],
    ['wallet', 'balance', '--network', 'moon'],
    ['sell', '--upstream', 'http://127.0.0.1:1'],
    ['sell', '--mcp', '--price', '$0.01'],
    ['init', 'x', '--kind', 'thief', '--json'],
    ['trigger', 'doomsday'],
    ['events', 'listen', '--forward-to', 'http://['],
    ['logs', 'tail', '--lines', 'all'],
    ['completion', 'cmd'],
    ['dev', '--port', 'abc'],
    ['dev', '--block-time', 'soon'],
    ['facilitator'],
    ['facilitator', 'key', 'create', 'shop', 'everything'],
    ['facilitator', 'keystore', 'create', 'x.json'],
    ['serve'],
    ['serve', '--port', 'x'],
    ['mock', '--fault', 'fire'],
    ['ledger', 'verify'],
    ['ledger', 'reconcile'],
    ['keys', 'rotate-master'],
    ['check', 'http://127.0.0.1:9/x'],
  ])('ends with 2 when it is called wrongly, with one sentence or with JSON: %s', async (...words) => {
    await expectRefused(...words);
  });

  it('says as JSON, too, that something else failed', async () => {
    const port = new URL(await serve(() => undefined)).port;
    const { code, said } = await called('mock', '--port', port, '--json');
    expect([code, JSON.parse(said)]).toMatchObject([
      1,
      {
        ok: false,
        error: { code: 'port_unusable', message: expect.stringContaining(`Port ${port} is taken`) },
      },
    ]);
  });

  it('has commands under names of their own as well, with the same rows', async () => {
    const own = (package_: string, ...args: string[]) =>
      spawnNode(fileURLToPath(new URL(`../../../packages/${package_}/dist/bin.js`, import.meta.url)), {
        args,
      });
    const programs = [
      [own('dev', '--help'), 'agentpay-dev --once --json'],
      [own('facilitator', 'key', 'create', '--help'), 'agentpay-facilitator key create shop verify,settle'],
      [own('server', 'ledger', 'verify', '--help'), 'agentpay-server ledger verify'],
    ] as const;
    for (const [program, example] of programs) {
      expect((await program.ended).code).toBe(0);
      expect(program.output()).toContain(example);
    }
    const wrong = own('dev', '--bogus', '--json');
    expect(await wrong.ended).toMatchObject({ code: 2 });
    expect(JSON.parse(wrong.output())).toMatchObject({ ok: false, error: { code: 'usage' } });
  });

  it('is not disturbed by a reader who has seen enough', async () => {
    const line = `"${process.execPath}" "${BIN}" trigger --help | true; echo \${PIPESTATUS[0]}`;
    const piped = spawned('bash', ['-c', line]);
    await piped.ended;
    expect(piped.output()).toBe('0\n');
  });

  it('shows help and ends with 2 when it is called without a command', async () => {
    expect(await called()).toMatchObject({ code: 2, said: expect.stringContaining('Usage: agentpay') });
    expect(await called('wallet')).toMatchObject({ code: 2, said: expect.stringContaining('create') });
  });

  it('has help with examples for every command, and completes all of them in every shell', async () => {
    const { commands } = table;
    for (const { name } of commands) {
      const { code, said } = await called(...name.split(' '), '--help');
      expect([name, code]).toEqual([name, 0]);
      expect(said.split('Examples:\n')[1]).toContain(`agentpay ${name}`);
    }
    const flags = new Map(completionsOf(table).map(({ after, next }) => [after, next]));
    for (const { name, flags: rows = [] } of commands)
      for (const { flag } of rows) expect(flags.get(name)).toContain(/--[\w-]+/.exec(flag)?.[0]);
    const words = [...new Set(commands.flatMap(({ name }) => name.split(' ')))];
    for (const shell of shells) {
      const script = completionScript(shell, table);
      expect([shell, words.filter((word) => !script.includes(word))]).toEqual([shell, []]);
    }
    const typed = `${completionScript('bash', table)}
COMP_WORDS=(agentpay wallet balance --network ''); COMP_CWORD=4; _agentpay; echo "\${COMPREPLY[@]}"
COMP_WORDS=(agentpay led); COMP_CWORD=1; _agentpay; echo "\${COMPREPLY[@]}"
COMP_WORDS=(agentpay ledger ''); COMP_CWORD=2; _agentpay; echo "\${COMPREPLY[@]}"
COMP_WORDS=(agentpay dev --bl); COMP_CWORD=2; _agentpay; echo "\${COMPREPLY[@]}"
COMP_WORDS=(agentpay trigger invoice.p); COMP_CWORD=2; _agentpay; echo "\${COMPREPLY[@]}"
COMP_WORDS=(agentpay facilitator k); COMP_CWORD=2; _agentpay; echo "\${COMPREPLY[@]}"
COMP_WORDS=(agentpay facilitator key create shop --); COMP_CWORD=5; _agentpay; echo "\${COMPREPLY[@]}"`;
    const bash = spawned('bash', ['--norc', '-c', typed]);
    expect((await bash.ended).code).toBe(0);
    expect(bash.output()).toBe(
      'local base-sepolia base\nledger\nverify reconcile\n--block-time\ninvoice.paid\nkeystore key\n--json --help\n',
    );
  });

  it('has scripts that the shells of this machine read without a fault', async () => {
    const reading = { bash: '-n', zsh: '-fn', fish: '--no-execute' } as const;
    const here = shells.filter((shell) => spawnSync(shell, ['-c', 'true']).status === 0);
    expect(here).toContain('bash');
    const folder = mkdtempSync(join(tmpdir(), 'agentpay-completion-'));
    ends.push(() => rmSync(folder, { recursive: true }));
    for (const shell of here) {
      const file = join(folder, shell);
      writeFileSync(file, completionScript(shell, table));
      const run = spawned(shell, [reading[shell], file]);
      expect([shell, (await run.ended).code, run.output()]).toEqual([shell, 0, '']);
    }
  });
});
