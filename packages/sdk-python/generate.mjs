// Writes the typed API of the Python package from the endpoint definitions: src/agentpay/_generated/. Needs the TypeScript packages built:
// `npx tsc -b && node packages/sdk-python/generate.mjs`.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as api from '../api/dist/index.js';
import * as primitives from '../primitives/dist/index.js';
import * as protocol from '../protocol/dist/index.js';
import { familyModule } from './generate/family.mjs';
import { indexModule } from './generate/index.mjs';
import { networksModule } from './generate/networks.mjs';

/** The generated modules, by their file names. */
export function generate() {
  const families = Object.values(api.families);
  return {
    '__init__.py': indexModule(families, api.credentials),
    'networks.py': networksModule(primitives, protocol),
    ...Object.fromEntries(families.map((family) => [`${family.id}.py`, familyModule(api, family)])),
  };
}

/** Writes what has changed of them where the package looks for them, each file at once: somebody may be importing them. */
export function write(folder = fileURLToPath(new URL('src/agentpay/_generated', import.meta.url))) {
  mkdirSync(folder, { recursive: true });
  const modules = generate();
  for (const [name, text] of Object.entries(modules)) {
    const file = join(folder, name);
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    writeFileSync(`${file}.${process.pid}`, text);
    renameSync(`${file}.${process.pid}`, file);
  }
  const stale = readdirSync(folder).filter((name) => name.endsWith('.py') && !(name in modules));
  for (const name of stale) rmSync(join(folder, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) write();
