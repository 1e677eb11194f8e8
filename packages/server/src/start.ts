import { systemClock, systemRandom } from '@agentpay/primitives';
import { createApp } from './app.js';
import { compose, type Composition, type Surroundings } from './compose.js';
import type { Config } from './config.js';
import { listen } from './http/listen.js';
import { startTokenJobs } from './jobs/tokens.js';
import { createLogger } from './log.js';

/** How long requests under way may take once the server is told to stop. */
const GRACE_MS = 10_000;

/** A server that accepts requests. */
export interface Running {
  /** Where it listens. */
  readonly url: string;
  /** Stops accepting, lets requests and jobs under way finish within bounds, and closes the stores. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts the whole API server. @throws when a store cannot be opened or the port cannot be bound; nothing is left open then */
export async function start(
  config: Config,
  options: Partial<Omit<Surroundings, 'baseUrl'>> = {},
): Promise<Running> {
  const { log = createLogger(config.logLevel), clock = systemClock, random = systemRandom } = options;
  let url = config.publicBaseUrl ?? '';
  const composition = await compose(config, { log, clock, random, baseUrl: () => url });
  try {
    const app = createApp(composition, config);
    const listening = await listen(app, { host: config.host, port: config.port, clock, random });
    url ||= listening.url;
    const jobs = startTokenJobs(composition.core, log);
    let closing: Promise<void> | undefined;
    const closeAll = async (): Promise<void> => {
      await listening.close(GRACE_MS);
      await jobs.stop();
      await composition.close();
    };
    return { url: listening.url, close: () => (closing ??= closeAll()) };
  } catch (error) {
    await closeQuietly(composition);
    throw error;
  }
}

async function closeQuietly(composition: Composition): Promise<void> {
  await composition
    .close()
    .catch((error: unknown) => composition.log.error({ err: error }, 'closing failed'));
}
