import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The process that ends what its parent leaves behind; see `reaper.ts`. */
export interface Reaper {
  add(pid: number): void;
  remove(pid: number): void;
  /** Ends the reaper without ending anything else. */
  close(): void;
}

export function startReaper(): Reaper {
  const script = fileURLToPath(new URL('./reaper.js', import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'ignore'] });
  // Without a reaper the stack runs all the same.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  const tell = (line: string) => void (child.stdin.writable && child.stdin.write(`${line}\n`));
  return {
    add: (pid) => tell(`+${pid}`),
    remove: (pid) => tell(`-${pid}`),
    close: () => void child.kill('SIGKILL'),
  };
}
