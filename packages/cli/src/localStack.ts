import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '@agentpay/dev/alive';
import * as z from 'zod';

const schema = z.object({
  facilitator: z.object({ url: z.string() }),
  chain: z.object({ rpcUrl: z.string() }),
  api: z.object({ url: z.string() }).optional(),
  keys: z.record(z.string(), z.string()).optional(),
  ids: z.record(z.string(), z.unknown()).optional(),
  pids: z.object({ supervisor: z.number() }),
});

/** What runs on this machine for tests: that of `agentpay dev`, or the chain and facilitator of `agentpay sell`. */
export type LocalStack = z.output<typeof schema>;

/** Below the folder in which they were started. */
export const DEV_FILE = join('.agentpay', 'dev.json');
export const SELL_FILE = join('.agentpay', 'local.json');

/** The local stack that was started in this folder and still runs. */
export function localStack(folder: string): LocalStack | undefined {
  for (const name of [DEV_FILE, SELL_FILE]) {
    const found = read(join(folder, name));
    if (found && isAlive(found.pids.supervisor)) return found;
  }
  return undefined;
}

function read(file: string): LocalStack | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
