import type { ServerResponse } from 'node:http';
import { paywall } from '@agentpay/paywall';
import {
  authorize,
  newAgent,
  newService,
  testApi,
  type TestAgent,
  type TestApi,
} from '../families/testApi.js';
import { newAccount } from './payment.js';
import { closeServers, serve } from './paywallSeller.js';

const FUNDS = 1;
const PRICE = 0.005;

describe('B21 payment tokens under attack, on the real API', () => {
  let api: TestApi;
  let seller: TestAgent;
  let buyer: TestAgent;
  let service: string;
  let runs: number;

  beforeAll(async () => {
    api = await testApi();
    seller = await newAgent(api, { name: 'Seller' });
    service = await newService(api, seller);
  });
  afterAll(() => api?.close());
  beforeEach(async () => {
    buyer = await newAgent(api, { name: 'Buyer', funds: FUNDS });
    runs = 0;
  });
  afterEach(closeServers);

  /** A process of the seller, with a memory of its own. */
  function open(
    handler: (res: ServerResponse) => unknown = (res) => res.end('goods'),
    sold = { service, key: seller.key },
  ) {
    const { clock, url } = api;
    const others = {
      payTo: newAccount().address,
      facilitator: 'http://127.0.0.1:9',
      logger: false as const,
    };
    const charge = paywall({ ...others, clock, token: { url, ...sold } }).charge(`$${PRICE}`);
    return serve((req, res) => charge(req, res, () => (runs++, handler(res))));
  }

  async function use(url: string, token: string): Promise<[status: number, code: string]> {
    const response = await fetch(url, { headers: { 'x-payment-token': token } });
    return [
      response.status,
      response.status === 200 ? await response.text() : ((await response.json()) as { code: string }).code,
    ];
  }

  async function money(): Promise<[available: number, held: number]> {
    const { body } = await api.http.get(`/v1/wallets/${buyer.wallet}/balance`).set(buyer.auth).expect(200);
    const { available, held } = body as { available: number; held: number };
    return [available, held];
  }

  const refund = (id: string) => api.http.delete(`/v1/x402/tokens/${id}`).set(buyer.auth);

  it('50 copies to two processes that know nothing of each other: one run, one charge', async () => {
    const urls = [await open(), await open()] as const;
    const { token } = await authorize(api, buyer, service);
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => use(urls[i % 2] as string, token)),
    );
    expect(outcomes).toContainEqual([200, 'goods']);
    const right = ['200,goods', '409,payment_already_used', '409,payment_in_progress'];
    expect(outcomes.map(String).filter((outcome) => !right.includes(outcome))).toEqual([]);
    expect([runs, await money()]).toEqual([1, [FUNDS - PRICE, 0]]);
  });

  it('consumed, and shown to a process that has forgotten it: 409', async () => {
    const { token } = await authorize(api, buyer, service);
    expect(await use(await open(), token)).toEqual([200, 'goods']);
    expect(await use(await open(), token)).toEqual([409, 'payment_already_used']);
    expect([runs, await money()]).toEqual([1, [FUNDS - PRICE, 0]]);
  });

  it('refunded before it is used: nothing runs', async () => {
    const { token, token_id } = await authorize(api, buyer, service);
    await refund(token_id).expect(200);
    const [status] = await use(await open(), token);
    expect([[402, 409].includes(status), runs, await money()]).toEqual([true, 0, [FUNDS, 0]]);
  });

  it('refunded while the handler runs, or after delivery, or twice: refused, and the seller has the money', async () => {
    const { token, token_id } = await authorize(api, buyer, service);
    const refunds: number[] = [];
    const url = await open(async (res) => {
      refunds.push((await refund(token_id)).status);
      res.end('goods');
    });
    expect(await use(url, token)).toEqual([200, 'goods']);
    for (const _ of [1, 2]) refunds.push((await refund(token_id)).status);
    expect([refunds, await money()]).toEqual([
      [409, 409, 409],
      [FUNDS - PRICE, 0],
    ]);
  });

  it('of another service, or shown by a seller whose service it is not: nothing runs, and the token stays good', async () => {
    const thief = await newAgent(api, { name: 'Thief' });
    const other = await newService(api, thief);
    const { token } = await authorize(api, buyer, service);
    expect(await use(await open(undefined, { service: other, key: thief.key }), token)).toEqual([
      402,
      'token_invalid',
    ]);
    expect((await use(await open(undefined, { service, key: thief.key }), token))[0]).toBe(402);
    expect(runs).toBe(0);
    expect(await use(await open(), token)).toEqual([200, 'goods']);
  });

  it('whose call outlives its time: the response is withheld and the money is back', async () => {
    const { token } = await authorize(api, buyer, service);
    const url = await open((res) => {
      api.clock.advance(61_000);
      res.end('goods');
    });
    expect(await use(url, token)).toEqual([504, 'handler_timeout']);
    expect(await money()).toEqual([FUNDS, 0]);
  });
});
