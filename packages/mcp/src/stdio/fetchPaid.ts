import { AgentPayError, formatDecimal, parseNumber, parsePrice } from '@agentpay/primitives';
import { readBytes } from '@agentpay/protocol';
import {
  createClient,
  paymentOf,
  PaymentError,
  type PurchaseJournal,
  type SignedPurchase,
} from '@agentpay/sdk';
import * as z from 'zod';
import type { OwnTool, ToolOutcome } from '../createMcpServer.js';
import { outcomeOf } from './callApi.js';
import type { PayingSettings } from './settings.js';

/** Longest response that is given to a model. */
const MAX_RESPONSE_BYTES = 256 * 1024;
const READ_MS = 60_000;
/** Longest line of calls that wait for one another. */
const MAX_WAITING = 16;
/** Most purchases that a process remembers; each of them counts towards the total. */
const MAX_PURCHASES = 10_000;

const inputSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  headers: z.record(z.string(), z.string().max(8192)).default({}),
  body: z.string().max(100_000).optional(),
  max_amount: z.union([z.number(), z.string().max(40)]).optional(),
});
type Input = z.output<typeof inputSchema>;

/**
 * The tool `fetch_paid`: fetches a URL and pays for it where the server asks for payment, within the limits of the process. One call is
 * carried out after the other, so that no two pass a limit together.
 */
export function fetchPaid(
  settings: PayingSettings,
  { fetch }: { readonly fetch: typeof globalThis.fetch },
): OwnTool {
  const journal = memoryJournal();
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  async function inTurn(input: Record<string, unknown>): Promise<ToolOutcome> {
    if (waiting >= MAX_WAITING)
      return refused(new AgentPayError('unavailable', 'Too many calls wait already.'));
    waiting++;
    const turn = last.then(() => fetchAndPay(input, settings, { journal, fetch })).finally(() => waiting--);
    last = turn.catch(() => undefined);
    return turn;
  }
  return {
    name: 'fetch_paid',
    description:
      'Fetches a URL and pays when the server asks for payment (HTTP 402), at most max_amount dollars and never above the limits that ' +
      'the operator has set. After the error payment_unresolved call it again with the same input: nothing is paid twice.',
    input: {
      type: 'object',
      properties: {
        url: { type: 'string', format: 'uri' },
        method: { type: 'string', enum: inputSchema.shape.method.unwrap().options, default: 'GET' },
        headers: { type: 'object', additionalProperties: { type: 'string' } },
        body: { type: 'string' },
        max_amount: {
          type: 'number',
          description: `Dollars, at most six decimals. At most ${settings.maxPerCall}.`,
        },
      },
      required: ['url'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    call: inTurn,
  };
}

interface Dependencies {
  readonly journal: PurchaseJournal;
  readonly fetch: typeof globalThis.fetch;
}

async function fetchAndPay(
  given: Record<string, unknown>,
  settings: PayingSettings,
  dependencies: Dependencies,
): Promise<ToolOutcome> {
  try {
    const input = readInput(given);
    const response = await clientFor(input, settings, dependencies).fetch(input.url, {
      method: input.method,
      headers: input.headers,
      ...(input.body !== undefined && { body: input.body }),
    });
    return { ok: true, response: await shownResponse(response) };
  } catch (error) {
    return refused(error);
  }
}

function readInput(given: Record<string, unknown>): Input {
  const read = inputSchema.safeParse(given);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const param = issue?.path.join('.') || 'input';
  throw new AgentPayError('invalid_request', `Field "${param}": ${issue?.message}`, { param });
}

// Every call has a client with its own limit; what was spent before is in the journal that they share.
function clientFor({ max_amount: max }: Input, settings: PayingSettings, { journal, fetch }: Dependencies) {
  const { payer, maxPerCall, maxTotal, networks, hosts } = settings;
  if (!payer) {
    const how = 'set AGENTPAY_PRIVATE_KEY, or AGENTPAY_WALLET_ID beside the API key of an agent';
    throw new AgentPayError('settlement_not_configured', `This server has nothing to pay with: ${how}.`);
  }
  const ceiling = parsePrice(maxPerCall);
  const wanted = max === undefined ? ceiling : typeof max === 'number' ? parseNumber(max) : parsePrice(max);
  return createClient({
    ...payer,
    budget: { perRequest: `$${formatDecimal(wanted < ceiling ? wanted : ceiling)}`, total: maxTotal },
    allow: { ...(networks && { networks }), ...(hosts && { hosts }) },
    journal,
    fetch,
  });
}

async function shownResponse(response: Response): Promise<Record<string, unknown>> {
  const signal = AbortSignal.timeout(READ_MS);
  const bytes = await readBytes(response.body, MAX_RESPONSE_BYTES, signal).catch(() => undefined);
  const payment = paymentOf(response);
  return {
    status: response.status,
    content_type: response.headers.get('content-type'),
    body: bytes ? new TextDecoder().decode(bytes) : null,
    ...(!bytes && { note: `The body is longer than ${MAX_RESPONSE_BYTES} bytes, or broke off.` }),
    payment: payment ? { ...payment, amount: String(payment.amount) } : null,
  };
}

function refused(error: unknown): ToolOutcome {
  if (error instanceof PaymentError || error instanceof AgentPayError)
    return { ok: false, error: outcomeOf(error, { path: '/' }) };
  const why = error instanceof Error ? error.message : 'no response';
  return refused(new AgentPayError('unavailable', `The URL could not be fetched: ${why}.`));
}

function memoryJournal(): PurchaseJournal {
  const purchases = new Map<string, SignedPurchase>();
  return {
    async save(purchase) {
      if (purchases.size >= MAX_PURCHASES && !purchases.has(purchase.id))
        throw new AgentPayError(
          'unavailable',
          'This process has made as many purchases as it remembers: restart it.',
        );
      purchases.set(purchase.id, purchase);
    },
    load: async () => [...purchases.values()],
  };
}
