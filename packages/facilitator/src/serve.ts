import { ConfigError, createLogger, stopSignals } from '@agentpay/http';
import { CommandFault, type Called } from '@agentpay/http/commands';
import { readConfig } from './config.js';

/** What requests under way still get when the process is told to stop once more. */
const HURRY_MS = 2_000;

/**
 * `agentpay facilitator`: settles until SIGTERM or SIGINT. Prints one line with its URL on stdout.
 * @returns the exit code: 0 stopped
 * @throws ConfigError for settings that are wrong; CommandFault when it cannot start with them
 */
export async function serve({ flags, around }: Called): Promise<number> {
  const config = readConfig(around.env);
  const stop = stopSignals();
  const { start } = await import('./start.js');
  const server = await start(config, createLogger(config.logLevel)).catch((cause: unknown) => {
    throw cause instanceof ConfigError
      ? cause
      : new CommandFault('start_failed', (cause as Error).message, { cause });
  });
  const { url } = server;
  const network = config.network.id;
  around.print(
    flags['json'] ? JSON.stringify({ ok: true, url, network }) : `facilitator on ${url} for ${network}`,
  );
  await stop.first;
  stop.onAgain(() => void server.close(HURRY_MS));
  await server.close();
  return 0;
}
