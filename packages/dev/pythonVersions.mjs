// Gives the Python packages the version that the TypeScript packages have.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './install.mjs';

/** Where the Python packages say their version: each expression has one group before it and one behind it. */
const places = [
  ['packages/sdk-python/src/agentpay/_version.py', /(VERSION = ")[^"]+(")/],
  ['packages/sdk-python-nemo/pyproject.toml', /(\nversion = ")[^"]+(")/],
  ['packages/sdk-python-nemo/pyproject.toml', /(agentpay\[local\]==)[^"]+(")/],
];

/** The versions that the Python packages say, by place. */
export function pythonVersions() {
  return places.map(([path, expression]) => {
    const [found = ''] = expression.exec(readFileSync(join(root, path), 'utf8')) ?? [];
    return {
      path,
      version: found.replace(expression, (all, before, behind) => all.slice(before.length, -behind.length)),
    };
  });
}

function write(version) {
  for (const [path, expression] of places) {
    const file = join(root, path);
    writeFileSync(file, readFileSync(file, 'utf8').replace(expression, `$1${version}$2`));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { version } = JSON.parse(readFileSync(join(root, 'packages/sdk/package.json'), 'utf8'));
  write(version);
  console.log(`Python packages: ${version}`);
}
