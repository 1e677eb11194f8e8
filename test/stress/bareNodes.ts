import { fileURLToPath } from 'node:url';
import { spawnNode } from '@agentpay/testing';
import type { ApiNode } from './apiNode.js';
import { bundled } from './bundled.js';
import { commitGate, type CommitGate } from './commitGate.js';

const SCRIPT = fileURLToPath(new URL('bareNode.js', import.meta.url));

/** A process that serves the API without background work, and its own way to the database. */
export interface BareNode extends ApiNode {
  readonly gate: CommitGate;
}

/** Processes to be killed, one after the other. The next one starts while the present one works. */
export interface BareNodes {
  /** The one that lives. */
  current(): Promise<BareNode>;
  /** Sends SIGKILL to it. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** @param settings of the API on the database with this URL */
export function bareNodes(
  databaseUrl: string,
  settings: (databaseUrl: string) => Record<string, string>,
): BareNodes {
  const start = async (): Promise<BareNode> => {
    const gate = await commitGate(databaseUrl);
    const node = spawnNode(await bundled(SCRIPT), {
      env: { ...settings(gate.url), NODE_ENV: '', REDIS_URL: '' },
    });
    const [, url] = await node.line(/^bare API listens on (http:\S+)$/);
    const kill = async () => {
      await node.kill();
      await gate.close();
    };
    return { url: url as string, pid: node.pid, gate, kill };
  };
  let [present, next] = [start(), start()];
  return {
    current: () => present,
    async kill() {
      const killed = await present;
      // Nobody is told of the one that dies: its death is seen on its connections sooner than here.
      [present, next] = [next, start()];
      await killed.kill();
    },
    async close() {
      for (const node of [present, next]) await (await node).kill();
    },
  };
}
