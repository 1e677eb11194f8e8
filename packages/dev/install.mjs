// Installs the workspace with the pinned pnpm, by npx alone: a fresh clone needs nothing but Node and npm.
// Plain Node without dependencies, because it runs before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root folder of the workspace. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

const workspace = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const stampFile = join(root, 'node_modules/.agentpay-installed.json');

/** One sentence if this Node is too old to run AgentPay, else undefined. */
export function nodeFault(version = process.versions.node) {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(workspace.engines.node).map(Number);
  const [haveMajor, haveMinor] = version.split('.').map(Number);
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return undefined;
  return `AgentPay needs Node ${major}.${minor} or newer; this is Node ${version}.`;
}

/**
 * Installs exactly what the lock file says, unless an earlier call did so already.
 * @param {{ filter?: string, onStart?: () => void, signal?: AbortSignal }} options `filter`: pnpm's --filter, absent for everything.
 * `onStart` is called when there is something to install. `signal` ends a running installation.
 * @returns {Promise<boolean>} whether anything was installed.
 * @throws Error with pnpm's own output when it fails.
 */
export async function install({ filter = '', onStart, signal } = {}) {
  const inputs = fingerprint();
  const stamp = readStamp();
  if (stamp?.inputs === inputs && (stamp.filter === '' || stamp.filter === filter)) return false;
  onStart?.();
  // An install directory that pnpm wants to rebuild would otherwise wait for a response on the terminal.
  const env = { ...process.env, CI: 'true' };
  const pnpm = [
    '--yes',
    workspace.packageManager,
    'install',
    '--frozen-lockfile',
    '--prefer-offline',
    '--config.engine-strict=false',
  ];
  await quietly('npx', filter ? [...pnpm, '--filter', filter] : pnpm, { cwd: root, env, signal });
  writeFileSync(stampFile, JSON.stringify({ inputs, filter }));
  return true;
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const name of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return undefined; // never installed, or cut short
  }
}

/** Runs a command and shows its output only if it fails. */
function quietly(command, args, options) {
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (output = (output + chunk).slice(-20_000)));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(
            `${command} ${args.join(' ')} failed (${signal ?? `exit code ${code}`}):\n${output.trim()}`,
          ),
        );
    });
  });
}
