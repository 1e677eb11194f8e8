import type { Readable, Writable } from 'node:stream';
import { endpoints, fetchPaid, toolsOf, type ToolDefinition } from '@agentpay/api';
import { createApiClient } from '@agentpay/sdk';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createMcpServer, groupOf, type ToolCaller, type ToolOutcome } from '../createMcpServer.js';
import { callApi } from './callApi.js';
import { fetchAndPayInTurn } from './fetchPaid.js';
import { readSettings, type PayingSettings } from './settings.js';

export interface StdioOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly version: string;
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Serves the tools of the API over standard input and output; nothing but messages of JSON-RPC is written. Nothing is asked of the API
 * before a tool is called. Resolves when the client has gone.
 * @throws Error with a sentence about the variable at fault
 */
export async function serveStdio({
  env,
  stdin,
  stdout,
  version,
  fetch = globalThis.fetch,
}: StdioOptions): Promise<void> {
  const settings = readSettings(env);
  const all = toolsOf(endpoints);
  const { groups } = settings;
  const unknown = groups?.find((group) => !all.some((tool) => groupOf(tool) === group));
  if (unknown !== undefined) {
    const known = [...new Set(all.map(groupOf))].join(', ');
    throw new Error(`AGENTPAY_TOOLS names the group "${unknown}"; there are ${known}.`);
  }
  const chosen = groups ? all.filter((tool) => groups.includes(groupOf(tool))) : all;
  const paid = fetchPaidWithin(settings.paying);
  const secrets = secretsIn(env);
  const api = callApi(createApiClient({ ...settings.api, fetch }));
  const pay = fetchAndPayInTurn(settings.paying, { fetch });
  const call: ToolCaller = async (tool, input) =>
    withoutSecrets(await (tool === paid ? pay(input) : api(tool, input)), secrets);
  const server = createMcpServer([...chosen, paid], call, { version });
  const ended = new Promise<void>((resolve) => {
    stdin.once('end', resolve).once('close', resolve);
    server.onclose = resolve;
  });
  await server.connect(new StdioServerTransport(stdin, stdout) as Parameters<typeof server.connect>[0]);
  await ended;
  await server.close();
}

/** The tool as a model is shown it, with the limit of the process. */
function fetchPaidWithin({ maxPerCall }: PayingSettings): ToolDefinition {
  const [tool] = toolsOf([fetchPaid]) as [ToolDefinition];
  return { ...tool, description: `${tool.description} At most ${maxPerCall} each time.` };
}

function secretsIn(env: StdioOptions['env']): string[] {
  const given = [env['AGENTPAY_API_KEY'], env['AGENTPAY_PRIVATE_KEY']].flatMap(
    (text) => text?.split(',') ?? [],
  );
  return given.map((text) => text.trim()).filter((text) => text.length >= 8);
}

// A seller that echoes a request, or an API behind a proxy that does, must not show a key to the model.
function withoutSecrets(outcome: ToolOutcome, secrets: readonly string[]): ToolOutcome {
  const text = secrets.reduce((shown, secret) => shown.replaceAll(secret, '[key]'), JSON.stringify(outcome));
  return JSON.parse(text) as ToolOutcome;
}
