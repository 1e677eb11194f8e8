import { createServer } from 'node:net';
import type { Random } from '@agentpay/primitives';
import { DevFault } from './DevFault.js';

/** Ports of the parts, all on 127.0.0.1. */
export interface Ports {
  readonly api: number;
  readonly seller: number;
  readonly facilitator: number;
  readonly chain: number;
}

/**
 * The API gets the port that was asked for; the other parts get the three after it, or any free one where these are taken.
 * @throws DevFault when the API's port is taken
 */
export async function choosePorts(apiPort: number, random: Random): Promise<Ports> {
  const api = await claimPort(apiPort, random);
  if (api === undefined)
    throw new DevFault(
      `Port ${apiPort} is taken; choose another with --port N, or --port 0 for any free one.`,
      true,
    );
  const used = new Set([api]);
  const next = async (wanted: number) => {
    let port = wanted <= 65_535 && !used.has(wanted) ? await claimPort(wanted, random) : undefined;
    while (port === undefined || used.has(port)) port = await claimPort(0, random);
    used.add(port);
    return port;
  };
  return { api, seller: await next(api + 1), facilitator: await next(api + 2), chain: await next(api + 3) };
}

const MAX_TRIES = 100;

/** The port if nothing listens there, any free one for 0; undefined when it is taken. */
export async function claimPort(wanted: number, random: Random): Promise<number | undefined> {
  if (wanted !== 0) return (await isFree(wanted)) ? wanted : undefined;
  // Below the range that systems give to outgoing connections: one of those could take the port while its server is being restarted.
  for (let i = 0; i < MAX_TRIES; i++) {
    const [high = 0, low = 0] = random.bytes(2);
    const port = 10_000 + ((high * 256 + low) % 20_000);
    if (await isFree(port)) return port;
  }
  return undefined;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
