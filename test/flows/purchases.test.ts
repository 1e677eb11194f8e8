import { approvals, events, policies, purchases } from '@agentpay/core';
import { OutboundError, sleep, systemClock, type Db } from '@agentpay/primitives';
import {
  ASSET,
  ask,
  askV2,
  authorizationIn,
  dialects,
  honestSeller,
  network,
  offerV2,
  OPERATOR,
  OTHER_SELLER,
  PRICE,
  proofIn,
  purchaseBed,
  SELLER,
  settlementOf,
  textOf,
  type Buyer,
  type PurchaseBed,
} from './purchaseBed.js';

let bed: PurchaseBed;
beforeAll(async () => {
  bed = await purchaseBed();
});
afterAll(async () => {
  await bed.settleAll();
  await bed.expectSettled();
  await bed.close();
});

const eventsOf = async (subject: string) =>
  (await events.history(bed.core.db, { subject })).map(({ type }) => type);

describe.each(dialects)('a purchase in %s', (dialect) => {
  const spoken = dialect === 'permit2' ? 'x402v2' : dialect;
  it('calls, pays once, and gives what the seller answers, with the transaction that the chain proves', async () => {
    const [buyer, before] = [await bed.buyer(undefined, [], dialect), bed.paid()];
    const seller = honestSeller(bed.facilitator, dialect);
    const bought = await purchases.buy(bed.core, {
      principal: buyer.principal,
      url: await bed.serve(seller.handle),
      method: 'POST',
      headers: { 'X-Trace': 'a', 'content-type': 'text/plain' },
      body: 'what is the weather?',
    });
    expect(JSON.parse(textOf(bought))).toEqual({ weather: 'sunny', said: 'what is the weather?' });
    expect(bought.purchase).toMatchObject({
      state: 'confirmed',
      terms: {
        dialect: spoken,
        amount: String(PRICE),
        payTo: SELLER.toLowerCase(),
        payer: buyer.wallet.address,
      },
      reference: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      transactionId: expect.stringMatching(/^tx_/),
    });
    expect(bought.response).toMatchObject({ status: 200, contentType: 'application/json', truncated: false });
    expect([seller.proofs.length, bed.paid() - before]).toEqual([1, PRICE]);
    expect(await eventsOf(bought.purchase.transactionId as string)).toEqual([
      'payment.initiated',
      'payment.confirmed',
      'payment.completed',
    ]);
  });

  it('under one key is one purchase with one proof, however often and at once it is asked for', async () => {
    const [buyer, before] = [await bed.buyer(undefined, [], dialect), bed.paid()];
    const seller = honestSeller(bed.facilitator, dialect);
    const url = await bed.serve(seller.handle);
    const once = (core = bed.core) =>
      purchases.buy(core, { principal: buyer.principal, url, idempotencyKey: 'k' });
    const all = await Promise.all([once(), once(bed.another()), once(bed.another()), once()]);
    all.push(await once());
    expect(new Set(all.map(({ purchase }) => purchase.id)).size).toBe(1);
    expect(new Set(all.map(textOf)).size).toBe(1);
    // A seller that says "not now" is sent the same proof again.
    const signed = new Set(seller.proofs.map(({ value }) => value)).size;
    expect([signed, seller.delivered(), bed.paid() - before]).toEqual([1, 1, PRICE]);
    await expect(
      purchases.buy(bed.core, { principal: buyer.principal, url: `${url}?other`, idempotencyKey: 'k' }),
    ).rejects.toMatchObject({ kind: 'conflict' });
  });

  it('whose answers are lost is paid by the same proof, sent again', async () => {
    const [buyer, before] = [await bed.buyer(undefined, [], dialect), bed.paid()];
    const seller = honestSeller(bed.facilitator, dialect);
    let lost = 0;
    const url = await bed.serve(async (request, response) => {
      if (!proofIn(request) || lost++ > 1) return seller.handle(request, response);
      // Settled, and the response never arrives.
      const sink = { writeHead: () => sink, end: () => response.destroy() };
      await seller.handle(request, sink as never);
    });
    const bought = await purchases.buy(bed.core, { principal: buyer.principal, url });
    expect(JSON.parse(textOf(bought))).toMatchObject({ weather: 'sunny' });
    expect(new Set(seller.proofs.map(({ value }) => value)).size).toBe(1);
    expect([seller.proofs.length, bed.paid() - before]).toEqual([3, PRICE]);
  });
});

describe('what is not signed', () => {
  const refusals: readonly [string, readonly policies.RuleTerms[], string][] = [
    ['per_tx', [{ kind: 'per_tx', amount: PRICE - 1n }], 'per_transaction_limit'],
    ['daily', [{ kind: 'daily', amount: PRICE - 1n }], 'daily_limit'],
    ['monthly', [{ kind: 'monthly', amount: PRICE - 1n }], 'monthly_limit'],
    ['allowlist', [{ kind: 'allowlist', sellers: [OTHER_SELLER.toLowerCase()] }], 'not_on_allow_list'],
    ['max_amount', [{ kind: 'max_amount', amount: PRICE - 1n }], 'max_amount'],
    ['per_seller_cap', [{ kind: 'per_seller_cap', amount: PRICE - 1n }], 'per_seller_cap'],
    ['rail', [{ kind: 'rail', rails: ['mpp'] }], 'rail_not_allowed'],
    ['kill_switch', [{ kind: 'kill_switch' }], 'kill_switch'],
  ];

  it.each(refusals)(
    '%s: the purchase is refused and told of, and nothing is sent',
    async (_rule, rules, reason) => {
      const buyer = await bed.buyer(1_000_000n, rules);
      const seller = honestSeller(bed.facilitator, 'x402v2');
      const url = await bed.serve(seller.handle);
      const attempt = () =>
        purchases.buy(bed.core, { principal: buyer.principal, url, idempotencyKey: 'once' });
      await expect(attempt()).rejects.toMatchObject({ kind: 'policy_denied', reason });
      await expect(attempt()).rejects.toMatchObject({ kind: 'policy_denied', reason });
      expect(seller.proofs).toEqual([]);
      const told = await bed.core.db.query<{ data: { reason: string } }>(
        `select data from events where type = 'payment.rejected' and audience @> array[$1]`,
        [buyer.id],
      );
      expect(told.map(({ data }) => data.reason)).toEqual([reason]);
    },
  );

  it('without enough money: refused until it has arrived on the chain', async () => {
    const buyer = await bed.buyer(PRICE - 1n);
    const url = await bed.serve(honestSeller(bed.facilitator, 'x402v2').handle);
    const request = { principal: buyer.principal, url };
    await expect(purchases.buy(bed.core, request)).rejects.toMatchObject({ kind: 'insufficient_funds' });
    bed.chain.mint(buyer.wallet.address, 1n);
    expect((await purchases.buy(bed.core, request)).purchase.state).toBe('confirmed');
  });

  it('of several offers the cheapest that is within the limits is paid', async () => {
    const buyer = await bed.buyer(1_000_000n, [
      { kind: 'allowlist', sellers: [SELLER.toLowerCase()] },
      { kind: 'per_tx', amount: PRICE },
    ]);
    const seller = honestSeller(bed.facilitator, 'x402v2');
    const url = await bed.serve((request, response) => {
      if (proofIn(request)) return seller.handle(request, response);
      askV2(response, [
        offerV2({ amount: 2n * PRICE }),
        offerV2({ amount: 1n, payTo: OTHER_SELLER }),
        offerV2({ amount: PRICE }),
      ]);
    });
    const { purchase } = await purchases.buy(bed.core, { principal: buyer.principal, url });
    expect(purchase.terms).toMatchObject({ amount: String(PRICE), payTo: SELLER.toLowerCase() });
  });

  it('a seller who asks for nothing, in no known way, or for what cannot be paid', async () => {
    const { principal } = await bed.buyer();
    const kinds: [Parameters<PurchaseBed['serve']>[0], object][] = [
      [(_, response) => response.end('free'), { kind: 'seller_not_402', reason: 'status' }],
      [(_, response) => response.destroy(), { kind: 'seller_not_402', reason: 'connection_failed' }],
      [(_, response) => response.writeHead(402).end('pay me'), { kind: 'no_payment_header' }],
      [
        (_, response) => askV2(response, [offerV2({ networkId: 'eip155:1' })]),
        { kind: 'offer_not_acceptable', reason: 'unknown_network' },
      ],
      [
        (_, response) => askV2(response, [offerV2({ asset: OTHER_SELLER })]),
        { kind: 'offer_not_acceptable', reason: 'unknown_asset' },
      ],
    ];
    for (const [handle, refusal] of kinds)
      await expect(
        purchases.buy(bed.core, { principal, url: await bed.serve(handle) }),
      ).rejects.toMatchObject(refusal);
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://user:pass@127.0.0.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://10.0.0.1/',
  ])('%s is not called', async (url) => {
    const { principal } = await bed.buyer();
    await expect(purchases.buy(bed.core, { principal, url })).rejects.toMatchObject({
      kind: 'invalid_request',
      reason: expect.stringMatching(/^(address|url)_refused$/),
    });
  });

  it.each([
    [{ method: 'TRACE' }, 'method'],
    [{ url: 'ftp://seller/' }, 'url'],
    [{ body: 'x' }, 'body'],
    [{ headers: { 'X-Payment': 'own' } }, 'headers'],
    [{ headers: { Authorization: 'Payment abc' } }, 'headers'],
    [{ headers: { 'bad name': 'x' } }, 'headers'],
    [{ headers: { name: 'a\r\nb: c' } }, 'headers'],
    [{ method: 'POST', body: 'x'.repeat(256 * 1024 + 1) }, 'body'],
  ])('%j is refused', async (changed, param) => {
    const { principal } = await bed.buyer();
    await expect(
      purchases.buy(bed.core, { principal, url: 'http://127.0.0.1:1/', ...changed }),
    ).rejects.toMatchObject({ kind: 'invalid_request', param });
  });
});

describe('what waits for approval', () => {
  async function waiting(handle: Parameters<PurchaseBed['serve']>[0]) {
    const buyer = await bed.buyer(1_000_000n, [{ kind: 'approval_over', amount: PRICE - 1n }]);
    const url = await bed.serve(handle);
    const error = await purchases
      .buy(bed.core, { principal: buyer.principal, url, method: 'POST', body: 'asked' })
      .catch((refusal: { reason: string; details: Record<string, string> }) => refusal);
    expect(error).toMatchObject({ reason: 'approval_required' });
    const { purchaseId, approvalId } = (
      error as unknown as { details: Record<'purchaseId' | 'approvalId', string> }
    ).details;
    return { purchaseId, approvalId, buyer, url };
  }
  const approve = ({ approvalId }: { approvalId: string }) =>
    approvals.approve(bed.core, { principal: OPERATOR, approvalId });

  it('goes on with exactly the call that was asked for, once', async () => {
    const seller = honestSeller(bed.facilitator, 'x402v2');
    const asked = await waiting(seller.handle);
    await expect(purchases.proceed(bed.core, asked)).rejects.toMatchObject({ reason: 'approval_required' });
    const approved = await waiting(seller.handle);
    await approve(approved);
    const [first, second] = await Promise.allSettled([
      purchases.proceed(bed.core, approved),
      purchases.proceed(bed.another(), approved),
    ]);
    const done = [first, second].flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(done.map(textOf)).toEqual(['{"weather":"sunny","said":"asked"}']);
    expect(seller.proofs).toHaveLength(1);
  });

  it('does not pay what changed meanwhile', async () => {
    let asked = {};
    const waits = await waiting((_, response) => ask(response, 'x402v2', asked));
    await approve(waits);
    for (asked of [{ amount: PRICE + 1n }, { payTo: OTHER_SELLER }])
      await expect(purchases.proceed(bed.core, waits)).rejects.toMatchObject({
        kind: 'offer_not_acceptable',
        reason: 'terms_changed',
      });
  });

  it('ends when it is refused, and does not go on then', async () => {
    const waits = await waiting((_, response) => ask(response, 'mpp'));
    const { purchaseId } = waits;
    expect(await purchases.refuse(bed.core, { purchaseId, reason: 'approval_rejected' })).toMatchObject({
      state: 'rejected',
      failure: 'approval_rejected',
    });
    await expect(purchases.proceed(bed.core, waits)).rejects.toMatchObject({ kind: 'payment_wrong_state' });
  });
});

describe('what the seller refuses or never answers', () => {
  const unpaid = async (buyer: Buyer) => (await policiesSpent(buyer)) satisfies bigint;
  const policiesSpent = async ({ id }: Buyer) => {
    const [row] = await bed.core.db.query<{ day_spent: bigint }>(
      `select day_spent from spend_windows where party_id = $1 and scope = 'all'`,
      [id],
    );
    return row?.day_spent ?? 0n;
  };

  it('stays reserved until the chain proves that it cannot be paid any more, and is free then', async () => {
    const buyer = await bed.buyer(PRICE);
    const url = await bed.serve((_, response) => ask(response, 'x402v2'));
    const request = { principal: buyer.principal, url };
    await expect(purchases.buy(bed.core, request)).rejects.toMatchObject({ kind: 'payment_refused' });
    await purchases.work(bed.core, { limit: 10 });
    await expect(purchases.buy(bed.core, request)).rejects.toMatchObject({ kind: 'insufficient_funds' });
    expect(await unpaid(buyer)).toBe(PRICE);
    bed.clock.shift(120_000);
    await bed.settleAll();
    expect(await unpaid(buyer)).toBe(0n);
    const seller = honestSeller(bed.facilitator, 'x402v2');
    const again = { principal: buyer.principal, url: await bed.serve(seller.handle) };
    expect((await purchases.buy(bed.core, again)).purchase.state).toBe('confirmed');
  });

  it('is paid all the same when the seller settles after it has refused: the books follow the chain', async () => {
    const buyer = await bed.buyer();
    const proofs: ReturnType<typeof proofIn>[] = [];
    const url = await bed.serve((request, response) => {
      if (proofIn(request)) proofs.push(proofIn(request));
      ask(response, 'x402v2');
    });
    const request = { principal: buyer.principal, url };
    await expect(purchases.buy(bed.core, request)).rejects.toMatchObject({ kind: 'payment_refused' });
    await bed.facilitator.settle(settlementOf(proofs[0] as NonNullable<ReturnType<typeof proofIn>>));
    await bed.settleAll();
    expect(await purchases.spent(bed.core, { principal: buyer.principal })).toMatchObject({
      purchases: [{ state: 'confirmed', failure: 'pay' }],
      total: 1,
    });
  });

  it('is sent again by whoever works on, in another process, with the same proof', async () => {
    const [buyer, before] = [await bed.buyer(), bed.paid()];
    const seller = honestSeller(bed.facilitator, 'mpp');
    const url = await bed.serve(seller.handle);
    const calls: string[] = [];
    const deaf = bed.another({
      sellers: {
        async fetchOut(at, request) {
          if (!request?.headers?.['authorization']) return bed.core.ports.sellers.fetchOut(at, request);
          calls.push(request.headers['authorization']);
          throw new OutboundError('timeout', 'no response', true);
        },
      },
    });
    await expect(
      purchases.buy(deaf, { principal: buyer.principal, url, idempotencyKey: 'k' }),
    ).rejects.toMatchObject({ kind: 'payment_unresolved' });
    await bed.settleAll();
    expect(seller.proofs.map(({ value }) => value)).toEqual([calls[0]]);
    expect(new Set(calls).size).toBe(1);
    expect(bed.paid() - before).toBe(PRICE);
    const bought = await purchases.buy(bed.core, { principal: buyer.principal, url, idempotencyKey: 'k' });
    expect(textOf(bought)).toBe('{"weather":"sunny","said":""}');
    expect(seller.proofs).toHaveLength(1);
  });
});

it('those made at once keep the bytes that each was answered with', async () => {
  const { principal } = await bed.buyer(100n * PRICE);
  const seller = honestSeller(bed.facilitator, 'x402v2');
  const url = await bed.serve((request, response) => {
    const end = response.end.bind(response);
    // What is paid for is answered with what was asked.
    if (proofIn(request)) Object.assign(response, { end: () => end(request.body) });
    return seller.handle(request, response);
  });
  const { db } = bed.core;
  // What waits for a slow database shares a batch.
  const query: Db['query'] = (sql, params, options) =>
    sleep(systemClock, 20).then(() => db.query(sql, params, options));
  const slow = bed.another({}, { ...db, query });
  const said = Array.from({ length: 24 }, (_, n) => `a,${n}`);
  const buyAll = (core: PurchaseBed['core']) =>
    Promise.all(
      said.map(async (body, n) => {
        const idempotencyKey = `k${n}`;
        return textOf(await purchases.buy(core, { principal, url, method: 'POST', body, idempotencyKey }));
      }),
    );
  const heard = await buyAll(slow);
  expect(heard).toEqual(said);
  expect(await buyAll(bed.another())).toEqual(heard);
});

describe('limits', () => {
  it('hold to the last micro-unit: 100 purchases at once from four processes', async () => {
    const limit = 7n * PRICE;
    const buyer = await bed.buyer(100n * PRICE, [{ kind: 'daily', amount: limit + PRICE - 1n }]);
    const before = bed.paid();
    const seller = honestSeller(bed.facilitator, 'x402v2');
    const url = await bed.serve(seller.handle);
    const cores = [bed.core, bed.another(), bed.another(), bed.another()];
    const all = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) =>
        purchases.buy(cores[n % 4] as typeof bed.core, { principal: buyer.principal, url }),
      ),
    );
    const refused = all.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect([all.length - refused.length, bed.paid() - before]).toEqual([7, limit]);
    for (const reason of refused) expect(reason).toMatchObject({ reason: 'daily_limit' });
  });

  it('an authorization lasts as long as the settings say at most, whatever the seller wants', async () => {
    const { principal } = await bed.buyer();
    const seller = honestSeller(bed.facilitator, 'x402v2', { seconds: 30_000_000 });
    await purchases.buy(bed.core, { principal, url: await bed.serve(seller.handle) });
    const { validBefore } = authorizationIn(seller.proofs[0] as (typeof seller.proofs)[0]);
    expect(Number(validBefore)).toBeLessThanOrEqual(bed.clock.now() / 1000 + 60);
  });
});

it('books name the network and its asset', async () => {
  const rows = await bed.core.db.query<{ named: string }>(
    `select distinct account || ' ' || asset as named from ledger_totals where account like 'custody:%'`,
  );
  const named = [`custody:${network.name}:usdc ${ASSET}`, 'custody:radius-testnet:sbc SBC@radius-testnet'];
  expect(rows.map((row) => row.named).toSorted()).toEqual(named);
});
