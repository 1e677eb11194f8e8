import type { RequestListener } from 'node:http';
import { gateways } from '@agentpay/core';
import { createLogger, listen, type Listening } from '@agentpay/http';
import { systemClock, systemRandom } from '@agentpay/primitives';
import { createApp } from './app.js';
import { compose, type Composition, type Dependencies } from './compose.js';
import type { ServerConfig } from './config.js';
import { refuseWith, whileStarting } from './http/refuse.js';
import { startBackground } from './jobs/startBackground.js';
import type { RunningJobs } from './jobs/startJobs.js';

/** How long requests under way may take once the server is told to stop. */
const GRACE_MS = 10_000;

/** A server that accepts requests. */
export interface RunningServer {
  /** Where it listens. */
  readonly url: string;
  /**
   * Stops accepting, lets requests and jobs under way finish within bounds, and closes the stores. Safe to call again: that can only
   * shorten the grace.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Starts the whole API server. The port is taken first, so that one that is in use is told before a store is opened.
 * @throws when the port cannot be bound or a store cannot be opened; nothing is left open then
 */
export async function start(
  config: ServerConfig,
  options: Partial<Omit<Dependencies, 'baseUrl'>> = {},
): Promise<RunningServer> {
  const {
    log = createLogger(config.logLevel),
    clock,
    machine = systemClock,
    random = systemRandom,
  } = options;
  const refuse = refuseWith({ clock: clock ?? machine, random });
  let handle: RequestListener = whileStarting(refuse);
  const { host, port } = config;
  const listening = await listen((request, response) => handle(request, response), {
    host,
    port,
    clock: clock ?? machine,
    refuse,
    requireHostHeader: false,
  });
  try {
    const baseUrl = config.publicBaseUrl ?? listening.url;
    const composition = await compose(config, { log, clock, machine, random, baseUrl: () => baseUrl });
    try {
      const { bootstrapGatewayKey: key } = config;
      if (key !== undefined) await gateways.bootstrap(composition.core, { key });
      const app = composition.traced.requests(createApp(composition, config));
      const work = await startBackground(composition);
      handle = app;
      return running(listening, composition, work);
    } catch (error) {
      await composition.close().catch(() => undefined);
      throw error;
    }
  } catch (error) {
    await listening.close(0);
    throw error;
  }
}

function running(
  listening: Listening,
  composition: Composition,
  work: Pick<RunningJobs, 'stop'>,
): RunningServer {
  let closing: Promise<void> | undefined;
  const closeAll = async (drained: Promise<void>): Promise<void> => {
    await drained;
    await work.stop();
    await composition.core.proofs.of();
    await composition.close();
  };
  return {
    url: listening.url,
    close(graceMs = GRACE_MS) {
      // They would last as long as the grace.
      composition.streams.stop();
      const drained = listening.close(graceMs);
      return (closing ??= closeAll(drained));
    },
  };
}
