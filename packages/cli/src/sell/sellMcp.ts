import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { serveHttp } from '@agentpay/mcp';
import { paidCalls, type PaidCalls, type PaidToolCall } from '@agentpay/mcp/paid';
import { memoryStore, systemClock } from '@agentpay/primitives';
import { readLimited } from '@agentpay/protocol';
import { CommandFault } from '@agentpay/http/commands';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type CallToolResult,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { MCP_PATH, mcpDiscovery, type ListedTool } from './mcpDiscovery.js';
import type { SettledEvent } from './PaymentBook.js';
import { priceText, type Prices } from './prices.js';
import { problem } from './problem.js';
import type { Shop, ShopOptions } from './Shop.js';
import type { Sold } from './SellOptions.js';

const MAX_BODY = 4 * 1024 * 1024;
const MAX_PAGES = 100;
const START_MS = 60_000;
const PRICE = 'agentpay/price';

/** A tool as it is offered, and how a call of it is carried out. */
interface Offered extends ListedTool {
  readonly call: PaidToolCall;
}

/** Sells the tools of an MCP server that speaks over standard input and output: over streamable HTTP, each for its price. */
export async function sellMcp(sold: Extract<Sold, { kind: 'mcp' }>, options: ShopOptions): Promise<Shop> {
  const client = new Client({ name: 'agentpay-sell', version: '1.0.0' });
  const ended = new Promise<string>((resolve) => {
    client.onclose = () => resolve(`The MCP server (${sold.command}) has ended.`);
  });
  const tools = await start(client, sold);
  const calls = callsOf(options);
  const offered = new Map(
    tools.flatMap((tool) => {
      const entry = options.prices[tool.name] ?? options.price;
      if (entry === undefined) return [];
      return [[tool.name, offer({ client, calls, timeoutMs: options.timeoutMs }, tool, entry)]];
    }),
  );
  const unknown = Object.keys(options.prices).find((name) => !tools.some((tool) => tool.name === name));
  if (unknown !== undefined || offered.size === 0) {
    await client.close();
    const have = tools.map(({ name }) => name).join(', ') || 'none';
    const what = unknown === undefined ? 'No tool has a price' : `The prices name the tool "${unknown}"`;
    throw new CommandFault('usage', `${what}; the server has: ${have}.`, { exitCode: 2 });
  }
  const name = client.getServerVersion()?.name ?? 'tools';
  const discover = mcpDiscovery({ name, calls, offered, baseUrl: options.selling.baseUrl });
  return {
    handle: handler({ name, offered, discover }),
    ready: calls.ready,
    listed: [...offered].map(([name, { price }]) => ({ name, price })),
    path: MCP_PATH,
    ended,
    async close() {
      await calls.idle();
      await client.close();
    },
  };
}

async function start(
  client: Client,
  { command, args }: { command: string; args: readonly string[] },
): Promise<Tool[]> {
  const env = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const transport = new StdioClientTransport({
    command,
    args: [...args],
    env: Object.fromEntries(env) as Record<string, string>,
    stderr: 'inherit',
  });
  try {
    await client.connect(transport, { timeout: START_MS });
    const tools: Tool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const listed = await client.listTools(cursor === undefined ? {} : { cursor }, { timeout: START_MS });
      tools.push(...listed.tools);
      cursor = listed.nextCursor;
      if (cursor === undefined) return tools;
    }
    return tools;
  } catch (cause) {
    await client.close().catch(() => undefined);
    const why = (cause as Error).message;
    throw new CommandFault('mcp_unavailable', `The MCP server (${command}) did not start: ${why}.`, {
      cause,
    });
  }
}

/** One paywall for all tools. People know a tool by its name, which the paywall has in the path. */
function callsOf({ selling, timeoutMs }: ShopOptions): PaidCalls {
  const { routes: _, price: __, cors: ___, ...rest } = selling;
  const onSettled = (event: SettledEvent) => {
    const name = decodeURIComponent(event.target.slice(event.target.lastIndexOf('/') + 1));
    return selling.onSettled?.({ ...event, route: name, target: name });
  };
  return paidCalls({ ...rest, store: memoryStore(systemClock), handlerTimeoutMs: timeoutMs, onSettled });
}

function offer(
  { client, calls, timeoutMs }: { client: Client; calls: PaidCalls; timeoutMs: number },
  tool: Tool,
  entry: Prices[string],
): Offered {
  const { name, description } = tool;
  const ask = async (input: Record<string, unknown>) =>
    (await client.callTool({ name, arguments: input }, undefined, { timeout: timeoutMs })) as CallToolResult;
  if (entry === 'free') return { tool, price: 'free', call: ask };
  const line = description?.replace(/\s+/g, ' ').trim().slice(0, 200);
  const call = calls.sell({ name, price: entry, ...(line && { description: line }) }, ask);
  return { tool, price: priceText(entry), call };
}

interface Served {
  readonly name: string;
  readonly offered: ReadonlyMap<string, Offered>;
  /** Whether the request was for a document, which is written then. */
  readonly discover: (req: IncomingMessage, res: ServerResponse) => boolean;
}

/** One POST, one server: nothing is kept between requests but what was paid. */
function handler({ name, offered, discover }: Served): RequestListener {
  return (req, res) => {
    if (discover(req, res)) return;
    const path = (req.url ?? '/').split('?')[0];
    if (path !== '/' && path !== MCP_PATH)
      return problem(res, 404, 'not_found', `Tools are sold at ${MCP_PATH}.`);
    if (req.method !== 'POST') {
      res.setHeader('Allow', 'POST');
      return problem(res, 405, 'method_not_allowed', 'Send JSON-RPC by POST; nothing is streamed here.');
    }
    answer(offered, name, req, res).catch(() =>
      problem(res, 500, 'internal_error', 'The request could not be served.'),
    );
  };
}

async function answer(
  offered: ReadonlyMap<string, Offered>,
  name: string,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const bytes = await readLimited(Readable.toWeb(req) as ReadableStream<Uint8Array>, MAX_BODY);
  if (!bytes) return problem(res, 413, 'payload_too_large', `The body has more than ${MAX_BODY} bytes.`);
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch {
    return problem(res, 400, 'invalid_json', 'The body is not JSON.');
  }
  await serveHttp(serverOf(offered, name), req, res, body);
}

function serverOf(offered: ReadonlyMap<string, Offered>, name: string): Server {
  const server = new Server({ name, version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [...offered.values()].map(({ tool, price }) => ({
      ...tool,
      _meta: { ...tool._meta, [PRICE]: price },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const found = offered.get(params.name);
    if (!found) throw new McpError(ErrorCode.InvalidParams, `Tool ${params.name} not found`);
    return found.call(params.arguments ?? {}, { meta: params._meta, signal });
  });
  return server;
}
