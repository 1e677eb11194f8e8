// Bundles what the compiler wrote of the dashboard into `build/`, with compressed copies, unless nothing has changed since.
// `tsc -b` runs before it.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, 'build');
const stampFile = join(out, '.stamp');

/** Everything the bundle is made of. */
const inputs = [
  ...['build.mjs', 'assets', 'dist/app'].map((name) => join(here, name)),
  ...['primitives', 'protocol', 'api', 'sdk'].map((name) => join(here, '..', name, 'dist')),
  join(here, '../../pnpm-lock.yaml'),
];

const stamp = fingerprint();
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
  rmSync(out, { recursive: true, force: true });
  await bundle();
  compress();
  writeFileSync(stampFile, stamp);
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const file of inputs.flatMap(filesOf)) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

function filesOf(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true })
    .filter((name) => /\.(js|mjs|css)$/.test(name) && !name.includes('.test.'))
    .sort()
    .map((name) => join(path, name));
}

async function bundle() {
  // Whoever builds: a test runner's own setting would bring the development build of React, a third larger and slower.
  process.env.NODE_ENV = 'production';
  const { build } = await import('vite');
  await build({
    root: here,
    configFile: false,
    logLevel: 'error',
    base: '/assets/dashboard/',
    build: {
      outDir: out,
      manifest: 'manifest.json',
      target: 'es2022',
      assetsDir: '.',
      modulePreload: { polyfill: false },
      rollupOptions: { input: join(here, 'assets/entry.js') },
    },
  });
}

function compress() {
  for (const name of readdirSync(out).filter((file) => /\.(js|css)$/.test(file))) {
    const body = readFileSync(join(out, name));
    writeFileSync(join(out, `${name}.br`), brotliCompressSync(body));
    writeFileSync(join(out, `${name}.gz`), gzipSync(body, { level: 9 }));
  }
}
