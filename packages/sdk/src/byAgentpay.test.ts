import { x402v2 } from '@agentpay/protocol';
import { createClient } from './Client.js';
import type { SignedPurchase } from './Purchase.js';
import { paymentOf } from './Receipt.js';
import { askV1, askV2, BUYER_KEY, failure, hurriedClock, offer } from './seller.test.support.js';

/** A client without an account, for which AgentPay pays: what it is asked, and what becomes of the budget. */
const SHOP = 'https://shop.test/paid';
const PROOF = 'c2lnbmVk';
const PAID = {
  paymentSignature: PROOF,
  transaction: '0xab',
  transactionId: 'tx_01kb3x9v7f5m2q8r4t6w0y1z3e',
  network: 'eip155:84532',
  amount: '0.01',
  payer: '0x1',
};
type Answer = readonly [status: number, body: object];

function refusal(status: number, code: string, details?: object): Answer {
  const error = { code, reason: code, message: 'No.', hint: 'Ask.', request_id: 'req_1' };
  return [status, { error: { ...error, ...(details && { details }) }, code }];
}

/** A seller that takes the proof, and AgentPay with these answers one after the other; the last one stands. */
function world(...answers: readonly Answer[]) {
  const asked: { key: string | null; apiKey: string | null; url: string; accepts: readonly object[] }[] = [];
  const proofs: string[] = [];
  const kept = new Map<string, SignedPurchase>();
  let selling = askV2([{ ...offer, amount: '20000' }, offer]);
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    if (!String(input).startsWith('https://pay.test/')) {
      const proof = headers.get(x402v2.PAYMENT_SIGNATURE);
      if (proof !== null) proofs.push(proof);
      if (proof === PROOF) return Response.json({ sky: 'blue' });
      return Response.json(selling.body, { status: 402, headers: selling.headers });
    }
    const { paymentRequired, url } = JSON.parse(String(init?.body)) as Record<string, string>;
    const { accepts } = x402v2.decodePaymentRequired(paymentRequired as string);
    const [key, apiKey] = ['idempotency-key', 'x-api-key'].map((name) => headers.get(name));
    asked.push({ key: key ?? null, apiKey: apiKey ?? null, url: url as string, accepts });
    const [status, body] = answers[Math.min(asked.length, answers.length) - 1] as Answer;
    return Response.json(body, { status });
  };
  const journal = {
    save: async (purchase: SignedPurchase) =>
      void kept.set(purchase.id, JSON.parse(JSON.stringify(purchase)) as SignedPurchase),
    load: async () => [...kept.values()],
  };
  const client = (options: object = {}) =>
    createClient({
      agentpay: { url: 'https://pay.test', apiKey: 'ap_key' },
      fetch,
      journal,
      clock: hurriedClock(),
      ...options,
    });
  return { asked, proofs, client, sell: (ask: typeof selling) => void (selling = ask) };
}

const signed = (client: ReturnType<typeof createClient>) =>
  client.spent().reduce((sum, account) => sum + account.signed, 0n);

it('AgentPay is shown the cheapest offer alone, under one key, and its proof buys once', async () => {
  const { asked, proofs, client } = world([200, PAID]);
  const buyer = client();
  const response = await buyer.fetch(SHOP);
  expect(await response.json()).toEqual({ sky: 'blue' });
  expect(paymentOf(response)).toMatchObject({ dialect: 'x402v2', amount: 10_000n, transaction: '0xab' });
  expect(asked).toEqual([
    {
      key: expect.stringMatching(/^ts-/),
      apiKey: 'ap_key',
      url: SHOP,
      accepts: [expect.objectContaining(offer)],
    },
  ]);
  expect([proofs, signed(buyer)]).toEqual([[PROOF], 10_000n]);
});

it('a response that is lost is asked for again under the same key: by the next request for the same, and by the next process', async () => {
  const down = refusal(504, 'payment_unresolved');
  const { asked, proofs, client } = world(down, down, down, down, down, down, [200, PAID]);
  const first = client();
  const lost = await failure(first.fetch(SHOP));
  expect([lost?.kind, signed(first), proofs]).toEqual(['payment_unresolved', 10_000n, []]);
  expect((await failure(client().fetch(SHOP)))?.kind).toBe('payment_unresolved');
  expect((await first.fetch(SHOP)).status).toBe(200);
  expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
  expect([asked.length, proofs, signed(first)]).toEqual([7, [PROOF], 10_000n]);
});

it('a refusal gives the money back to the budget; one after a signature does not', async () => {
  const poor = world(refusal(402, 'insufficient_funds'));
  const buyer = poor.client();
  expect(await failure(buyer.fetch(SHOP))).toMatchObject({
    kind: 'offer_not_acceptable',
    reason: 'insufficient_funds',
    message: 'AgentPay did not pay: No.',
  });
  expect([signed(buyer), poor.proofs]).toEqual([0n, []]);
  await failure(buyer.fetch(SHOP));
  expect(new Set(poor.asked.map(({ key }) => key)).size).toBe(2);
  const refused = world(refusal(402, 'not_valid', { transaction_id: PAID.transactionId }));
  const other = refused.client();
  expect((await failure(other.fetch(SHOP)))?.kind).toBe('payment_refused');
  expect(signed(other)).toBe(10_000n);
});

it('what waits for an approval is asked for again under its key', async () => {
  const waits = refusal(403, 'approval_required', { approval_id: 'apr_1' });
  const { asked, proofs, client } = world(waits, [200, PAID]);
  const buyer = client();
  expect(await failure(buyer.fetch(SHOP))).toMatchObject({
    kind: 'offer_not_acceptable',
    reason: 'approval_required',
  });
  expect((await buyer.fetch(SHOP)).status).toBe(200);
  expect([new Set(asked.map(({ key }) => key)).size, proofs]).toEqual([1, [PROOF]]);
});

it('AgentPay is asked for nothing that the limits do not allow, nor in another language, nor by a client that signs', async () => {
  const { asked, client, sell } = world([200, PAID]);
  expect((await failure(client({ budget: { perRequest: '$0.009' } }).fetch(SHOP)))?.kind).toBe(
    'budget_exceeded',
  );
  expect((await failure(client({ allow: { hosts: ['other.test'] } }).fetch(SHOP)))?.reason).toBe(
    'host_not_allowed',
  );
  const together = client({ budget: { total: '$0.02' } });
  const outcomes = await Promise.allSettled([1, 2, 3].map((n) => together.fetch(`${SHOP}?${n}`)));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(asked).toHaveLength(2);
  await failure(client({ privateKey: BUYER_KEY }).fetch(SHOP));
  sell(askV1());
  expect((await client().fetch(SHOP)).status).toBe(402);
  expect(asked).toHaveLength(2);
});

it('the key of an agent needs a wallet', () => {
  const agentpay = { url: 'https://pay.test', apiKey: 'pk_test_1' };
  expect(() => createClient({ agentpay })).toThrow(
    'option agentpay.walletId is needed with the key of an agent',
  );
});
