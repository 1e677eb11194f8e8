import { paywall, type Charge, type Documents, type PaywallOptions, type Price } from '@agentpay/paywall';
import { memoryStore, systemClock, systemRandom } from '@agentpay/primitives';
import { jcs } from '@agentpay/protocol';
import type { McpServer, RegisteredTool } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import type { ZodRawShape } from 'zod';
import {
  demandIn,
  MPP_REQUIRED,
  receiptMeta,
  requestHeaders,
  X402_ERROR,
  X402_PAYMENT,
  type Meta,
} from './meta.js';

/** Who is paid for tools, and how: the options of a paywall. `baseUrl` is whom signed receipts name as the seller. */
export type PaidSellingOptions = Omit<PaywallOptions, 'price' | 'routes' | 'cors'>;

/** What a paid tool is, and what it costs: the options of a paywall with the price of every call. */
export interface PaidToolOptions extends PaidSellingOptions {
  readonly name: string;
  readonly price: Price;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema?: ZodRawShape;
  readonly annotations?: ToolAnnotations;
}

/** Does what was paid for. A result with `isError`, and an error, are not charged. */
export type PaidToolHandler = (input: Record<string, unknown>) => CallToolResult | Promise<CallToolResult>;

/** Tells results of the handler from refusals of the paywall. */
const HANDLED = 'x-tool-result';
const ORIGIN = 'https://mcp.invalid';

/**
 * Registers a tool that is paid for, by the x402 MCP transport or by MPP's MCP binding, whichever the buyer speaks. A call without payment
 * gives a result with `isError` that says what to pay. The payment is bound to the tool and, by MPP, to the arguments.
 * @throws TypeError for a wrong option
 * @example
 * ```ts
 * import { paidTool } from '@agentpay/mcp/paid';
 * import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
 *
 * const server = new McpServer({ name: 'weather', version: '1.0.0' });
 * const payTo = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
 * paidTool(server, { name: 'forecast', price: '$0.01', payTo, facilitator: 'http://127.0.0.1:3102' }, () => ({
 *   content: [{ type: 'text', text: 'sunny' }],
 * }));
 * ```
 */
export function paidTool(
  server: McpServer,
  options: PaidToolOptions,
  handler: PaidToolHandler,
): RegisteredTool {
  const { title, inputSchema = {}, annotations, ...selling } = options;
  const { name, description } = options;
  const call = paidCall(selling, handler);
  const config = {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(annotations && { annotations }),
    inputSchema,
  };
  return server.registerTool(name, config, async (input: Record<string, unknown>, { _meta, signal }) =>
    call(input, { meta: _meta, signal }),
  );
}

/** What a call of a tool costs, and to whom it is paid. */
export type PaidCallOptions = Omit<PaidToolOptions, 'title' | 'inputSchema' | 'annotations'>;

/** One call of a tool: its input, the `_meta` of the request, and whether the caller still waits. */
export type PaidToolCall = (
  input: Record<string, unknown>,
  request: { readonly meta: Meta | undefined; readonly signal: AbortSignal },
) => Promise<CallToolResult>;

/**
 * What {@link paidTool} does for each call, for servers that answer `tools/call` themselves: make it once for each tool.
 * @throws TypeError for a wrong option
 */
export function paidCall(options: PaidCallOptions, handler: PaidToolHandler): PaidToolCall {
  const { name, price, description, ...selling } = options;
  return paidCalls(selling).sell({ name, price, ...(description !== undefined && { description }) }, handler);
}

/** Tools that one paywall sells: one circuit breaker, one look at the facilitator, one list of what is for sale. */
export interface PaidCalls {
  /** Puts a price in front of a tool. @throws TypeError for a wrong price */
  sell(tool: Pick<PaidCallOptions, 'name' | 'price' | 'description'>, handler: PaidToolHandler): PaidToolCall;
  /** Resolves when the facilitator says that it settles what is sold. @throws TypeError that says in one line what is wrong */
  ready(): Promise<void>;
  /** What the tools can be paid with, as x402 v2 has it, by their names. */
  offers(): ReadonlyMap<string, readonly object[]>;
  /** The keys that verify signed receipts, as a JSON Web Key Set. */
  receiptKeys(): Documents['receiptKeys'];
  /** Resolves when no payment is being settled in the background. */
  idle(): Promise<void>;
}

/**
 * Sells the tools of a server that answers `tools/call` itself.
 * @throws TypeError for a wrong option
 * @example
 * ```ts
 * import { paidCalls } from '@agentpay/mcp/paid';
 *
 * const payTo = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
 * const calls = paidCalls({ payTo, facilitator: 'http://127.0.0.1:3102' });
 * const forecast = calls.sell({ name: 'forecast', price: '$0.01' }, () => ({
 *   content: [{ type: 'text', text: 'sunny' }],
 * }));
 * ```
 */
export function paidCalls({ baseUrl = ORIGIN, ...selling }: PaidSellingOptions): PaidCalls {
  const wall = paywall({ ...shared, realm: 'mcp', ...selling, baseUrl });
  const origin = new URL(baseUrl).origin;
  const charges = new Map<string, Charge>();
  // The path is only a place in the list: a tool is no route.
  const documents = () => {
    const listed = [...charges.values()].map((charge, index) => [`POST /tools/${index}`, charge]);
    return wall.discovery({ charges: Object.fromEntries(listed) }).documents(ORIGIN);
  };
  return {
    sell({ name, price, description }, handler) {
      const charge = wall.charge(priced(price, description));
      charges.set(name, charge);
      return (input, { meta, signal }) =>
        sell(charge, { name, input, meta: named(meta, origin), signal }, handler);
    },
    ready: wall.ready,
    offers() {
      const { items } = documents().x402;
      return new Map([...charges.keys()].map((name, index) => [name, items[index]?.accepts ?? []]));
    },
    receiptKeys: () => documents().receiptKeys,
    idle: wall.idle,
  };
}

/**
 * What the tools of a process share unless they are told otherwise: a proof buys one call of one of them, and servers that are made anew
 * for every request know each other's challenges.
 */
const shared = {
  store: memoryStore(systemClock),
  mppSecret: Buffer.from(systemRandom.bytes(32)).toString('hex'),
};

function priced(price: Price, description: string | undefined): Price {
  if (description === undefined) return price;
  return typeof price === 'object' ? { description, ...price } : ({ price, description } as Price);
}

interface ToolCall {
  readonly name: string;
  readonly input: Record<string, unknown>;
  readonly meta: Meta | undefined;
  readonly signal: AbortSignal;
}

async function sell(wall: Charge, call: ToolCall, handler: PaidToolHandler): Promise<CallToolResult> {
  const { name, input, meta, signal } = call;
  const request = new Request(`${ORIGIN}/tools/${encodeURIComponent(name)}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'accept-payment': 'evm/charge',
      ...requestHeaders(meta),
    },
    body: jcs(input),
    signal,
  });
  const response = await wall.respond(request, async () => {
    const result = await handler(input);
    const headers = { [HANDLED]: 'true' };
    return Response.json(result, { status: result.isError ? 422 : 200, headers });
  });
  const body = (await response.json()) as Record<string, unknown>;
  if (response.headers.has(HANDLED)) {
    const result = body as unknown as CallToolResult;
    return { ...result, _meta: { ...result._meta, ...receiptMeta(response.headers) } };
  }
  return refusal(name, response, body);
}

/** The payment with the address of the resource that the paywall knows. */
function named(meta: Meta | undefined, origin: string): Meta | undefined {
  const payment = meta?.[X402_PAYMENT] as { resource?: object } | undefined;
  if (!payment?.resource) return meta;
  const url = `${origin}/`;
  return { ...meta, [X402_PAYMENT]: { ...payment, resource: { ...payment.resource, url } } };
}

function refusal(name: string, response: Response, body: Record<string, unknown>): CallToolResult {
  const demand = response.status === 402 ? demandIn(response.headers) : undefined;
  if (!demand) return { isError: true, content: text({ status: response.status, ...body }) };
  const { x402, challenges } = demand;
  const url = `mcp://tool/${name}`;
  const required = x402 && { ...x402, resource: { ...(x402['resource'] as object), url } };
  const message = typeof body['detail'] === 'string' ? body['detail'] : 'Payment required';
  return {
    isError: true,
    content: text(required ? { [X402_ERROR]: { code: 402, message, data: required } } : body),
    ...(required && { structuredContent: required }),
    ...(challenges && {
      _meta: { [MPP_REQUIRED]: { httpStatus: 402, challenges, problem: problemOf(body) } },
    }),
  };
}

function problemOf({ type, title, status, detail, challengeId }: Record<string, unknown>): object {
  return { type, title, status, detail, challengeId };
}

const text = (value: object) => [{ type: 'text' as const, text: JSON.stringify(value) }];
