import { viemChain } from '@agentpay/evm';
import {
  AGREEMENT_OPERATOR,
  authCaptureExtraSchema,
  authCapturePayloadSchema,
  authCapturePaymentInfo,
  paymentInfoHash,
  x402v2,
} from '@agentpay/protocol';
import { holdStateCall, readHoldState, reclaimCall, type CallResult } from '@agentpay/evm';
import { paywall } from '@agentpay/paywall';
import { baseSepolia } from '@agentpay/primitives';
import { createClient, localAccount, paymentOf } from '@agentpay/sdk';
import { eventually } from '@agentpay/testing';
import { AuthCaptureEvmScheme } from '@x402/evm/auth-capture/client';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import express from 'express';
import { createTestClient, createWalletClient, http } from 'viem';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { PRICE, randomKey, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
let facilitator: string;
beforeAll(async () => {
  stack = await startInteropStack();
  facilitator = await agentpayFacilitator(stack, { OPERATOR_ADDRESS: AGREEMENT_OPERATOR });
});
afterAll(() => stack?.close());

/** A seller that holds the price first; what a request uses is in its query. */
async function holdingSeller() {
  const app = express();
  const pay = paywall({ logger: false, payTo: stack.payTo, facilitator, holdKey: randomKey() });
  app.get('/weather', pay.charge('$0.01', { hold: true }), (req, res) => {
    const { used, fails } = req.query as Record<string, string>;
    if (fails !== undefined) return void res.status(500).json({ error: 'out of order' });
    if (used !== undefined) pay.used(req, used);
    res.json({ weather: 'sunny' });
  });
  return { url: `${await stack.serve(app)}/weather`, pay };
}

const official = () =>
  wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: 'eip155:*', client: new AuthCaptureEvmScheme(stack.buyer) }],
  });

async function balances() {
  const [seller, buyer] = await Promise.all([stack.usdc(stack.payTo), stack.usdc(stack.buyer.address)]);
  return { seller: seller as bigint, buyer: buyer as bigint };
}

async function moved(before: { seller: bigint; buyer: bigint }) {
  const now = await balances();
  return { earned: now.seller - before.seller, paid: before.buyer - now.buyer };
}

test.each([
  ['all of a hold', '', PRICE],
  ['what a request used, and has the rest given back', '?used=$0.004', 4_000n],
])('the unmodified official client pays %s', async (_, query, due) => {
  const { url } = await holdingSeller();
  const before = await balances();
  const response = await official()(`${url}${query}`);
  expect([response.status, await response.json()]).toEqual([200, { weather: 'sunny' }]);
  const receipt = x402v2.decodeSettleResponse(response.headers.get('payment-response') as string);
  expect(receipt).toMatchObject({ success: true, amount: due.toString() });
  expect(await moved(before)).toEqual({ earned: due, paid: due });
});

test('a handler that fails costs nothing: the hold is given back', async () => {
  const { url, pay } = await holdingSeller();
  const before = await balances();
  expect((await official()(`${url}?fails`)).status).toBe(500);
  await pay.idle();
  await eventually(async () => expect(await moved(before)).toEqual({ earned: 0n, paid: 0n }));
});

test("AgentPay's own client pays the same offer, and counts the whole hold", async () => {
  const { url } = await holdingSeller();
  const before = await balances();
  const client = createClient({ account: localAccount(stack.buyerKey) });
  const response = await client.fetch(`${url}?used=$0.003`);
  expect(response.status).toBe(200);
  expect(paymentOf(response)).toMatchObject({ dialect: 'x402v2', amount: PRICE });
  expect(client.spent()).toMatchObject([{ signed: PRICE }]);
  expect(await moved(before)).toEqual({ earned: 3_000n, paid: 3_000n });
});

/** What the official client signs for an offer of our seller, changed before or after it was signed. */
async function signedBy(
  change: (accepted: x402v2.PaymentRequirements) => x402v2.PaymentRequirements = (same) => same,
) {
  const { url } = await holdingSeller();
  const required = x402v2.decodePaymentRequired((await fetch(url)).headers.get('payment-required') as string);
  const accepted = change(required.accepts[0] as x402v2.PaymentRequirements);
  const scheme = new AuthCaptureEvmScheme(stack.buyer);
  const { payload } = await scheme.createPaymentPayload(
    2,
    accepted as Parameters<typeof scheme.createPaymentPayload>[1],
  );
  return { accepted, payload: payload as Record<string, unknown> };
}

async function ask(path: 'verify' | 'settle', { accepted, payload }: Awaited<ReturnType<typeof signedBy>>) {
  const paymentPayload = { x402Version: 2, accepted, payload };
  const response = await fetch(`${facilitator}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ x402Version: 2, paymentPayload, paymentRequirements: accepted }),
  });
  return (await response.json()) as Record<string, unknown>;
}

const withExtra = (extra: object) => (accepted: x402v2.PaymentRequirements) => ({
  ...accepted,
  extra: { ...accepted.extra, ...extra },
});

test('what the official client signed is verified, held once, and refused as a replay', async () => {
  const signed = await signedBy();
  expect(await ask('verify', signed)).toMatchObject({ isValid: true, payer: stack.buyer.address });
  expect(await ask('settle', signed)).toMatchObject({ success: true });
  const elsewhere = { ...signed, accepted: withExtra({ refundDeadline: 4_000_000_000 })(signed.accepted) };
  expect(await ask('settle', elsewhere)).toMatchObject({ errorReason: `${CODE}nonce_mismatch` });
  expect(await ask('verify', signed)).toMatchObject({ invalidReason: `${CODE}payment_already_collected` });
});

const CODE = 'invalid_auth_capture_evm_';
test.each([
  ['a wrong signature', undefined, { signature: `0x${'11'.repeat(64)}1b` }, 'signature'],
  [
    'a signature that expires',
    (offer: x402v2.PaymentRequirements) => ({ ...offer, maxTimeoutSeconds: 2 }),
    {},
    'authorization_expired',
  ],
  ['another operator', withExtra({ captureAuthorizer: `0x${'12'.repeat(20)}` }), {}, 'operator_not_admitted'],
  ['fee bounds beyond the whole', withExtra({ maxFeeBps: 10_001 }), {}, 'extra'],
])('the facilitator refuses %s of the official client, over HTTP', async (_, change, changed, code) => {
  const signed = await signedBy(change);
  const sent = { ...signed, payload: { ...signed.payload, ...changed } };
  expect(await ask('verify', sent)).toMatchObject({ isValid: false, invalidReason: `${CODE}${code}` });
  expect(await ask('settle', sent)).toMatchObject({ success: false, errorReason: `${CODE}${code}` });
});

test('after seller and facilitator are gone the buyer takes the money back from the contract alone', async () => {
  const own = await startInteropStack();
  try {
    const url = await agentpayFacilitator(own, { OPERATOR_ADDRESS: AGREEMENT_OPERATOR });
    const app = express();
    const pay = paywall({ logger: false, payTo: own.payTo, facilitator: url, holdKey: randomKey() });
    app.get('/weather', pay.charge('$0.01', { hold: true }), (_req, res) => void res.json({}));
    const shop = `${await own.serve(app)}/weather`;
    const required = x402v2.decodePaymentRequired(
      (await fetch(shop)).headers.get('payment-required') as string,
    );
    const accepted = required.accepts[0] as x402v2.PaymentRequirements;
    const scheme = new AuthCaptureEvmScheme(own.buyer);
    const { payload } = await scheme.createPaymentPayload(
      2,
      accepted as Parameters<typeof scheme.createPaymentPayload>[1],
    );
    const request = {
      x402Version: 2,
      paymentPayload: { x402Version: 2, accepted, payload },
      paymentRequirements: accepted,
    };
    const held = await fetch(`${url}/settle`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    expect(await held.json()).toMatchObject({ success: true });
    const extra = authCaptureExtraSchema.parse(accepted.extra);
    const info = authCapturePaymentInfo(accepted, extra, authCapturePayloadSchema.parse(payload));
    const chain = viemChain({ rpcUrl: own.rpcUrl });
    const id = paymentInfoHash(baseSepolia.chainId, info);
    const state = async () => readHoldState((await chain.read([holdStateCall(id)]))[0] as CallResult);
    expect(await state()).toMatchObject({ capturable: PRICE });

    const transport = http(own.rpcUrl);
    await createTestClient({ mode: 'anvil', transport }).setNextBlockTimestamp({
      timestamp: BigInt(extra.captureDeadline + 1),
    });
    const before = await own.usdc(own.buyer.address);
    await own.fund(own.buyer.address, 0n);
    const { to, data } = reclaimCall(info);
    const wallet = createWalletClient({ account: own.buyer, transport });
    await createTestClient({ mode: 'anvil', transport }).setBalance({
      address: own.buyer.address,
      value: 10n ** 18n,
    });
    await wallet.sendTransaction({ to, data, chain: null });
    await eventually(async () => expect((await own.usdc(own.buyer.address)) - before).toBe(PRICE));
  } finally {
    await own.close();
  }
});
