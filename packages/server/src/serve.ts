import { stopSignals } from '@agentpay/http';
import { startFault } from '@agentpay/storage';
import { readConfig } from './config.js';
import { start } from './start.js';

/** What requests under way still get when the process is told to stop once more. */
const HURRY_MS = 2_000;

/**
 * `agentpay serve`: runs the API until SIGTERM or SIGINT. Prints one line with its URL on stdout. A fault at start is one line on
 * stderr; a stack is of no use to an operator.
 * @returns the exit code
 */
export async function serve(env: NodeJS.ProcessEnv): Promise<number> {
  const stop = stopSignals();
  try {
    const running = await start(readConfig(env));
    process.stdout.write(`AgentPay API listens on ${running.url}\n`);
    await stop.first;
    stop.onAgain(() => void running.close(HURRY_MS));
    await running.close();
    return 0;
  } catch (error) {
    process.stderr.write(`${sentence(error)}\n`);
    return 1;
  }
}

function sentence(error: unknown): string {
  const told = error instanceof Error && ['ConfigError', 'StartFault'].includes(error.name);
  const { code } = error as NodeJS.ErrnoException;
  if (told || code === 'EADDRINUSE' || code === 'EACCES') return (error as Error).message;
  return `AgentPay cannot start: ${startFault(error)}`;
}
