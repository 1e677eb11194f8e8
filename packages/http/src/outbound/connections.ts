import { isIP } from 'node:net';
import { Pool } from 'undici';

/** Connections to servers, each to one address that was checked. */
export interface Connections {
  /** Those to `address` for what the URL names: the host is said to the server and checked in its certificate, but not looked up. */
  to(url: URL, address: string): Pool;
  close(): Promise<void>;
}

const MAX_POOLS = 256;
const PER_SERVER = 16;
const CONNECT_MS = 5_000;
const KEPT_MS = 4_000;
const MAX_HEADER_BYTES = 16_384;

export function connections(perServer = PER_SERVER): Connections {
  const pools = new Map<string, Pool>();

  function open(url: URL, address: string): Pool {
    const family = isIP(address);
    return new Pool(url.origin, {
      connections: perServer,
      pipelining: 1,
      keepAliveTimeout: KEPT_MS,
      keepAliveMaxTimeout: KEPT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // The deadline of each request is kept by its caller.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: {
        timeout: CONNECT_MS,
        autoSelectFamily: false,
        lookup: (_host, options, done) => {
          if (options.all) done(null, [{ address, family }]);
          else done(null, address, family);
        },
      },
    });
  }

  return {
    to(url, address) {
      const key = `${url.origin} ${address}`;
      const pool = pools.get(key) ?? open(url, address);
      // The one used longest ago goes first.
      pools.delete(key);
      pools.set(key, pool);
      if (pools.size > MAX_POOLS) {
        const [oldest, idle] = pools.entries().next().value as [string, Pool];
        pools.delete(oldest);
        idle.close().catch(() => undefined);
      }
      return pool;
    },
    async close() {
      const open = [...pools.values()];
      pools.clear();
      await Promise.all(open.map((pool) => pool.destroy()));
    },
  };
}
