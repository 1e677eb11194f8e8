// Bundles what the compiler wrote of the dashboard into `build/`, with compressed copies, unless nothing has changed since.
// `tsc -b` runs before it.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

// Made beside the old one, which a server may be reading from, and put in its place when it is whole.
const fresh = join(here, `dist/build-${process.pid}`);

const stamp = fingerprint();
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) await replace();

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

async function replace() {
  const old = `${fresh}-old`;
  try {
    await bundle();
    compress();
    writeFileSync(join(fresh, '.stamp'), stamp);
    if (existsSync(out)) renameSync(out, old);
    renameSync(fresh, out);
  } finally {
    for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
  }
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
      outDir: fresh,
      manifest: 'manifest.json',
      target: 'es2022',
      assetsDir: '.',
      modulePreload: { polyfill: false },
      rollupOptions: { input: join(here, 'assets/entry.js') },
    },
  });
}

function compress() {
  for (const name of readdirSync(fresh).filter((file) => /\.(js|css)$/.test(file))) {
    const body = readFileSync(join(fresh, name));
    writeFileSync(join(fresh, `${name}.br`), brotliCompressSync(body));
    writeFileSync(join(fresh, `${name}.gz`), gzipSync(body, { level: 9 }));
  }
}
