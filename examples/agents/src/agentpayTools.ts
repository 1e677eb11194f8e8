import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';

/** A tool as AgentPay describes it. */
export interface Tool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: object;
}

/**
 * The calls of the AgentPay API as tools of an agent, and a way to carry them out; for an agent of the dashboard, which has a wallet on a
 * chain, `fetch_paid` among them. The key stays here; the model never sees it.
 */
export async function agentpayTools(url: string, apiKey: string) {
  const client = new Client({ name: 'agent', version: '1.0.0' });
  const ofDashboard = apiKey.startsWith('ak_live_');
  const headers: Record<string, string> = ofDashboard
    ? { 'x-agent-key': apiKey }
    : { authorization: `Bearer ${apiKey}` };
  const requestInit = { headers };
  const transport = new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit });
  await client.connect(transport as Transport);
  const { tools } = await client.listTools();
  return {
    tools: tools as readonly Tool[],
    async call(name: string, input: Record<string, unknown>): Promise<string> {
      const { content } = await client.callTool({ name, arguments: input });
      return (content as { text: string }[])[0]?.text ?? '';
    },
  };
}

/** Asks a model's API once. */
export async function ask<T>(url: string, headers: Record<string, string>, body: object): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`The model answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
