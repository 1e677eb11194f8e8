import { agreements } from '@agentpay/core';
import { baseSepolia } from '@agentpay/primitives';
import { fromBase64, toBase64 } from '@agentpay/protocol';
import type { DirectStablecoinAgreement } from '@agentpay/sdk';
import { encodeFunctionData, parseAbi, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { AMOUNT, FEE, network, startDirectBed, type DirectBed, type DirectBuyer } from './directBed.js';
import { dyingProcess } from './dyingProcess.js';

/** Direct purchases against a real token, facilitator and database, with money counted on the chain. */
let direct: DirectBed;
beforeAll(async () => {
  direct = await startDirectBed();
});
afterAll(() => direct?.close());
afterEach(() => direct.expectBalanced());

const usdc = (address: string) => direct.bed.usdc(address as Hex);
const money = async ({ address }: DirectBuyer) => ({
  buyer: await usdc(address),
  seller: await usdc(direct.payTo),
  gasWallet: await usdc(direct.gasWallet),
});
/** What was moved since then. */
async function moved(buyer: DirectBuyer, before: Awaited<ReturnType<typeof money>>) {
  const now = await money(buyer);
  return {
    buyer: now.buyer - before.buyer,
    seller: now.seller - before.seller,
    gasWallet: now.gasWallet - before.gasWallet,
  };
}
const bought = { buyer: -(AMOUNT + FEE), seller: AMOUNT, gasWallet: FEE };
const nothing = { buyer: 0n, seller: 0n, gasWallet: 0n };
const HASH = expect.stringMatching(/^0x[0-9a-f]{64}$/);

it('nothing moves before the seller accepts; then the fee comes first, and the payment second', async () => {
  const buyer = await direct.buyer();
  const before = await money(buyer);
  const { id, status } = await direct.propose(buyer, await direct.signed(buyer));
  expect(status).toBe('proposed');
  await agreements.workDirect(direct.core, { limit: 20 });
  expect(await moved(buyer, before)).toEqual(nothing);
  const accepted = { principal: direct.seller, agreementId: id };
  expect(await agreements.accept(direct.core, accepted)).toMatchObject({ status: 'collecting_fee' });
  expect(await direct.settle(id)).toMatchObject({ status: 'completed', paid: AMOUNT });
  expect(await moved(buyer, before)).toEqual(bought);
  const { purchase } = await agreements.getDirect(direct.core, accepted);
  expect(purchase).toMatchObject({ feeHash: HASH, paymentHash: HASH, returnHash: null });
  const [fee, payment] = await direct.chain.receipts([purchase.feeHash, purchase.paymentHash] as Hex[]);
  expect(fee?.blockNumber).toBeLessThanOrEqual(payment?.blockNumber ?? 0n);
  expect(await agreements.accept(direct.core, accepted)).toMatchObject({ status: 'completed' });
});

it('a rejected purchase and one that nobody accepts in time move nothing', async () => {
  const buyer = await direct.buyer();
  const before = await money(buyer);
  const rejected = await direct.propose(buyer, await direct.signed(buyer));
  await agreements.reject(direct.core, { principal: direct.seller, agreementId: rejected.id });
  const late = await direct.propose(buyer, await direct.signed(buyer));
  const { clock } = direct.core;
  const now = () => clock.now() + 3_600_000;
  const inAnHour = direct.another({ clock: { ...clock, now } });
  const of = { principal: direct.seller, agreementId: late.id };
  await expect(agreements.accept(inAnHour, of)).rejects.toMatchObject({ reason: 'expired' });
  await agreements.work(inAnHour, { limit: 20 });
  expect(await agreements.get(direct.core, of)).toMatchObject({ status: 'expired' });
  await agreements.workDirect(inAnHour, { limit: 20 });
  expect(await moved(buyer, before)).toEqual(nothing);
});

describe('is refused, and nothing is stored:', () => {
  let buyer: DirectBuyer;
  let good: DirectStablecoinAgreement;
  beforeAll(async () => {
    buyer = await direct.buyer();
    good = await direct.signed(buyer);
  });

  type Payload = { accepted: { amount: string }; payload: { signature: Hex; authorization: object } };
  const payment = (change: (payload: Payload) => void) => {
    const payload = fromBase64(good.payment_header) as Payload;
    change(payload);
    return { ...good, payment_header: toBase64(payload) };
  };
  const refusals: [string, () => Promise<DirectStablecoinAgreement> | DirectStablecoinAgreement, object][] = [
    ['another amount', () => ({ ...good, amount_cents: 501 }), { reason: 'offer_mismatch' }],
    [
      'a payment of another amount',
      () => payment(({ payload }) => Object.assign(payload.authorization, { value: '4999999' })),
      { reason: 'offer_mismatch' },
    ],
    [
      'a payment to somebody else',
      () => payment(({ payload }) => Object.assign(payload.authorization, { to: direct.gasWallet })),
      { reason: 'offer_mismatch' },
    ],
    [
      'a wrong signature of the payment',
      () => payment(({ payload }) => void (payload.signature = good.fee_permit as Hex)),
      { kind: 'payment_refused' },
    ],
    ['a payment that is none', () => ({ ...good, payment_header: 'e30=' }), { kind: 'payment_malformed' }],
    [
      'a wrong signature of the permit',
      () => ({ ...good, fee_permit: `${good.fee_permit.slice(0, -6)}00001b` }),
      { reason: 'fee_permit_mismatch' },
    ],
    [
      'a permit of somebody else',
      async () => ({ ...good, fee_permit: (await direct.signed(await direct.buyer())).fee_permit }),
      { reason: 'fee_permit_mismatch' },
    ],
    [
      'another wallet than the one that pays',
      () => ({ ...good, buyer_wallet_address: direct.payTo }),
      { reason: 'payer_mismatch' },
    ],
    [
      'a wallet without money for amount and fee',
      async () => direct.signed(Object.assign(buyer, await direct.buyer(AMOUNT + FEE - 1n))),
      { kind: 'insufficient_funds' },
    ],
  ];
  it.each(refusals)('%s', async (_, body, refusal) => {
    const made = await body();
    const count = () => direct.db.query('select count(*) from agreements');
    const before = await count();
    await expect(direct.propose(buyer, made)).rejects.toMatchObject(refusal);
    expect(await count()).toEqual(before);
  });
});

it('the same payment buys once, and only seller and buyer have a say', async () => {
  const buyer = await direct.buyer();
  const body = await direct.signed(buyer);
  const { id } = await direct.propose(buyer, body);
  await expect(direct.propose(buyer, body)).rejects.toMatchObject({ kind: 'payment_already_used' });
  const by = ({ principal }: Pick<DirectBuyer, 'principal'>) => ({ principal, agreementId: id });
  await expect(agreements.accept(direct.core, by(buyer))).rejects.toMatchObject({ kind: 'forbidden' });
  const foreign = by(await direct.buyer(0n));
  await expect(agreements.accept(direct.core, foreign)).rejects.toMatchObject({
    kind: 'agreement_not_found',
  });
  await expect(agreements.activate(direct.core, by(buyer))).rejects.toMatchObject({
    kind: 'agreement_wrong_state',
  });
  const before = await money(buyer);
  await agreements.accept(direct.core, by({ principal: direct.seller }));
  await direct.settle(id);
  await expect(direct.propose(buyer, body)).rejects.toMatchObject({ reason: 'fee_permit_mismatch' });
  expect(await moved(buyer, before)).toEqual(bought);
});

const permitAbi = parseAbi([
  'function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)',
  'function transfer(address to, uint256 value) returns (bool)',
]);

it('a permit that somebody else has submitted counts; of two purchases with one permit one is made', async () => {
  const buyer = await direct.buyer(2n * (AMOUNT + FEE));
  const before = await money(buyer);
  const [first, second] = [await direct.accepted(buyer), await direct.accepted(buyer)];
  const of = { principal: direct.seller, agreementId: first };
  const { permit } = (await agreements.getDirect(direct.core, of)).purchase;
  const { signature, spender, deadline } = permit;
  const [r, s] = [signature.slice(0, 66) as Hex, `0x${signature.slice(66, 130)}` as Hex];
  const v = Number.parseInt(signature.slice(130), 16);
  const args = [buyer.address, spender, FEE, BigInt(deadline), v, r, s] as const;
  const data = encodeFunctionData({ abi: permitAbi, functionName: 'permit', args });
  const { status } = await direct.bed.sendData(baseSepolia.usdc.address, data, 200_000n);
  expect(status).toBe('success');
  expect(await direct.settle(first)).toMatchObject({ status: 'completed' });
  expect(await direct.settle(second)).toMatchObject({ status: 'failed', reason: 'fee_permit_used' });
  expect(await moved(buyer, before)).toEqual(bought);
});

/** The buyer has spent elsewhere what they had promised, but for so much. */
async function spendBut(buyer: DirectBuyer, left: bigint): Promise<void> {
  const account = privateKeyToAccount(buyer.key);
  await direct.bed.node.setBalance({ address: account.address, value: 10n ** 18n });
  const value = (await usdc(buyer.address)) - left;
  const args = [privateKeyToAccount(generatePrivateKey()).address, value] as const;
  const call = { abi: permitAbi, functionName: 'transfer', args, account };
  await direct.bed.send({ ...call, address: network.asset.address });
}

it('a fee that cannot be collected ends the purchase, and nothing is executed', async () => {
  const buyer = await direct.buyer();
  const id = await direct.accepted(buyer);
  await spendBut(buyer, FEE - 1n);
  const before = await money(buyer);
  expect(await direct.settle(id)).toMatchObject({ status: 'failed', reason: 'insufficient_funds' });
  expect(await moved(buyer, before)).toEqual(nothing);
});

it('a payment that fails after its fee: the fee is given back', async () => {
  const buyer = await direct.buyer();
  const id = await direct.accepted(buyer);
  await spendBut(buyer, FEE);
  const before = await money(buyer);
  const reason = 'invalid_exact_evm_insufficient_balance';
  expect(await direct.settle(id)).toMatchObject({ status: 'failed', reason });
  expect(await moved(buyer, before)).toEqual(nothing);
  const of = { principal: direct.seller, agreementId: id };
  const { purchase } = await agreements.getDirect(direct.core, of);
  expect(purchase).toMatchObject({ feeHash: HASH, paymentHash: null, returnHash: HASH });
});

describe('a process that dies before or after anything it does leaves the purchase to another:', () => {
  async function played({ fails }: { fails: boolean }, fatal?: Parameters<typeof dyingProcess>[1]) {
    const buyer = await direct.buyer();
    const id = await direct.accepted(buyer);
    if (fails) await spendBut(buyer, FEE);
    const before = await money(buyer);
    const life = dyingProcess(direct, fatal);
    const finished = direct.settle(id, direct.another(life)).then(() => false);
    const dead = await Promise.race([life.died, finished]);
    life.kill();
    const { status } = await direct.settle(id);
    return { dead, deeds: life.deeds, status, moved: await moved(buyer, before) };
  }

  const most = { 'records a transaction': 2, broadcasts: 2, settles: 1 } as Record<string, number>;

  it('the fee is taken once, and the payment made once', async () => {
    const whole = await played({ fails: false });
    expect(whole).toMatchObject({ status: 'completed', moved: bought });
    const deeds = whole.deeds.filter(({ name, nth }) => nth < (most[name] ?? 1));
    expect(deeds.map(({ name }) => name)).toEqual([
      'records a transaction',
      'broadcasts',
      'records a transaction',
      'broadcasts',
      'moves to executing_payment',
      'settles',
      'moves to completed',
    ]);
    for (const deed of deeds)
      for (const moment of ['before', 'after'] as const) {
        const { dead, status, moved } = await played({ fails: false }, { ...deed, moment });
        const end = { status: 'completed', moved: bought };
        const at = `${moment} ${deed.name}, ${deed.nth}`;
        expect({ at, dead, status, moved }).toEqual({ at, dead: true, ...end });
      }
  });

  it('a fee whose payment fails is given back once', async () => {
    const end = { status: 'failed', moved: nothing };
    const deeds = [
      { name: 'settles', nth: 0 },
      { name: 'moves to returning_fee', nth: 0 },
      { name: 'settles', nth: 1 },
      { name: 'moves to failed', nth: 0 },
    ];
    for (const deed of deeds)
      for (const moment of ['before', 'after'] as const) {
        const { dead, status, moved } = await played({ fails: true }, { ...deed, moment });
        const at = `${moment} ${deed.name}, ${deed.nth}`;
        expect({ at, dead, status, moved }).toEqual({ at, dead: true, ...end });
      }
  });
});
