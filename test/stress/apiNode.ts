import { fileURLToPath } from 'node:url';
import { spawnNode } from '@agentpay/testing';
import { bundled } from './bundled.js';

const BIN = fileURLToPath(new URL('../../../packages/server/dist/bin.js', import.meta.url));

/** No request may take longer, whatever is broken behind the API: a bound on hanging, not a measure of speed. */
const REQUEST_BOUND_MS = 60_000;

/** A process that runs `agentpay serve`. */
export interface ApiNode {
  readonly url: string;
  readonly pid: number;
  /** Sends SIGKILL at once; resolves when the process has ended. */
  kill(): Promise<void>;
}

/** Starts a node on stores that others may share. */
export async function startNode(
  stores: { database: string; redis?: string },
  env: Record<string, string> = {},
): Promise<ApiNode> {
  const node = spawnNode(await bundled(BIN), {
    args: ['serve'],
    env: {
      NODE_ENV: '',
      PORT: '0',
      DATABASE_URL: stores.database,
      REDIS_URL: stores.redis ?? '',
      JWT_SECRET: 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_',
      LOG_LEVEL: 'error',
      RATE_LIMIT_BURST: '10000',
      ...env,
    },
  });
  const [, url] = await node.line(/^AgentPay API listens on (http:\S+)$/);
  return { url: url as string, pid: node.pid, kill: () => node.kill() };
}

export interface Reply {
  readonly status: number;
  // The shapes are tested elsewhere; here they are only picked from.
  readonly body: Record<string, any>;
  readonly headers: Headers;
}

/**
 * One request to a node.
 * @returns undefined when the connection broke before the response came, as it does when the node is killed
 * @throws when there is no response within the bound
 */
export async function exchange(
  node: ApiNode,
  { headers, line, body }: { headers: Record<string, string>; line: string; body?: string },
): Promise<Reply | undefined> {
  const [method = '', path = ''] = line.split(' ');
  const signal = AbortSignal.timeout(REQUEST_BOUND_MS);
  try {
    const response = await fetch(node.url + path, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      signal,
      ...(body !== undefined && { body }),
    });
    return {
      status: response.status,
      body: (await response.json()) as Reply['body'],
      headers: response.headers,
    };
  } catch (error) {
    if (signal.aborted) throw new Error(`${line} took longer than ${REQUEST_BOUND_MS} ms.`, { cause: error });
    // How fetch names a connection that was refused or reset, before the response and in the middle of it.
    if (/^(fetch failed|terminated)$/.test((error as Error).message)) return undefined;
    throw error;
  }
}

/** {@link exchange} with the key of an agent. */
export function send(node: ApiNode, key: string, line: string, body?: object): Promise<Reply | undefined> {
  const headers = { authorization: `Bearer ${key}` };
  return exchange(node, { headers, line, ...(body && { body: JSON.stringify(body) }) });
}

/** {@link send} for a node that is to answer with `status`. */
export async function ask(
  node: ApiNode,
  key: string,
  line: string,
  body?: object,
  status = 200,
): Promise<Reply['body']> {
  const answer = await send(node, key, line, body);
  if (answer?.status !== status)
    throw new Error(`${line}: ${status} expected, not ${JSON.stringify(answer) ?? 'a broken connection'}.`);
  return answer.body;
}
