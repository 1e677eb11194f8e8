import {
  decodeInput,
  fetchPaid,
  MAX_SHOWN_BYTES,
  showFetched,
  type PaymentShown,
  type RequestOf,
} from '@agentpay/api';
import { AgentPayError, formatDecimal, parsePrice } from '@agentpay/primitives';
import { readBytes } from '@agentpay/protocol';
import {
  createClient,
  paymentOf,
  PaymentError,
  type PaymentMade,
  type PurchaseJournal,
  type SignedPurchase,
} from '@agentpay/sdk';
import type { ToolOutcome } from '../createMcpServer.js';
import { outcomeOf } from './callApi.js';
import type { PayingSettings } from './settings.js';

const READ_MS = 60_000;
/** Longest line of calls that wait for one another. */
const MAX_WAITING = 16;
/** Most purchases that a process remembers; each of them counts towards the total. */
const MAX_PURCHASES = 10_000;

type Input = RequestOf<typeof fetchPaid>['body'];

/**
 * Carries `fetch_paid` out: fetches a URL and pays for it where the server asks for payment, within the limits of the process. One call is
 * carried out after the other, so that no two pass a limit together.
 */
export function fetchAndPayInTurn(
  settings: PayingSettings,
  { fetch }: { readonly fetch: typeof globalThis.fetch },
): (input: Record<string, unknown>) => Promise<ToolOutcome> {
  const journal = memoryJournal();
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (input) => {
    if (waiting >= MAX_WAITING)
      return refused(new AgentPayError('unavailable', 'Too many calls wait already.'));
    waiting++;
    const turn = last.then(() => fetchAndPay(input, settings, { journal, fetch })).finally(() => waiting--);
    last = turn.catch(() => undefined);
    return turn;
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
    const input = decodeInput(fetchPaid, given).body;
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

// Every call has a client with its own limit; what was spent before is in the journal that they share.
function clientFor({ max_amount: max }: Input, settings: PayingSettings, { journal, fetch }: Dependencies) {
  const { payer, maxPerCall, maxTotal, networks, hosts } = settings;
  if (!payer) {
    const how = 'set AGENTPAY_PRIVATE_KEY, or AGENTPAY_WALLET_ID beside the API key of an agent';
    throw new AgentPayError('settlement_not_configured', `This server has nothing to pay with: ${how}.`);
  }
  const ceiling = parsePrice(maxPerCall);
  const wanted = max ?? ceiling;
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
  const body = await readBytes(response.body, MAX_SHOWN_BYTES, signal).catch(() => undefined);
  const { status, headers } = response;
  const payment = shownPayment(paymentOf(response));
  return showFetched({ status, contentType: headers.get('content-type'), body, payment });
}

function shownPayment(made: PaymentMade | undefined): PaymentShown | null {
  if (!made) return null;
  const { amount, payTo, tokenId, ...others } = made;
  return {
    ...others,
    amount: String(amount),
    pay_to: payTo,
    ...(tokenId !== undefined && { token_id: tokenId }),
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
