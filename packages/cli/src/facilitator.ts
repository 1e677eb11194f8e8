import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** `agentpay facilitator`: the program of `@agentpay/facilitator`, with what it is told. @returns its exit code */
export async function facilitator(args: readonly string[]): Promise<number> {
  const entry = createRequire(import.meta.url).resolve('@agentpay/facilitator');
  const child = spawn(process.execPath, [join(dirname(entry), 'bin.js'), ...args], { stdio: 'inherit' });
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGTERM', pass).on('SIGINT', pass);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
