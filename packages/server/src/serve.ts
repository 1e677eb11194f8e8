import { ConfigError, stopSignals } from '@agentpay/http';
import { CommandFault, type Called } from '@agentpay/http/commands';
import { startFault } from '@agentpay/storage';
import { readConfig } from './config.js';
import { start } from './start.js';

/** What requests under way still get when the process is told to stop once more. */
const HURRY_MS = 2_000;

/**
 * `agentpay serve`: runs the API until SIGTERM or SIGINT. Prints one line with its URL on stdout. A fault at start is one sentence; a
 * stack is of no use to an operator.
 * @returns the exit code: 0 stopped
 * @throws ConfigError for settings that are wrong; CommandFault when it cannot start with them
 */
export async function serve({ flags, around: { env, print } }: Called): Promise<number> {
  const config = readConfig(env);
  const stop = stopSignals();
  const running = await start(config).catch((cause: unknown) => {
    throw cause instanceof ConfigError ? cause : startFailed(cause);
  });
  const { url } = running;
  print(flags['json'] ? JSON.stringify({ ok: true, url }) : `AgentPay API listens on ${url}`);
  await stop.first;
  stop.onAgain(() => void running.close(HURRY_MS));
  await running.close();
  return 0;
}

function startFailed(cause: unknown): CommandFault {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE' || code === 'EACCES')
    return new CommandFault('port_unusable', message, { cause });
  return new CommandFault('start_failed', `AgentPay cannot start: ${startFault(cause)}`, { cause });
}
