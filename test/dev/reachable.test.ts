import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

interface Tree {
  readonly paths: readonly string[];
}
interface Selection {
  treeOf(root: string): Tree;
  suitesReachedBy(changed: readonly string[], tree: Tree): string[] | undefined;
  compiled(suite: string): string;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { treeOf, suitesReachedBy, compiled } = (await import(
  pathToFileURL(`${root}/test/reachable.mjs`).href
)) as Selection;
const tree = treeOf(root);
const suites = tree.paths.filter((path) => path.endsWith('.test.ts') && !path.startsWith('.'));
const reached = (...changed: string[]) => suitesReachedBy(changed, tree);
/** Those that read the whole tree run in any case. */
const readTree = (path: string) => /^test\/(tidy|docs)\/|^test\/dev\/reachable/.test(path);

describe('a change', () => {
  it.each([
    ['a handler', 'packages/server/src/families/runtime/payments.ts', 'test/families/refusals'],
    ['a handler', 'packages/server/src/families/runtime/payments.ts', 'test/families/successes'],
    ['a handler', 'packages/server/src/families/runtime/payments.ts', 'test/stress/apiKilled.e2e'],
    ['the calls of a noun', 'test/families/gateway/orgs.calls.ts', 'test/families/refusals'],
    ['the calls of a noun', 'test/families/gateway/orgs.calls.ts', 'test/families/pages'],
    ['a module of Python', 'packages/sdk-python/src/agentpay/_client.py', 'test/python/python.e2e'],
    ['a definition that Python is made of', 'packages/api/src/Endpoint.ts', 'test/python/python.e2e'],
    ['a contract', 'packages/solidity/contracts/TestUSDC.sol', 'packages/solidity/src/artifacts'],
    ['a contract', 'packages/solidity/contracts/TestUSDC.sol', 'test/conformance/authCapture'],
    ['a stylesheet', 'packages/dashboard/assets/dashboard.css', 'test/browser/dashboard.e2e'],
    ['a stylesheet of all pages', 'packages/http/assets/design.css', 'test/browser/payPage.e2e'],
    ['the map of slices', 'packages/core/src/slices.json', 'test/families/successes'],
    ['the facilitator, which the stack starts', 'packages/facilitator/src/bin.ts', 'test/flows/start.e2e'],
    ['the facilitator', 'packages/facilitator/src/bin.ts', 'test/families/facilitatorService.e2e'],
    ['the start program', 'packages/dev/start.mjs', 'test/flows/start.e2e'],
    ['the command line', 'packages/cli/src/table.ts', 'test/cli/selling.e2e'],
    ['the command line', 'packages/cli/src/table.ts', 'test/packages/install.e2e'],
    ['a template of a project', 'packages/cli/assets/server.js', 'test/packages/install.e2e'],
    ['a program that dies', 'test/flows/dyingBuyers.ts', 'test/flows/purchaseCrashes'],
    ['a program that dies', 'test/stress/dyingJobs.ts', 'test/stress/jobsKilled.e2e'],
    ['a node of a stress test', 'test/stress/bareNode.ts', 'test/stress/commandsKilled.e2e'],
    ['what bundles programs', 'test/stress/bundled.ts', 'test/families/facilitatorService.e2e'],
    ['an example', 'examples/sellers/src/hono.ts', 'test/examples/examples.e2e'],
    ['what deploys', 'docs/deploy/compose.yaml', 'test/docs/deploying'],
    ['a text that a suite reads', 'docs/migrate.md', 'test/examples/examples.e2e'],
    ['a text whose commands are run', 'packages/sdk/README.md', 'test/packages/install.e2e'],
    ['a guide, which is a page', 'docs/webhooks.md', 'test/families/web/documents'],
    ['a module of a package', 'packages/core/src/table.ts', 'packages/core/src/keyset'],
    ['a file beside suites that nothing imports', 'test/browser/look.json', 'test/browser/dashboard.e2e'],
  ])('of %s (%s) reaches %s', (_what, changed, suite) => {
    expect(suites).toContain(`${suite}.test.ts`);
    expect(reached(changed)).toContain(`${suite}.test.ts`);
  });

  it.each([
    'package.json',
    'pnpm-lock.yaml',
    'test/run.mjs',
    'test/timeLimits.mjs',
    'packages/core/tsconfig.json',
    'packages/dev/install.mjs',
    'a-new-folder/file',
  ])('of %s reaches everything', (path) => expect(reached(path)).toBeUndefined());

  it('of primitives reaches every suite but those of what stands beside it', () => {
    const found = reached('packages/primitives/src/Clock.ts');
    const left = suites.filter((suite) => !found?.includes(suite));
    const beside = ['packages/solidity/', 'test/stress/pgMessages.'];
    expect(left.filter((suite) => !beside.some((path) => suite.startsWith(path)))).toEqual([]);
  });

  it('of documentation alone selects what reads the tree, and whoever reads that text', () => {
    const inAnyCase = suites.filter(readTree);
    expect(inAnyCase.length).toBeGreaterThan(5);
    for (const path of ['CONTRIBUTING.md', 'packages/core/README.md', 'LICENSE', '.changeset/a.md']) {
      const others = reached(path)?.filter((suite) => !suite.startsWith('test/packages/'));
      expect([path, others?.filter((suite) => !suite.startsWith('test/python/'))]).toEqual([path, inAnyCase]);
    }
  });

  it('reaches nothing that it cannot', () => {
    expect(reached('packages/cli/src/table.ts')).not.toContain('test/families/refusals.test.ts');
    expect(reached('packages/facilitator/src/bin.ts')).not.toContain('packages/core/src/keyset.test.ts');
    expect(reached('test/flows/dyingBuyers.ts')?.filter((suite) => !readTree(suite))).toEqual([
      'test/flows/purchaseCrashes.test.ts',
    ]);
  });
});

describe('a suite that starts programs', () => {
  it('is reached by a change of some package that runs in them', () => {
    const starts = suites.filter(
      (path) =>
        path.startsWith('test/') &&
        /\b(spawn\w*|fork|execFile|bundled)\(/.test(readFileSync(`${root}/${path}`, 'utf8')),
    );
    expect(starts.length).toBeGreaterThan(15);
    const run = ['server', 'facilitator', 'cli', 'storage', 'testing'].map(
      (name) => `packages/${name}/src/x.ts`,
    );
    const found = reached(...run);
    expect(starts.filter((suite) => !found?.includes(suite))).toEqual([]);
  });
});

it('compiled suites are where Jest finds them', () => {
  expect(['packages/core/src/a/b.test.ts', 'test/families/c.test.ts'].map(compiled)).toEqual([
    'packages/core/dist/a/b.test.js',
    'test/dist/families/c.test.js',
  ]);
});
