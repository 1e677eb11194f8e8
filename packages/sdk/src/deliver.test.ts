import { isAgentPayError, systemClock, type Clock } from '@agentpay/primitives';
import { createClient } from './Client.js';
import { createPayingFetch } from './createPayingFetch.js';
import type { ClientOptions } from './options.js';
import { PaymentError } from './PaymentError.js';
import type { PurchaseJournal, SignedPurchase } from './Purchase.js';
import { paymentOf } from './Receipt.js';
import {
  BUYER_KEY,
  TRANSACTION,
  askMpp,
  askV1,
  askV2,
  closeServers,
  deliverGoods,
  failure,
  demand,
  hurriedClock,
  proofIn,
  serve,
  startSeller,
  type Reply,
  type HurriedClock,
  type Seller,
} from './seller.test.support.js';

let clock: HurriedClock;
const client = (options: Partial<ClientOptions> = {}) =>
  createClient({ privateKey: BUYER_KEY, clock, ...options });
const different = ({ proofs }: Seller) => new Set(proofs.map(({ value }) => value)).size;

beforeEach(() => {
  clock = hurriedClock();
});
afterEach(closeServers);

const breakOff: Reply = (response) => void response.socket?.destroy();
const breakOffInBody: Reply = (response) => {
  response.writeHead(200, { 'content-length': '100' }).write('{"served"');
  setImmediate(() => response.socket?.destroy());
};
const hang: Reply = () => clock.expire();
const notNow =
  (status: number, retryAfter: string): Reply =>
  (response) =>
    void response.writeHead(status, { 'retry-after': retryAfter }).end('{}');

describe('a 402 whose body never ends', () => {
  /** Time-outs of 30 seconds and more never come. */
  const within30: Clock = {
    now: () => systemClock.now(),
    timer: (ms, fn) => (ms < 30_000 ? systemClock.timer(0, fn) : () => undefined),
  };

  it.each([
    ['it is paid by what its headers ask for', askV2().headers, 200],
    ['without offers in its headers it is given back', {}, 402],
  ])('is decided on within 30 seconds: %s', async (_, headers, status) => {
    const url = await serve((request, response) => {
      if (proofIn(request)) response.end('{}');
      else response.writeHead(402, headers).write('{');
    });
    const payingFetch = createPayingFetch(fetch, { privateKey: BUYER_KEY, clock: within30 });
    expect((await payingFetch(url)).status).toBe(status);
  });
});

describe('a lost response', () => {
  it.each<[string, readonly Reply[]]>([
    ['the connection breaks', [breakOff, breakOff, deliverGoods]],
    ['the body breaks off', [breakOffInBody, deliverGoods]],
    ['there is none in time', [hang, deliverGoods]],
    ['the payment is in progress', [notNow(409, '1'), notNow(409, '0'), deliverGoods]],
    ['settlement is not known', [notNow(503, '2'), deliverGoods]],
    ['there are too many requests', [notNow(429, '3'), deliverGoods]],
    [
      'everything happens',
      [breakOff, notNow(503, '1'), breakOffInBody, hang, notNow(409, '1'), deliverGoods],
    ],
  ])('makes the client send the same proof again when %s', async (_, answers) => {
    const seller = await startSeller(askV2(), ...answers);
    const buyer = client();
    const response = await buyer.fetch(seller.url, { method: 'POST', body: 'x' });
    expect(await response.json()).toEqual({ served: 1 });
    expect(seller.proofs).toHaveLength(answers.length);
    expect(different(seller)).toBe(1);
    expect(seller.requests.map(({ body }) => body)).toEqual(Array(answers.length + 1).fill('x'));
    expect(buyer.spent()).toEqual([expect.objectContaining({ signed: 10_000n, confirmed: 10_000n })]);
  });

  it('is waited for as long as the seller asks, and longer each time', async () => {
    const seller = await startSeller(askV2(), notNow(503, '7'), notNow(503, '0'), breakOff, deliverGoods);
    await client().fetch(seller.url);
    expect(clock.waited).toEqual([7_000, 500, 1_000]);
    const date = new Date(clock.now() + 5_000).toUTCString();
    const dated = await startSeller(askV2(), notNow(503, date), deliverGoods);
    await client().fetch(dated.url);
    expect(clock.waited[3]).toBeGreaterThan(3_000);
  });

  it('ends in payment_unresolved after a bounded number of attempts', async () => {
    const seller = await startSeller(askV2(), breakOff);
    const buyer = client({ maxAttempts: 3 });
    const error = await failure(buyer.fetch(seller.url));
    expect(error).toMatchObject({
      kind: 'payment_unresolved',
      payment: { dialect: 'x402v2', amount: 10_000n },
    });
    expect(seller.proofs).toHaveLength(3);
    expect(buyer.spent()[0]).toMatchObject({ signed: 10_000n, reserved: 10_000n });
  });

  it('is not waited for after the proof has ended', async () => {
    const seller = await startSeller(askV2(), notNow(503, '20'));
    const short = await startSeller(askV1([{ maxTimeoutSeconds: 50 }]), notNow(503, '20'));
    expect((await client({ maxAttempts: 100 }).fetch(short.url)).status).toBe(503);
    expect(short.proofs).toHaveLength(3);
    expect((await client({ maxAttempts: 4 }).fetch(seller.url)).status).toBe(503);
    expect(seller.proofs).toHaveLength(4);
  });

  it('is not waited for when the seller asks for too long', async () => {
    const seller = await startSeller(askV2(), notNow(503, '3600'));
    expect((await client().fetch(seller.url)).status).toBe(503);
    expect(seller.proofs).toHaveLength(1);
  });

  it('stops when the caller gives up', async () => {
    const caller = new AbortController();
    const seller = await startSeller(askV2(), () => caller.abort(new Error('Enough.')));
    expect(await failure(client().fetch(seller.url, { signal: caller.signal }))).toMatchObject({
      message: 'Enough.',
    });
    expect(seller.proofs).toHaveLength(1);
  });
});

describe('an unanswered purchase', () => {
  it.each<[string, Reply]>([
    ['there was no response', breakOff],
    ['the seller failed', (response) => void response.writeHead(500).end('{}')],
    ['the seller was away', notNow(503, '60')],
  ])('is taken up by the next request for the same when %s', async (_, answer) => {
    const seller = await startSeller(askV2(), answer, deliverGoods);
    const buyer = client({ maxAttempts: 1 });
    await failure(buyer.fetch(seller.url));
    expect((await buyer.fetch(`${seller.url}/other`)).status).toBe(200);
    const response = await buyer.fetch(seller.url);
    expect(response.status).toBe(200);
    expect(paymentOf(response)?.transaction).toBe(TRANSACTION);
    const [first, , third] = seller.proofs;
    expect(third?.value).toBe(first?.value);
    expect(different(seller)).toBe(2);
    expect(buyer.spent()[0]).toMatchObject({ signed: 20_000n, confirmed: 20_000n });
  });

  it('is taken up once, however many requests for the same there are', async () => {
    const seller = await startSeller(askV2(), breakOff, deliverGoods);
    const buyer = client({ maxAttempts: 1 });
    await failure(buyer.fetch(seller.url));
    await Promise.all([1, 2, 3].map(() => buyer.fetch(seller.url)));
    expect(seller.proofs).toHaveLength(4);
    expect(different(seller)).toBe(3);
  });

  it('is not taken up when its proof has ended, and goes on counting', async () => {
    const seller = await startSeller(askV2(), breakOff, deliverGoods);
    const buyer = client({ maxAttempts: 1 });
    await failure(buyer.fetch(seller.url));
    clock.advance(301_000);
    expect((await buyer.fetch(seller.url)).status).toBe(200);
    expect(different(seller)).toBe(2);
    expect(buyer.spent()[0]).toMatchObject({ signed: 20_000n, confirmed: 10_000n });
  });
});

describe('a second 402', () => {
  const again: Reply = (response) => demand(response, askV2([], { error: 'invalid_exact_evm_signature' }));

  const problem = 'https://paymentauth.org/problems/invalid-challenge';
  const failed = Buffer.from('{"success":false,"errorReason":"no_gas","network":"x"}').toString('base64');
  const saying =
    (body: Record<string, unknown>, headers: Record<string, string> = {}): Reply =>
    (response) =>
      demand(response, { headers, body });

  it.each<[string, Reply, string | undefined]>([
    ['x402 v2', again, 'invalid_exact_evm_signature'],
    ['x402 v1', saying({ ...askV1().body, error: 'insufficient_funds' }), 'insufficient_funds'],
    ['MPP', saying({ type: problem }), problem],
    ['a failed settlement', saying({}, { 'payment-response': failed }), 'no_gas'],
    ['prose', (response) => void response.writeHead(402).end('no'), undefined],
  ])('is not answered with a second signature, and its reason is told: %s', async (_, answer, reason) => {
    const seller = await startSeller(askV2(), answer);
    const buyer = client();
    const error = await failure(buyer.fetch(seller.url));
    expect(error).toBeInstanceOf(PaymentError);
    expect(error?.kind).toBe('payment_refused');
    expect(error?.reason).toBe(reason);
    expect(error?.response?.status).toBe(402);
    expect(await error?.response?.text()).toBeDefined();
    expect(seller.proofs).toHaveLength(1);
    expect(buyer.spent()[0]).toMatchObject({ signed: 10_000n, reserved: 10_000n });
  });
});

describe('a journal', () => {
  function memoryJournal(): PurchaseJournal & { saved: SignedPurchase[] } {
    const saved: SignedPurchase[] = [];
    return {
      saved,
      async save(purchase) {
        saved.push(JSON.parse(JSON.stringify(purchase)) as SignedPurchase);
      },
      load: async () => [...new Map(saved.map((purchase) => [purchase.id, purchase])).values()],
    };
  }

  it('has the purchase before the seller has the proof, and its end after', async () => {
    const journal = memoryJournal();
    const seller = await startSeller(askV2(), (response, proof, request) => {
      expect(journal.saved).toEqual([expect.objectContaining({ state: 'open', proof: proof.value })]);
      deliverGoods(response, proof, request);
    });
    expect((await client({ journal }).fetch(seller.url)).status).toBe(200);
    expect(journal.saved.map(({ state }) => state)).toEqual(['open', 'confirmed']);
  });

  it('lets a client that starts anew send the same proof again and keep to the budget', async () => {
    const journal = memoryJournal();
    const seller = await startSeller(askV2(), deliverGoods, breakOff, deliverGoods);
    const budget = { total: '$0.02' };
    const crashed = client({ journal, budget, maxAttempts: 1 });
    await crashed.fetch(`${seller.url}/first`);
    await failure(crashed.fetch(`${seller.url}/second`));
    const restarted = client({ journal, budget });
    expect(await failure(restarted.fetch(`${seller.url}/third`))).toMatchObject({
      kind: 'budget_exceeded',
      reason: 'total',
    });
    expect((await restarted.fetch(`${seller.url}/second`)).status).toBe(200);
    expect(seller.proofs).toHaveLength(3);
    expect(seller.proofs[2]?.value).toBe(seller.proofs[1]?.value);
    expect(restarted.spent()).toEqual(
      crashed.spent().map((spent) => ({ ...spent, confirmed: 20_000n, reserved: 0n })),
    );
  });

  it('keeps the proof back when it cannot be written, and the next request sends it', async () => {
    const journal = memoryJournal();
    const { save } = journal;
    journal.save = () => Promise.reject(new Error('disk full'));
    const seller = await startSeller(askV2());
    const buyer = client({ journal });
    expect(await failure(buyer.fetch(seller.url))).toMatchObject({ message: 'disk full' });
    expect(seller.proofs).toHaveLength(0);
    expect(buyer.spent()[0]).toMatchObject({ signed: 10_000n });
    journal.save = save;
    expect((await buyer.fetch(seller.url)).status).toBe(200);
    expect(journal.saved.map(({ state }) => state)).toEqual(['open', 'confirmed']);
    expect(buyer.spent()[0]).toMatchObject({ signed: 10_000n, confirmed: 10_000n });
  });

  it('that cannot be read keeps the client from asking at all, until it can', async () => {
    const journal = memoryJournal();
    const { load } = journal;
    journal.load = () => Promise.reject(new Error('no such file'));
    const seller = await startSeller(askV2());
    const buyer = client({ journal });
    expect(await failure(buyer.fetch(seller.url))).toMatchObject({ message: 'no such file' });
    expect(seller.requests).toHaveLength(0);
    journal.load = load;
    expect((await buyer.fetch(seller.url)).status).toBe(200);
  });

  it('keeps a challenge from being answered again after a restart', async () => {
    const journal = memoryJournal();
    const seller = await startSeller(askMpp(clock, {}, 'always the same'));
    await client({ journal }).fetch(seller.url);
    const error = await failure(client({ journal }).fetch(seller.url));
    expect(isAgentPayError(error, 'offer_not_acceptable')).toBe(true);
    expect(error?.reason).toBe('challenge_reused');
    expect(seller.proofs).toHaveLength(1);
  });
});
