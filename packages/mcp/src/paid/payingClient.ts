import { createClient, paymentOf, type ClientOptions, type PaymentMade } from '@agentpay/sdk';
import { jcs } from '@agentpay/protocol';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  ErrorCode,
  McpError,
  type CallToolRequest,
  type CallToolResult,
} from '@modelcontextprotocol/sdk/types.js';
import {
  demandHeaders,
  MPP_CODES,
  MPP_REQUIRED,
  receiptHeaders,
  requestMeta,
  X402_ERROR,
  type Meta,
} from './meta.js';

export interface PayingClientOptions extends Omit<ClientOptions, 'fetch'> {
  /** Name of the server in budgets per host and in `allow.hosts`. Default: "mcp.invalid". */
  readonly host?: string;
}

/** Calls tools and pays for those that ask for payment. */
export interface PayingMcpClient {
  /**
   * As `callTool` of the client.
   * @returns the result, and in `payment` what it was paid with; undefined when it was free
   * @throws PaymentError as the client of `@agentpay/sdk`; McpError as the client of MCP
   */
  callTool(
    params: CallToolRequest['params'],
    options?: RequestOptions,
  ): Promise<CallToolResult & { payment?: PaymentMade | undefined }>;
}

/**
 * Makes a client of MCP pay for tools, within the budget and with all guarantees of `createClient` of `@agentpay/sdk`.
 * @example
 * ```ts
 * import { payingMcpClient } from '@agentpay/mcp/paid';
 * import { Client } from '@modelcontextprotocol/sdk/client/index.js';
 *
 * const client = new Client({ name: 'agent', version: '1.0.0' });
 * const privateKey = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
 * const paying = payingMcpClient(client, { privateKey, budget: { perRequest: '$0.10' } });
 * const forecast = () => paying.callTool({ name: 'forecast', arguments: { city: 'Bern' } });
 * ```
 */
export function payingMcpClient(
  client: Client,
  { host = 'mcp.invalid', ...options }: PayingClientOptions,
): PayingMcpClient {
  const calls = new Map<string, Call>();
  const buyer = createClient({
    ...options,
    fetch: (input, init) => exchange(client, calls, new Request(input, init)),
  });
  let last = 0;
  return {
    async callTool(params, requestOptions) {
      const { name, arguments: input = {} } = params;
      const call = String(++last);
      calls.set(call, { params, options: requestOptions });
      try {
        // The arguments are the body, so that a seller can bind its challenge to them.
        const response = await buyer.fetch(`https://${host}/tools/${encodeURIComponent(name)}`, {
          method: 'POST',
          headers: { [CALL]: call },
          body: jcs(input),
          ...(requestOptions?.signal && { signal: requestOptions.signal }),
        });
        const told = (await response.json()) as Told;
        if (told.error) throw new McpError(told.error.code, told.error.message, told.error.data);
        return { ...(told.result as CallToolResult), payment: paymentOf(response) };
      } finally {
        calls.delete(call);
      }
    },
  };
}

interface Call {
  readonly params: CallToolRequest['params'];
  readonly options: RequestOptions | undefined;
}

/** Header that tells one call from another inside; it never leaves. */
const CALL = 'x-call';
/** Codes that say that there was no response. */
const LOST: readonly number[] = [ErrorCode.ConnectionClosed, ErrorCode.RequestTimeout];

/** What a call gave: the body of the responses inside. */
interface Told {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

async function exchange(
  client: Client,
  calls: ReadonlyMap<string, Call>,
  request: Request,
): Promise<Response> {
  const call = calls.get(request.headers.get(CALL) ?? '') as Call;
  const params = { ...call.params, _meta: { ...call.params._meta, ...requestMeta(request.headers) } };
  const options = { ...call.options, signal: request.signal };
  try {
    const result = (await client.callTool(params, undefined, options)) as CallToolResult;
    const demand = demandOf(result);
    if (demand) return tell(402, { result }, demandHeaders(demand));
    return tell(200, { result }, new Headers(receiptHeaders(result._meta)));
  } catch (error) {
    const { code, message, data } = error as McpError;
    if (typeof code !== 'number' || LOST.includes(code)) throw error;
    const { challenges } = Object(data) as { challenges?: unknown };
    const told: Told = { error: { code, message, data } };
    if (!MPP_CODES.includes(code) || !Array.isArray(challenges)) return tell(400, told, new Headers());
    return tell(402, told, demandHeaders({ challenges }));
  }
}

function tell(status: number, told: Told, headers: Headers): Response {
  const body = new TextEncoder().encode(JSON.stringify(told));
  headers.set('content-length', String(body.length));
  return new Response(body, { status, headers });
}

/** What a result asks for, in the places where the x402 transport has it, and in MPP's. */
function demandOf(result: CallToolResult): { x402?: unknown; challenges?: unknown[] } | undefined {
  const { challenges } = Object(result._meta?.[MPP_REQUIRED]) as { challenges?: unknown };
  const x402 = result.isError ? x402In(result) : undefined;
  const native = Array.isArray(challenges) ? { challenges } : {};
  return x402 === undefined && !Array.isArray(challenges)
    ? undefined
    : { ...(x402 !== undefined && { x402 }), ...native };
}

function x402In({ structuredContent, content }: CallToolResult): unknown {
  const [first] = content;
  const places = [structuredContent, first?.type === 'text' ? parsed(first.text) : undefined];
  for (const place of places) {
    const members = Object(place) as Meta;
    const wrapped = Object(members[X402_ERROR]) as { data?: unknown };
    for (const found of [place, wrapped.data]) if (asksForPayment(found)) return found;
  }
  return undefined;
}

function asksForPayment(value: unknown): boolean {
  const { x402Version, accepts } = Object(value) as Meta;
  return typeof x402Version === 'number' && Array.isArray(accepts);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
