import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { endpoints, toolsOf } from '@agentpay/api';
import { table } from '@agentpay/cli';
import { spawnNode } from '@agentpay/testing';
import { ADMIN_KEY, newAgent, testApi, type TestApi } from '../families/testApi.js';
import { root } from './codeIn.js';

/** The guides of `docs/`, and the programs in them, on one API. */
let api: TestApi;
let agentKey: string;
// Inside the workspace, so that the packages resolve.
const folder = root(`packages/sdk/dist/guides-${process.pid}`);
const sellerFolder = root(`test/dist/guides-${process.pid}`);

const guides = readdirSync(root('docs')).filter((name) => name.endsWith('.md'));
const textOf = (name: string) => readFileSync(root(`docs/${name}`), 'utf8');
const blocks = (name: string, language: string) =>
  [...textOf(name).matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(
    (match) => match[1] as string,
  );
const having = (language: string) => guides.filter((name) => blocks(name, language).length > 0);

beforeAll(async () => {
  api = await testApi({ DEV_SIGN_IN: 'true' }, { reachable: true });
  agentKey = (await newAgent(api)).key;
  for (const each of [folder, sellerFolder]) mkdirSync(each, { recursive: true });
});
afterAll(async () => {
  for (const each of [folder, sellerFolder]) rmSync(each, { recursive: true, force: true });
  await api.close();
});

const here = (code: string) => code.replaceAll('http://127.0.0.1:3100', api.url);

function run(program: string, args: readonly string[], cwd = folder) {
  const env = {
    ...process.env,
    AGENTPAY_ADMIN_KEY: ADMIN_KEY,
    AGENTPAY_API_KEY: agentKey,
    WEBHOOK_SECRET: 'whsec_1',
  };
  return new Promise<{ status: number; printed: string }>((resolve) => {
    execFile(program, args, { env, cwd, timeout: 300_000 }, (error, stdout, stderr) => {
      const status = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
      resolve({ status, printed: stdout + stderr });
    });
  });
}

test.each(having('sh'))(
  'the commands of %s work one after the other, and once more',
  async (name) => {
    const script = `set -euo pipefail\n${here(blocks(name, 'sh').join('\n'))}`;
    for (const time of [1, 2]) {
      const { status, printed } = await run('bash', ['-c', script]);
      expect([time, status, printed]).toEqual([time, 0, printed]);
    }
  },
  600_000,
);

test.each(having('py'))(
  'the programs of %s in Python run',
  async (name) => {
    for (const code of blocks(name, 'py'))
      expect(await run('python3', ['-c', code])).toEqual({ status: 0, printed: '' });
  },
  600_000,
);

/** Those that ask the API run as they are; what listens is started and asked once. */
test('the programs of the guides in TypeScript compile in strict mode, and run', async () => {
  const programs = having('ts').flatMap((name) =>
    blocks(name, 'ts').map((code, i) => ({ name: `${name.replace('.md', '')}-${i}`, code: here(code) })),
  );
  expect(programs.length).toBeGreaterThan(6);
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    types: ['node'],
  };
  writeFileSync(`${sellerFolder}/tsconfig.json`, JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  writeFileSync(`${sellerFolder}/package.json`, '{"type":"module"}');
  for (const { name, code } of programs) {
    const told = "() => console.log('listening')";
    const free = code
      .replace('.listen(3000)', `.listen(0, ${told})`)
      .replace('port: 3000 });', `port: 0 }, ${told});`);
    writeFileSync(`${sellerFolder}/${name}.ts`, `${free}\nexport {};\n`);
  }
  const compiled = await run(
    process.execPath,
    [root('node_modules/typescript/bin/tsc'), '-p', '.'],
    sellerFolder,
  );
  expect(compiled).toEqual({ status: 0, printed: '' });
  for (const { name, code } of programs) {
    // What buys from others finds nobody here; it has compiled.
    if (code.includes('api.example.com')) continue;
    if (/\.listen\(|\bserve\(/.test(code)) {
      const program = spawnNode(`${sellerFolder}/${name}.js`, { env: { WEBHOOK_SECRET: 'whsec_1' } });
      await program.line(/^listening$/);
      await program.kill();
    } else {
      const { status, printed } = await run(process.execPath, [`${sellerFolder}/${name}.js`], sellerFolder);
      expect([name, status, printed]).toEqual([name, 0, printed]);
    }
  }
}, 600_000);

test('a guide says how what it imports is installed, and where the command comes from', () => {
  const first = [...new Set(table.commands.map(({ name }) => name.split(' ')[0]))].join('|');
  const calls = new RegExp(`(^|[\`\\s])agentpay (${first})\\b`, 'm');
  const unsaid = guides.flatMap((name) => {
    const text = textOf(name);
    const code = ['ts', 'js'].flatMap((language) => blocks(name, language)).join('\n');
    const imported = new Set([...code.matchAll(/from '(@agentpay\/\w+)/g)].map(([, one]) => one as string));
    const missing = [...imported].filter((one) => !new RegExp(`npm install [^\n]*${one}\\b`).test(text));
    const isLost = name !== 'cli.md' && calls.test(text) && !text.includes('(cli.md)');
    return [...missing, ...(isLost ? ['agentpay'] : [])].map((what) => [name, what]);
  });
  expect(unsaid).toEqual([]);
  expect(guides.filter((name) => calls.test(textOf(name))).length).toBeGreaterThan(3);
});

test('the skill for models names tools that exist', () => {
  const skill = readFileSync(root('docs/skill/agentpay/SKILL.md'), 'utf8');
  expect(skill).toMatch(/^---\nname: agentpay\ndescription: .{40,}\n---\n/);
  const known = [...toolsOf(endpoints).map(({ name }) => name), 'fetch_paid'];
  const named = [...skill.matchAll(/`([a-z]+_(?:balance|create|list|authorize|paid))`/g)].map(
    (match) => match[1] as string,
  );
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});

test('the configuration that the guides show for MCP clients is JSON with one server each', () => {
  const shown = blocks('claude.md', 'json').map(
    (text) =>
      JSON.parse(text) as { mcpServers: Record<string, { command?: string; args?: string[]; url?: string }> },
  );
  expect(shown.map(({ mcpServers }) => Object.keys(mcpServers))).toEqual([['agentpay'], ['agentpay']]);
  const [remote, local] = shown.map(({ mcpServers }) => mcpServers['agentpay']);
  expect(remote?.url).toMatch(/\/mcp$/);
  const script = local?.args?.[0]?.replace('/path/to/agentpay/', '') as string;
  expect(existsSync(root(script))).toBe(true);
});

test('every link between the pages leads to a page and a heading that exist', async () => {
  const pages = new Map<string, string>();
  const read = async (path: string) => {
    if (!pages.has(path)) {
      const response = await fetch(api.url + path, { headers: { accept: 'text/html' } });
      pages.set(path, response.status === 200 ? await response.text() : '');
    }
    return pages.get(path) as string;
  };
  const dead: string[] = [];
  const from = [
    '/',
    '/docs',
    '/docs/api',
    '/docs/api/runtime.wallets',
    '/integrations',
    '/storefront',
    '/explorer',
  ];
  const guidePaths = guides
    .filter((name) => name !== 'README.md')
    .map((name) => `/docs/${name.replace('.md', '')}`);
  for (const path of [...from, ...guidePaths]) {
    const links = [...(await read(path)).matchAll(/<a [^>]*href="([^"]+)"/g)].map(
      (match) => match[1] as string,
    );
    expect(links.length).toBeGreaterThan(3);
    for (const link of new Set(links)) {
      if (/^https?:/.test(link)) continue;
      const { pathname, hash } = new URL(link, api.url + path);
      if (pathname.startsWith('/dashboard')) continue;
      const page = await read(pathname);
      if (page === '' || (hash !== '' && !page.includes(`id="${hash.slice(1)}"`)))
        dead.push(`${path}: ${link}`);
    }
  }
  expect(dead).toEqual([]);
});

describe('every page of the documentation', () => {
  const markdown = (path: string, accept: string) => fetch(api.url + path, { headers: { accept } });

  test('is Markdown by its name or by Accept, and HTML to browsers', async () => {
    const index = await (await fetch(`${api.url}/llms.txt`)).text();
    expect(index).toMatch(/^# AgentPay\n\n> /);
    const paths = [...index.matchAll(/\]\(([^)]+)\.md\)/g)].map((match) => match[1] as string);
    expect(paths).toEqual(
      expect.arrayContaining(['/docs/webhooks', '/integrations', '/docs/api', '/docs/api/runtime.wallets']),
    );
    for (const path of [...paths, '/docs']) {
      const [named, asked, seen] = await Promise.all([
        markdown(`${path}.md`, '*/*'),
        markdown(path, 'text/markdown, text/html;q=0.8'),
        markdown(path, 'text/html,application/xhtml+xml,*/*;q=0.8'),
      ]);
      expect([path, named.headers.get('content-type')]).toEqual([path, 'text/markdown; charset=utf-8']);
      const text = await named.text();
      expect(text).toMatch(/^# /);
      expect(await asked.text()).toBe(text);
      expect(asked.headers.get('vary')).toMatch(/Accept/);
      expect(seen.headers.get('content-type')).toBe('text/html; charset=utf-8');
    }
  });

  test('of docs/ is in the contents, and what is not there is a 404', async () => {
    const index = await (await fetch(`${api.url}/llms.txt`)).text();
    for (const name of guides.filter((each) => each !== 'README.md')) {
      expect(index).toContain(`/${name})`);
    }
    for (const path of ['/docs/nothing', '/docs/nothing.md', '/docs/api/runtime.nothing'])
      expect([path, (await fetch(api.url + path)).status]).toEqual([path, 404]);
  });

  test('is found by its words, and the words come back escaped', async () => {
    const search = async (words: string) =>
      (
        await fetch(`${api.url}/docs/search?q=${encodeURIComponent(words)}`, {
          headers: { accept: 'text/html' },
        })
      ).text();
    expect(await search('approval_over')).toContain('href="/docs/policies#approvals"');
    expect(await search('authorize')).toContain('/docs/api/runtime.services#');
    expect(await search('zzzzqqq')).toContain('Nothing has all of these words.');
    const hostile = await search('"><script>alert(1)</script>');
    expect(hostile).not.toContain('<script>alert');
    expect(hostile).toContain('&lt;script&gt;');
  });
});
