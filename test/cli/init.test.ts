import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '@agentpay/cli';
import { runCommands } from '@agentpay/http/commands';
import { spawned } from '@agentpay/testing';

/** `agentpay init`, as it asks on a terminal and as it is told everything. */
const BIN = fileURLToPath(new URL('../../../packages/cli/dist/bin.js', import.meta.url));
const PYTHON = process.env['PYTHON'] ?? '/usr/bin/python3';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agentpay-init-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Python has a terminal to give: it runs a command in one, and types a response whenever a question stands there. */
const TERMINAL = `
import json, os, pty, sys
answers, command = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
said, asked = b"", 0
while True:
    try:
        some = os.read(terminal, 4096)
    except OSError:
        break
    if not some:
        break
    said += some
    if asked < len(answers) and said.count(b"? (") > asked:
        os.write(terminal, answers[asked].encode() + b"\\n")
        asked += 1
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
`;

async function onTerminal(answers: readonly string[], ...words: string[]) {
  const args = ['-c', TERMINAL, JSON.stringify(answers), process.execPath, BIN, 'init', ...words];
  const run = spawned(PYTHON, args, { cwd: folder, env: { ...process.env, npm_command: '' } });
  const { code } = await run.ended;
  return { code, said: run.output().replaceAll('\r\n', '\n') };
}

const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');

it('asks on a terminal for kind, folder and price, and writes what was answered', async () => {
  const { code, said } = await onTerminal(['buyer', 'shopper', '0.05']);
  expect([code, said]).toEqual([0, expect.stringContaining('Made a buyer in')]);
  expect(said).toMatch(
    /Sell or buy\?.*Folder\? \(agentpay-buyer\).*Most that a request may cost\? \(\$0\.01\)/s,
  );
  expect(said).toContain('cd shopper\n  npm install\n  npm start');
  expect(readdirSync(folder)).toEqual(['shopper']);
  expect(read('shopper', '.env')).toContain("MAX_PRICE='$0.05'");
});

it('takes what stands in brackets when nothing is typed', async () => {
  const { code, said } = await onTerminal(['seller', '', '']);
  expect([code, said]).toEqual([0, expect.stringContaining('Made a seller in')]);
  expect(read('agentpay-seller', '.env')).toMatch(/^PRICE='\$0\.01'$/m);
});

it('asks only for what it was not told, and ends with 2 at a response that is none', async () => {
  const { code, said } = await onTerminal(['seller', ''], 'shop', '--price', '$0.02');
  expect([code, said]).toEqual([0, expect.not.stringContaining('Price of a request')]);
  expect(read('shop', '.env')).toMatch(/^PRICE='\$0\.02'$/m);
  const wrong = await onTerminal(['thief']);
  expect(wrong).toEqual({
    code: 2,
    said: expect.stringContaining('--kind seller or --kind buyer, not "thief"'),
  });
  expect(readdirSync(folder)).toEqual(['shop']);
});

it('says what has to run first, and how packages come that are not published', async () => {
  const init = async (env: Record<string, string>, ...words: string[]) => {
    let said = '';
    const keep = (line: string) => void (said += `${line}\n`);
    const around = { print: keep, note: keep, write: async () => undefined, env, folder };
    expect(await runCommands(table, ['init', ...words], around)).toBe(0);
    return said;
  };
  const seller = await init({ npm_command: 'exec' }, 'shop', '--kind', 'seller');
  expect(seller).toMatch(/First start what settles, in another terminal:\n {2}npx @agentpay\/cli dev\n/);
  expect(seller).toContain('--tarballs /path/to/agentpay/tarballs');
  expect(read('shop', 'README.md')).toContain('which `npx @agentpay/cli dev` runs: start it first');
  const own = await init({}, 'other', '--kind', 'seller', '--facilitator', 'https://settles.example.com');
  expect(own).not.toContain('First start');
  expect(read('other', 'README.md')).not.toContain('start it first');
  await init({}, 'agent', '--kind', 'buyer');
  expect(read('agent', 'README.md')).toContain('`npx @agentpay/cli wallet fund 0x');
});
