import { once } from 'node:events';
import { ConfigError, readConfig } from './config.js';
import { start } from './start.js';

/**
 * `agentpay serve`: runs the API until SIGTERM or SIGINT. Prints one line with its URL on stdout.
 * @returns the exit code
 */
export async function serve(env: NodeJS.ProcessEnv): Promise<number> {
  const stop = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  try {
    const running = await start(readConfig(env));
    process.stdout.write(`AgentPay API listens on ${running.url}\n`);
    await stop;
    await running.close();
    return 0;
  } catch (error) {
    process.stderr.write(`${sentence(error)}\n`);
    return 1;
  }
}

/** One clear line for a fault at start; a stack is of no use to an operator. */
function sentence(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const { code, port, message } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is taken; give another one in PORT, or 0 for any free one.`;
  if (code === 'EACCES' && port !== undefined) return `Port ${port} needs more rights than this process has.`;
  return `AgentPay cannot start: ${message}`;
}
