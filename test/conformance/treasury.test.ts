import { baseSepolia, manualClock, systemClock } from '@agentpay/primitives';
import type { Facilitator, x402v2 } from '@agentpay/protocol';
import { createTreasury, reconcileBooks, usdcPayouts, usdcRail } from '@agentpay/server';
import { viemChain } from '@agentpay/evm';
import { pgliteDb } from '@agentpay/storage';
import { payments } from '@agentpay/core';
import type { payouts } from '@agentpay/core';
import { toHex } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { fund, signedIn, testCore } from '../flows/market.js';
import { startFacilitatorBed, type FacilitatorBed } from './facilitatorBed.js';

const privateKey = generatePrivateKey();
const payee = () => privateKeyToAddress(generatePrivateKey());
const network = baseSepolia;

describe('on the chain', () => {
  let bed: FacilitatorBed;
  let facilitator: Facilitator;
  beforeAll(async () => {
    bed = await startFacilitatorBed();
    facilitator = await bed.start();
    await bed.fund(privateKeyToAddress(privateKey), 1_000_000_000n);
  });
  afterAll(() => bed.close());

  const treasury = () => createTreasury({ privateKey, network, facilitator, clock: systemClock });

  it('a transfer moves the money once, however often it is signed and sent', async () => {
    const to = payee();
    const since = Date.now();
    const send = async () => {
      const own = treasury();
      return own.send(await own.sign({ key: 'payout_1', to, amount: 250_000n, since }));
    };
    const [first, ...others] = await Promise.all([send(), send(), send()]);
    expect(first).toEqual({ status: 'completed', reference: expect.stringMatching(/^0x[0-9a-f]{64}$/) });
    expect([...others, await send()]).toEqual([first, first, first]);
    expect(await bed.usdc(to)).toBe(250_000n);
  });

  it('the rail base-usdc pays an address, and a payout to an address arrives', async () => {
    const [a, b] = [payee(), payee()];
    const rail = usdcRail(treasury());
    const payment = {
      id: 'tx_1',
      payeeExternal: a,
      amount: 40_000n,
      createdAt: new Date(),
    } as payments.Payment;
    const proof = await rail.authorize(payment);
    expect(await rail.submit({ ...payment, proof })).toMatchObject({ status: 'completed' });
    expect(await rail.settle({ ...payment, proof })).toMatchObject({ status: 'completed' });
    const payout = { id: 'payout_2', amount: 60_000n, createdAt: new Date() } as payouts.Payout;
    const connector = usdcPayouts(treasury());
    const destination = { type: 'crypto', address: b, network: 'base' } as const;
    expect(await connector.submit(payout, destination)).toMatchObject({ status: 'completed' });
    expect([await bed.usdc(a), await bed.usdc(b)]).toEqual([40_000n, 60_000n]);
    const c = payee();
    const refund = { id: 'rfd_1', amount: 15_000n, toExternal: c, createdAt: new Date() } as payments.Refund;
    const kept = { ...refund, proof: await rail.authorizeRefund(payment, refund) };
    const [first, second] = await Promise.all([rail.refund(payment, kept), rail.refund(payment, kept)]);
    expect(first).toMatchObject({ status: 'completed' });
    expect(second).toEqual(first);
    expect(await bed.usdc(c)).toBe(15_000n);
  });

  it('agentpay ledger reconcile names a transfer that the books do not know, and one that the chain does not', async () => {
    const db = await pgliteDb();
    const rail = usdcRail(treasury(), viemChain({ rpcUrl: bed.rpcUrl }));
    const made = await testCore(db, { rails: { 'base-usdc': rail } });
    // The time of the chain.
    const core = { ...made.core, clock: systemClock };
    // What the treasury sent before, for other tests, is known here.
    const movements = async () => (await reconcileBooks(core)).filter((line) => line.startsWith('base-usdc'));
    const before = (await movements()).length;
    const payer = await signedIn(core, 'Payer');
    await fund(core, payer, 1_000_000n);
    const from = { principal: payer.principal, fromWalletId: payer.walletId };
    const { id } = await payments.create(core, {
      ...from,
      toExternal: payee(),
      amount: 30_000n,
      rail: 'base-usdc',
    });
    await payments.progress(core, { limit: 10 });
    const { reference, holdId } = await payments.get(core, { principal: payer.principal, paymentId: id });
    expect((await movements()).length).toBe(before);

    const own = treasury();
    const sent = await own.send(
      await own.sign({ key: 'by hand', to: payee(), amount: 77_000n, since: Date.now() }),
    );
    const hash = (sent as { reference: string }).reference;
    expect(await reconcileBooks(core)).toContain(
      `base-usdc: under ${hash} the books have nothing, the rail has 0.077.`,
    );
    const none = toHex(9, { size: 32 });
    await db.query('update payments set reference = $2 where id = $1', [id, none]);
    const [journal] = await db.query<{ id: string }>('select id from ledger_journals where key = $1', [
      `${holdId}:close`,
    ]);
    const found = await reconcileBooks(core);
    expect(found).toContain(
      `base-usdc: under ${none} the books have 0.03 (${id}; ${journal?.id}), the rail has 0.`,
    );
    expect(found).toContain(`base-usdc: under ${reference} the books have nothing, the rail has 0.03.`);
    await db.close();
  });
});

describe('a refund by base-usdc', () => {
  const clock = manualClock(1_800_000_000_000);
  const at = privateKeyToAddress(generatePrivateKey());
  const payment = {} as payments.Payment;

  it('is one transfer by the proof that is kept, whoever sends it and however often', async () => {
    const sent: unknown[] = [];
    const facilitator = {
      settle: async ({ paymentPayload }: { paymentPayload: { payload: { authorization: object } } }) => {
        sent.push(paymentPayload.payload);
        if (sent.length === 1) throw new Error('away');
        return { success: true, transaction: toHex(2, { size: 32 }), network: network.id };
      },
    } as unknown as Facilitator;
    const rail = () => usdcRail(createTreasury({ privateKey, network, facilitator, clock }));
    const refund = {
      id: 'rfd_1',
      amount: 40_000n,
      toExternal: at,
      createdAt: new Date(clock.now()),
    } as payments.Refund;
    const proof = await rail().authorizeRefund(payment, refund);
    expect(proof).toMatchObject({ authorization: { to: at, value: '40000' } });
    expect(await rail().authorizeRefund(payment, refund)).toEqual(proof);
    expect(await rail().refund(payment, { ...refund, proof })).toEqual({ status: 'unknown' });
    expect(await rail().refund(payment, { ...refund, proof })).toMatchObject({ status: 'completed' });
    expect(sent[1]).toEqual(sent[0]);
    expect(() => rail().acceptsRefund({ amount: 1n, toExternal: 'not an address' })).toThrow();
  });
});

describe('unknown is never failure', () => {
  const clock = manualClock(1_800_000_000_000);
  let settle: () => Promise<x402v2.SettleResponse>;
  const facilitator = { settle: () => settle() } as unknown as Facilitator;
  const treasury = createTreasury({ privateKey, network, facilitator, clock });
  const refused = { success: false, transaction: '', network: network.id } as const;

  it('a facilitator that refuses or is away is asked again until the transfer has run out', async () => {
    const transfer = await treasury.sign({ key: 'k', to: payee(), amount: 1n, since: clock.now() });
    settle = () => Promise.reject(new Error('away'));
    expect(await treasury.send(transfer)).toEqual({ status: 'unknown' });
    settle = async () => ({ ...refused, errorReason: 'invalid_exact_evm_insufficient_balance' });
    expect(await treasury.send(transfer)).toEqual({ status: 'unknown' });
    const hash = toHex(1, { size: 32 });
    settle = async () => ({ ...refused, transaction: hash, errorReason: 'settlement_pending' });
    expect(await treasury.send(transfer)).toEqual({ status: 'pending', reference: hash });
    clock.advance(3_721_000);
    settle = () => Promise.reject(new Error('away'));
    expect(await treasury.send(transfer)).toEqual({ status: 'unknown' });
    settle = async () => ({
      ...refused,
      errorReason: 'invalid_exact_evm_payload_authorization_valid_before',
    });
    expect(await treasury.send(transfer)).toEqual({ status: 'failed', reason: 'not_sent_in_time' });
  });
});
