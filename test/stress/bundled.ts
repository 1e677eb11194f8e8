import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventually } from '@agentpay/testing';
import { build, type Plugin } from 'esbuild';

/** What finds files of its own beside its code stays where it is. */
const APART = ['@electric-sql/pglite', 'pdfkit', 'esbuild'];
const REQUIRE = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`;

/** Bundling takes seconds; on a busy machine, a hundred. */
const WAIT_MS = 300_000;
const made = new Map<string, Promise<string>>();

/**
 * The program with all that it imports in few files, made once for all workers of Jest. It does what the program does and starts for less
 * than half of the CPU time: most goes into finding and linking 1,500 modules, and suites that kill processes start very many.
 * @param script path of a compiled program
 * @returns path of what is to be run in its place
 */
export function bundled(script: string): Promise<string> {
  const program = made.get(script) ?? ofAllWorkers(script);
  made.set(script, program);
  return program;
}

/** The first worker that asks makes it, the others wait for it. */
async function ofAllWorkers(script: string): Promise<string> {
  const run = join(tmpdir(), `agentpay-bundled-${process.ppid}`);
  const outdir = join(run, createHash('sha256').update(script).digest('hex').slice(0, 16));
  const whole = join(outdir, 'whole');
  await mkdir(run, { recursive: true });
  const first = await mkdir(outdir).then(
    () => true,
    () => false,
  );
  if (first) {
    await bundle(script, outdir);
    await writeFile(whole, '');
  } else {
    await eventually(() => access(whole), WAIT_MS);
  }
  return join(outdir, `${basename(script, '.js')}.mjs`);
}

async function bundle(script: string, outdir: string): Promise<void> {
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
