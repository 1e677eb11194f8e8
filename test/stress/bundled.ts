import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** What finds files of its own beside its code stays where it is. */
const APART = ['@electric-sql/pglite', 'pdfkit', 'esbuild'];
const REQUIRE = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`;

const made = new Map<string, Promise<string>>();
let folder: string | undefined;

/**
 * The program with all that it imports in few files, made once per worker of Jest. It does what the program does and starts for less than
 * half of the CPU time: most goes into finding and linking 1,500 modules, and suites that kill processes start very many.
 * @param script path of a compiled program
 * @returns path of what is to be run in its place
 */
export function bundled(script: string): Promise<string> {
  let program = made.get(script);
  if (program === undefined) {
    program = bundle(script);
    made.set(script, program);
  }
  return program;
}

async function bundle(script: string): Promise<string> {
  const outdir = join(folderOfWorker(), String(made.size));
  await build({
    entryPoints: [script],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    banner: { js: REQUIRE },
    plugins: [apart, ownPlace],
  });
  return join(outdir, `${basename(script, '.js')}.mjs`);
}

function folderOfWorker(): string {
  return (folder ??= mkdtempSync(join(tmpdir(), 'agentpay-bundled-')));
}

const apart: Plugin = {
  name: 'apart',
  setup({ onResolve, resolve }) {
    const inner = { within: true };
    onResolve({ filter: new RegExp(`^(${APART.join('|')})(/|$)`) }, async ({ path, pluginData, ...from }) => {
      if (pluginData === inner) return undefined;
      const { importer, kind, resolveDir } = from;
      const found = await resolve(path, { importer, kind, resolveDir, pluginData: inner });
      return { path: found.path, external: true };
    });
    onResolve({ filter: /^pg-native$/ }, ({ path }) => ({ path, external: true }));
  },
};

/** Each module finds its files where it found them: `import.meta.url` stays its own. */
const ownPlace: Plugin = {
  name: 'own-place',
  setup({ onLoad }) {
    onLoad({ filter: /\.m?js$/ }, ({ path }) => {
      const code = readFileSync(path, 'utf8');
      if (!code.includes('import.meta')) return undefined;
      const url = JSON.stringify(pathToFileURL(path).href);
      const contents = code
        .replaceAll('import.meta.url', url)
        .replaceAll('import.meta.resolve(', `__resolveFrom(${url}, `);
      return { contents: `${contents.includes('__resolveFrom') ? RESOLVE : ''}${contents}` };
    });
  },
};

const RESOLVE = `import { createRequire as __requireFrom } from 'node:module';
import { pathToFileURL as __urlOf } from 'node:url';
const __resolveFrom = (url, name) => __urlOf(__requireFrom(url).resolve(name)).href;
`;
