import { purchases } from '@agentpay/core';
import { paymentRequired } from '../pay/payments.calls.js';
import { paperShop } from '../paperShop.js';
import { signedIn, type Browser } from '../signedIn.js';
import { testApi, type TestApi } from '../testApi.js';
import { endless, generous, hangingParts, selling, type Hanging, type Place } from './hanging.js';

/** How long a call takes when somebody hangs, by the clock of the API, which stands still until a test puts it forward. */
let api: TestApi;
let owner: Browser;
let hanging: Hanging;

beforeAll(async () => {
  api = await testApi(
    { DEV_SIGN_IN: 'true' },
    {
      demo: (core) => {
        const shop = paperShop(core);
        hanging = hangingParts(core);
        return shop;
      },
      reachable: true,
      provoked: /request failed/,
    },
  );
  owner = await signedIn(api, 'owner');
});

afterAll(async () => {
  await hanging.close();
  await api.close();
});

async function newBuyer(): Promise<{ id: string; key: string }> {
  const { body } = await api.http.post('/api/agents').set(owner.writes).send({ name: 'Buyer' }).expect(201);
  const keys = await api.http.post(`/api/agents/${body.id}/api-keys`).set(owner.writes).send({}).expect(201);
  return { id: body.id as string, key: keys.body.key as string };
}

describe('whoever hangs, a call is answered within 30 seconds, with a code', () => {
  /** Sooner than the deadline that stands over every call, whose answer knows nothing of the purchase. */
  const MOST_MS = 28_900;
  afterEach(() => hanging.stop());

  type Call = () => PromiseLike<{ status: number; body: Record<string, unknown> }>;

  /** Makes the call; the clock goes on by so much when somebody hangs who was reached, and not at all otherwise. */
  async function answered(call: Call, stops: readonly (readonly [Place, number])[]) {
    const began = api.clock.now();
    let answer: ReturnType<Call> | undefined;
    let go: () => void = () => void (answer = Promise.resolve(call()));
    for (const [place, ms] of stops) {
      const reached = hanging.at(place);
      go();
      await reached;
      go = () => api.clock.advance(ms);
    }
    go();
    const { status, body } = await (answer as unknown as ReturnType<Call>);
    expect(api.clock.now() - began).toBeLessThan(MOST_MS);
    const code = body['code'] ?? (body['error'] as { code?: string } | undefined)?.code;
    return { status, code, body };
  }

  const paying = async (url: string): Promise<Call> => {
    const { id, key } = await newBuyer();
    return () => api.http.post(`/api/agents/${id}/pay`).set('x-agent-key', key).send({ sellerUrl: url });
  };
  /** An API key of a user of its own, with a wallet. */
  async function paid(login: string): Promise<Call> {
    const { writes } = await signedIn(api, login);
    const { body } = await api.http.post('/v1/keys').set(writes).send({}).expect(201);
    const headers = { 'x-api-key': (body as { api_key: string }).api_key };
    await api.http.post('/v1/wallets').set(headers).send({ network: 'eip155:84532' }).expect(201);
    return () =>
      api.http
        .post('/v1/pay')
        .set({ ...headers, 'idempotency-key': 'once' })
        .send({ paymentRequired, url: 'https://api.example.com/resource' });
  }

  it.each(Object.entries(endless))('a seller that %s instead of asking', async (_what, seller) => {
    const url = await hanging.serve(seller(402, hanging.seller));
    const { status, code } = await answered(await paying(url), [['seller', 8_000]]);
    expect([status, code]).toEqual([502, 'seller_not_402']);
  });

  it.each(Object.entries(endless))('a seller that %s when it is paid', async (_what, seller) => {
    const url = await hanging.serve(selling(seller(200, hanging.seller)));
    const { status, code } = await answered(await paying(url), [['seller', 25_000]]);
    expect([status, code]).toEqual([expect.any(Number), 'payment_unresolved']);
    expect(status).toBeGreaterThanOrEqual(400);
  });

  it('an RPC node: before anything is signed, and when the payment is to be proved', async () => {
    const url = await hanging.serve(selling(generous));
    const before = await answered(await paying(url), [['balance', 5_000]]);
    expect(before.status).toBeGreaterThanOrEqual(500);
    expect(before.code).toBe('unavailable');
    hanging.stop();
    // A look at once, and one that may take long.
    const looks = [
      ['fate', 250],
      ['fate', 3_000],
    ] as const;
    const after = await answered(await paying(url), looks);
    expect(after).toMatchObject({ status: 200, body: { success: true } });
  });

  it('the facilitator of a seller: Test Buy', async () => {
    const { id } = await newBuyer();
    const call: Call = () => api.http.post(`/api/agents/${id}/test-buy`).set(owner.writes).send({});
    const { status, code } = await answered(call, [['settle', 25_000]]);
    expect([status, code]).toEqual([expect.any(Number), 'payment_unresolved']);
    expect(status).toBeGreaterThanOrEqual(400);
  });

  const facilitator: readonly (readonly [string, readonly (readonly [Place, number])[]])[] = [
    ['at the look before', [['verify', 25_000]]],
    ['before it has settled', [['settle', 25_000]]],
    ['after it has settled', [['settled', 25_000]]],
    [
      'and then the RPC node, too',
      [
        ['settled', 25_000],
        ['fate', 3_000],
      ],
    ],
  ];
  it.each(facilitator)('a facilitator %s: what was paid is found later', async (what, stops) => {
    const call = await paid(what.replaceAll(/\W/g, ''));
    const { status, code } = await answered(call, stops);
    // A payment that the chain shows already is no unknown one.
    if (what === 'after it has settled') expect(status).toBe(200);
    else expect([status >= 500, code]).toEqual([true, expect.any(String)]);
    hanging.stop();
    api.clock.advance(2_000);
    const { core } = api.composition;
    // Those of the sellers above wait for time to pass.
    await core.db.query(
      `update purchases set next_attempt_at = $1 where way <> 'facilitator' and next_attempt_at is not null`,
      [new Date(core.clock.now() + 3_600_000)],
    );
    await purchases.work(core, { limit: 100 });
    expect(await call()).toMatchObject({ status: 200, body: { transaction: expect.stringMatching(/^0x/) } });
  });
});
