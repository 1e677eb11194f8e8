// Builds the sdist and the wheel of both Python packages, offline, with the setuptools and wheel of the Python at hand.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './install.mjs';

const run = promisify(execFile);

export const pythonPackages = ['sdk-python', 'sdk-python-nemo'];

const build = `
import sys
from setuptools import build_meta
folder = sys.argv[1]  # setuptools writes over the arguments
build_meta.build_sdist(folder)
build_meta.build_wheel(folder)
`;

/** Packs them into a folder, from copies, so that nothing is left in the sources. The TypeScript packages are built. */
export async function packPython(folder, python = process.env.PYTHON ?? '/usr/bin/python3') {
  const { write } = await import('../sdk-python/generate.mjs');
  write();
  const copies = mkdtempSync(join(tmpdir(), 'agentpay-python-'));
  try {
    for (const name of pythonPackages)
      await run(python, ['-c', build, folder], { cwd: copyOf(name, copies) });
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
}

/** Copies what a Python package is made of. @returns the copy */
export function copyOf(name, copies) {
  const copy = join(copies, name);
  const isSource = (path) =>
    !/^(tests|generate|build|dist|.*\.egg-info|__pycache__|\..*)$/.test(basename(path));
  cpSync(join(root, 'packages', name), copy, { recursive: true, filter: isSource });
  cpSync(join(root, 'LICENSE'), join(copy, 'LICENSE'));
  return copy;
}
