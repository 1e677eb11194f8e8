import { approvals, events, policies, purchases } from '@agentpay/core';
import { OutboundError, radiusTestnet, sleep, systemClock, type Db } from '@agentpay/primitives';
import {
  EIP2612_GAS_SPONSORING,
  toBase64,
  type ExactPermit2Payload,
  type FacilitatorRequest,
} from '@agentpay/protocol';
import { paymentChain } from '@agentpay/server';
import {
  ASSET,
  ask,
  askV2,
  authorizationIn,
  dialects,
  honestSeller,
  network,
  offerSbc,
  offerV2,
  OPERATOR,
  OTHER_SELLER,
  permitIn,
  PRICE,
  proofIn,
  purchaseBed,
  SELLER,
  settlementOf,
  sponsoring,
  textOf,
  type Buyer,
  type Dialect,
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

const FUNDS = 1_000_000n;
/** In which language of 402s a purchase is made. */
const spoken = (dialect: Dialect) => (dialect === 'permit2' ? 'x402v2' : dialect);

describe.each(dialects)('a purchase in %s', (dialect) => {
  it('calls, pays once, and gives what the seller answers, with the transaction that the chain proves', async () => {
    const [buyer, before] = [await bed.buyer(FUNDS, [], dialect), bed.paid()];
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
        dialect: spoken(dialect),
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
    const [buyer, before] = [await bed.buyer(FUNDS, [], dialect), bed.paid()];
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
    const [buyer, before] = [await bed.buyer(FUNDS, [], dialect), bed.paid()];
    const seller = honestSeller(bed.facilitator, dialect);
    let lost = 0;
    const url = await bed.serve(async (request, response) => {
      if (!proofIn(request) || lost++ > 1) return seller.handle(request, response);
      // Settled, and the answer never arrives.
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
          throw new OutboundError('timeout', 'no answer', true);
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

describe('SBC on Radius, by Permit2 and without gas', () => {
  const sbcBuyer = (funds = FUNDS) => bed.buyer(funds, [], 'permit2');
  const asking =
    (
      answer = (response: Parameters<typeof ask>[0]) => ask(response, 'permit2'),
    ): Parameters<PurchaseBed['serve']>[0] =>
    (_, response) =>
      answer(response);

  it('purchases made at once take turns: each is paid by a permit of its own', async () => {
    const [buyer, before] = [await sbcBuyer(), bed.paid()];
    const seller = honestSeller(bed.facilitator, 'permit2');
    const url = await bed.serve(seller.handle);
    const cores = [bed.core, bed.another(), bed.another()];
    const all = await Promise.all(
      cores.map((core) => purchases.buy(core, { principal: buyer.principal, url })),
    );
    expect(all.map(({ purchase }) => purchase.state)).toEqual(all.map(() => 'confirmed'));
    const nonces = seller.proofs.map(
      (proof) => permitIn(proof)?.extensions[EIP2612_GAS_SPONSORING]?.info['nonce'],
    );
    expect([new Set(nonces), bed.paid() - before]).toEqual([new Set(['0', '1', '2']), 3n * PRICE]);
  });

  it('a seller that refuses holds up no other, and its money is free once the chain proves that it cannot be paid', async () => {
    const buyer = await sbcBuyer(2n * PRICE);
    const { principal } = buyer;
    const refusing = { principal, url: await bed.serve(asking()) };
    await expect(purchases.buy(bed.core, refusing)).rejects.toMatchObject({ kind: 'payment_refused' });
    const seller = honestSeller(bed.facilitator, 'permit2');
    const honest = { principal, url: await bed.serve(seller.handle) };
    expect((await purchases.buy(bed.core, honest)).purchase.state).toBe('confirmed');
    await expect(purchases.buy(bed.core, honest)).rejects.toMatchObject({ kind: 'insufficient_funds' });
    // The last second in which a block may take it is not over before the next one begins.
    const [open] = (await purchases.spent(bed.core, { principal })).purchases.filter(
      ({ state }) => state === 'refused',
    );
    const { deadline } = open?.authorized as ExactPermit2Payload['permit2Authorization'];
    expect((open?.validBefore as Date).getTime()).toBe((Number(deadline) + 1) * 1000);
    bed.clock.shift(120_000);
    await bed.settleAll();
    expect((await purchases.buy(bed.core, honest)).purchase.state).toBe('confirmed');
    expect(bed.radius.balanceOf(buyer.wallet.address)).toBe(0n);
  });

  it('a seller that delivers and never settles holds up the next purchase no longer than a turn', async () => {
    const buyer = await sbcBuyer(2n * PRICE);
    const { principal } = buyer;
    const { settings } = bed.core;
    const impatient = {
      ...bed.core,
      settings: { ...settings, purchases: { ...settings.purchases, turnMs: 100 } },
    };
    const proofs: NonNullable<ReturnType<typeof proofIn>>[] = [];
    const giving = await bed.serve((request, response) => {
      const proof = proofIn(request);
      if (!proof) return ask(response, 'permit2');
      proofs.push(proof);
      return response.writeHead(200).end('{}');
    });
    const free = await purchases.buy(impatient, { principal, url: giving });
    expect(free.purchase.state).toBe('delivered');
    const honest = await bed.serve(honestSeller(bed.facilitator, 'permit2').handle);
    expect((await purchases.buy(impatient, { principal, url: honest })).purchase.state).toBe('confirmed');
    // Its permit of the token is used up: nobody can bring it any more.
    const late = settlementOf(proofs[0] as (typeof proofs)[0]);
    expect(await bed.facilitator.settle(late)).toMatchObject({ success: false });
    bed.clock.shift(120_000);
    await bed.settleAll();
    expect(bed.radius.balanceOf(buyer.wallet.address)).toBe(PRICE);
  });

  it('is paid all the same when the seller settles after it has refused: found by its nonce among equal payments', async () => {
    const { principal } = await sbcBuyer();
    const proofs: NonNullable<ReturnType<typeof proofIn>>[] = [];
    const url = await bed.serve((request, response) => {
      const proof = proofIn(request);
      if (proof) proofs.push(proof);
      ask(response, 'permit2');
    });
    for (const _ of [1, 2])
      await expect(purchases.buy(bed.core, { principal, url })).rejects.toMatchObject({
        kind: 'payment_refused',
      });
    // Both are signed with the same permit of the token: the chain takes one of them.
    const [first, second] = proofs.map(settlementOf) as [FacilitatorRequest, FacilitatorRequest];
    expect(await bed.facilitator.settle(second)).toMatchObject({ success: true });
    expect(await bed.facilitator.verify(first)).toMatchObject({
      isValid: false,
      invalidReason: 'permit2_allowance_required',
    });
    bed.clock.shift(120_000);
    await bed.settleAll();
    const { nonce } = authorizationIn(proofs[1] as (typeof proofs)[0]);
    const { purchases: spent } = await purchases.spent(bed.core, { principal });
    expect(spent.map(({ state, authorized }) => [state, authorized?.nonce])).toEqual([['confirmed', nonce]]);
  });

  it('that a reorganisation takes back before it has enough confirmations is not held for paid', async () => {
    const { principal } = await sbcBuyer();
    const chains = new Map(bed.core.ports.chains);
    const { id } = radiusTestnet;
    chains.set(id, paymentChain({ network: radiusTestnet, chain: bed.radius, confirmations: 1_000_000 }));
    const careful = { ...bed.core, ports: { ...bed.core.ports, chains } };
    const seller = honestSeller(bed.facilitator, 'permit2');
    const bought = await purchases.buy(careful, { principal, url: await bed.serve(seller.handle) });
    expect([bought.purchase.state, seller.delivered()]).toEqual(['delivered', 1]);
    await bed.settleAll();
  });

  it('is paid through the API for a caller that meets the 402, whose seller then delivers once', async () => {
    const { principal, id: holder } = await sbcBuyer();
    const url = 'http://seller/paid';
    const demand = { x402Version: 2, resource: { url }, accepts: [offerSbc()], ...sponsoring };
    const before = bed.paid();
    const pay = () =>
      purchases.pay(bed.core, {
        principal,
        holder,
        url,
        paymentRequired: toBase64(demand),
        idempotencyKey: 'k',
      });
    const { purchase, paymentSignature } = await pay();
    expect([purchase.state, bed.paid() - before]).toEqual(['confirmed', PRICE]);
    expect((await pay()).paymentSignature).toBe(paymentSignature);
    const asked = settlementOf({ dialect: 'x402v2', value: paymentSignature });
    expect(await bed.facilitator.verify(asked)).toMatchObject({ isValid: true });
    const [first, again] = [await bed.facilitator.settle(asked), await bed.facilitator.settle(asked)];
    expect([first, again]).toMatchObject([
      { success: true, transaction: purchase.reference },
      { success: false },
    ]);
    expect(bed.paid() - before).toBe(PRICE);
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
  const query: Db['query'] = (sql, params) => sleep(systemClock, 20).then(() => db.query(sql, params));
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
  const rows = await bed.core.db.query<{ account: string; asset: string }>(
    `select distinct account, asset from ledger_totals where account like 'custody:%'`,
  );
  expect(rows).toHaveLength(2);
  expect(rows).toEqual(
    expect.arrayContaining([
      { account: `custody:${network.name}:usdc`, asset: ASSET },
      { account: 'custody:radius-testnet:sbc', asset: 'SBC@radius-testnet' },
    ]),
  );
});
