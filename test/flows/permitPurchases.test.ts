import { purchases } from '@agentpay/core';
import { radiusTestnet } from '@agentpay/primitives';
import {
  EIP2612_GAS_SPONSORING,
  toBase64,
  type ExactPermit2Payload,
  type FacilitatorRequest,
} from '@agentpay/protocol';
import { paymentChain } from '@agentpay/server';
import {
  ask,
  authorizationIn,
  honestSeller,
  offerSbc,
  permitIn,
  PRICE,
  proofIn,
  purchaseBed,
  settlementOf,
  sponsoring,
  type Handle,
  type PurchaseBed,
} from './purchaseBed.js';

/** SBC on Radius moves by Permit2 alone; the wallets of agents have no gas. */
let bed: PurchaseBed;
beforeAll(async () => {
  bed = await purchaseBed();
});
afterAll(async () => {
  await bed.settleAll();
  await bed.expectSettled();
  await bed.close();
});

const sbcBuyer = (funds = 1_000_000n) => bed.buyer(funds, [], 'permit2');
/** A seller that asks, and asks again whatever it gets. */
const asking: Handle = (_, response) => ask(response, 'permit2');

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
  const refusing = { principal, url: await bed.serve(asking) };
  await expect(purchases.buy(bed.core, refusing)).rejects.toMatchObject({ kind: 'payment_refused' });
  const seller = honestSeller(bed.facilitator, 'permit2');
  const honest = { principal, url: await bed.serve(seller.handle) };
  expect((await purchases.buy(bed.core, honest)).purchase.state).toBe('confirmed');
  await expect(purchases.buy(bed.core, honest)).rejects.toMatchObject({ kind: 'insufficient_funds' });
  // The last second in which a block may take it is not over before the next one begins.
  const { purchases: spent } = await purchases.spent(bed.core, { principal });
  const ends = spent.map(({ authorized, validBefore }) => [
    Number((authorized as ExactPermit2Payload['permit2Authorization']).deadline),
    Number(validBefore) / 1000,
  ]);
  expect(ends.map(([deadline = 0, end = 0]) => end - deadline)).toEqual([1, 1]);
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

it('is not held for paid before its transaction has the confirmations that are asked for', async () => {
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
