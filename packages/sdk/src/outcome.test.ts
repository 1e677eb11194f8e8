import { paymentHash, paymentKeyIn } from '@agentpay/protocol';
import { createClient } from './Client.js';
import type { ClientEvent } from './ClientEvent.js';
import type { ClientOptions } from './options.js';
import {
  askMpp,
  askV2,
  BUYER_KEY,
  closeServers,
  deliverGoods,
  demand,
  failure,
  hurriedClock,
  PAY_TO,
  serve,
  startSeller,
  TRANSACTION,
  type Reply,
} from './seller.test.support.js';

afterEach(closeServers);

const breakOff: Reply = (response) => void response.socket?.destroy();
const askAgain: Reply = (response) => demand(response, askV2());

const status = (state: string, more: object = {}) => ({
  state,
  transaction: null,
  network: 'eip155:84532',
  payer: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  pay_to: PAY_TO,
  amount: '10000',
  explorer: null,
  reason: null,
  updated_at: '2026-11-20T12:00:00Z',
  ...more,
});

/** A facilitator that says this of every payment, and keeps what it was asked. */
async function facilitator(code: number, body: unknown) {
  const asked: { path: string | undefined; proof: unknown }[] = [];
  const url = await serve((request, response) => {
    asked.push({ path: request.url, proof: request.headers['payment-signature'] });
    response.writeHead(code).end(JSON.stringify(body));
  });
  return { url, asked };
}

const client = (options: Partial<ClientOptions> = {}) =>
  createClient({ privateKey: BUYER_KEY, clock: hurriedClock(), maxAttempts: 2, ...options });

describe('what became of a payment whose outcome the seller does not tell', () => {
  it.each([
    ['settled', status('settled', { transaction: TRANSACTION }), `has settled it in ${TRANSACTION}`],
    ['pending', status('pending'), 'is settling it'],
    ['failed', status('failed', { reason: 'insufficient_funds' }), 'has not settled it: insufficient_funds'],
  ])('is asked of the facilitator that the buyer names: %s', async (_, answer, words) => {
    const { url, asked } = await facilitator(200, answer);
    const seller = await startSeller(askV2(), breakOff);
    const error = await failure(client({ facilitator: url }).fetch(seller.url));
    expect(error).toMatchObject({ kind: 'payment_unresolved', settlement: answer });
    expect(error?.message).toContain(words);
    const proof = seller.proofs[0]?.value as string;
    expect(asked).toEqual([{ path: `/settlements/by-payment/${paymentHash(paymentKeyIn(proof))}`, proof }]);
  });

  it('is asked also when the seller wants another payment', async () => {
    const { url } = await facilitator(200, status('settled', { transaction: TRANSACTION }));
    const seller = await startSeller(askV2(), askAgain);
    const error = await failure(client({ facilitator: url }).fetch(seller.url));
    expect(error).toMatchObject({ kind: 'payment_refused', settlement: { state: 'settled' } });
    expect(error?.message).toContain(TRANSACTION);
  });

  it.each([
    ['knows nothing of it', 404, { code: 'settlement_not_known' }],
    ['is of another kind', 404, 'Not found'],
    ['is out of order', 500, {}],
  ])('stays open when the facilitator %s', async (_, code, body) => {
    const { url } = await facilitator(code, body);
    const seller = await startSeller(askV2(), breakOff);
    const error = await failure(client({ facilitator: url }).fetch(seller.url));
    expect(error).toMatchObject({ kind: 'payment_unresolved', settlement: undefined });
  });

  it('is not asked when the response is there, nor with a proof that no facilitator reads', async () => {
    const { url, asked } = await facilitator(200, status('settled'));
    const buyer = client({ facilitator: url, prefer: ['x402v2', 'mpp'] });
    expect((await buyer.fetch((await startSeller(askV2(), deliverGoods)).url)).status).toBe(200);
    expect(
      await failure(buyer.fetch((await startSeller(askMpp(hurriedClock()), breakOff)).url)),
    ).toMatchObject({
      kind: 'payment_unresolved',
    });
    expect(asked).toEqual([]);
  });
});

describe('a refusal', () => {
  it('has the id that the seller gave the request', async () => {
    const seller = await startSeller(askV2(), (response) => {
      response.setHeader('x-request-id', 'req_of_the_seller');
      demand(response, askV2());
    });
    const error = await failure(client().fetch(seller.url));
    expect(error).toMatchObject({ kind: 'payment_refused', requestId: 'req_of_the_seller' });
  });
});

describe('the events of a purchase', () => {
  it('tell each step, and hold no proof', async () => {
    const events: ClientEvent[] = [];
    const seller = await startSeller(askV2(), breakOff, deliverGoods);
    await client({ onEvent: (event) => void events.push(event) }).fetch(seller.url);
    expect(events).toMatchObject([
      { type: 'payment_required' },
      { type: 'signed', payment: { dialect: 'x402v2', amount: 10_000n, payTo: PAY_TO } },
      { type: 'sent', attempt: 1 },
      { type: 'waiting', attempt: 1, status: undefined, waitMs: 250 },
      { type: 'sent', attempt: 2 },
      { type: 'answered', status: 200, payment: { transaction: TRANSACTION } },
    ]);
    const written = JSON.stringify(events, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(seller.proofs[0]?.value.length).toBeGreaterThan(100);
    expect(written).not.toContain(seller.proofs[0]?.value);
  });

  it('cannot end a purchase', async () => {
    const seller = await startSeller(askV2(), deliverGoods);
    const onEvent = () => {
      throw new Error('the log is full');
    };
    expect((await client({ onEvent }).fetch(seller.url)).status).toBe(200);
  });

  it('are none for a response that is free', async () => {
    const events: ClientEvent[] = [];
    const url = await serve((_, response) => response.end('{}'));
    await client({ onEvent: (event) => void events.push(event) }).fetch(url);
    expect(events).toEqual([]);
  });
});
