import { readFileSync } from 'node:fs';
import { baseSepolia, manualClock, MULTICALL3 } from '@agentpay/primitives';
import { hexToBytes, x402v2 } from '@agentpay/protocol';
import { verifyTypedData } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { buildDirectStablecoinAgreement, signActivation } from './agreements.js';
import { localAccount } from './localAccount.js';

/** What servers send and what is signed of it: the tests of the Python package read the same. */
const file = new URL('../../sdk-python/tests/vectors/agreements.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly key: `0x${string}`;
  readonly now: number;
  readonly nonce: `0x${string}`;
  readonly requirements: Requirements;
  readonly activationPackage: Package;
  readonly agreement: Record<string, string>;
  readonly activation: Record<string, string>;
};
type Requirements = {
  gas_wallet_address: string;
  fee: { permit: { domain: Record<string, unknown>; message: Record<string, string> } };
  payment: x402v2.PaymentRequirements;
};
type Package = {
  activation_intent: { domain: Record<string, unknown>; message: Record<string, string> };
  infra_fee: {
    pending: boolean;
    amount: string;
    permit: { message: Record<string, string> };
  };
};

const account = localAccount(vectors.key);
const clock = manualClock(vectors.now * 1000);
const random = { bytes: () => hexToBytes(vectors.nonce) };
const serviceId = vectors.agreement['service_id'] as string;
const build = (requirements: unknown = vectors.requirements, by = account) =>
  buildDirectStablecoinAgreement({
    account: by,
    requirements,
    serviceId,
    amountCents: 500,
    clock,
    random,
  });
it('a fee above the usual one is signed where the buyer says up to which, and no further', async () => {
  const dear = structuredClone(vectors.requirements);
  dear.fee.permit.message['value'] = '150000';
  const signed = (maxFee: string) =>
    buildDirectStablecoinAgreement({
      account,
      requirements: dear,
      serviceId,
      amountCents: 500,
      clock,
      random,
      maxFee,
    });
  expect((await signed('$0.15')).fee_permit).toMatch(/^0x[0-9a-f]{130}$/);
  await expect(signed('$0.149999')).rejects.toMatchObject({ kind: 'offer_not_acceptable', reason: 'amount' });
});

const activate = (activationPackage: unknown = vectors.activationPackage) =>
  signActivation({ account, activationPackage, clock });
const big = (message: Record<string, string>, ...names: string[]) => ({
  ...message,
  ...Object.fromEntries(names.map((name) => [name, BigInt(message[name] as string)])),
});

it('a direct purchase is signed in one call, by any account, and the signatures are good', async () => {
  const made = await build();
  const { payment_header, ...body } = made;
  const { payment_header: known, ...rest } = vectors.agreement;
  expect(body).toEqual({ ...rest, amount_cents: 500 });
  const payload = x402v2.decodePaymentPayload(payment_header);
  expect(payload).toEqual(x402v2.decodePaymentPayload(known as string));
  expect(x402v2.isAcceptanceOf(payload.accepted, vectors.requirements.payment)).toBe(true);
  const { permit } = vectors.requirements.fee;
  const signed = { ...permit, message: big(permit.message, 'value', 'nonce', 'deadline') };
  const by = { address: account.address, signature: made.fee_permit as `0x${string}` };
  expect(await verifyTypedData({ ...signed, ...by } as never)).toBe(true);
  expect(await build(vectors.requirements, privateKeyToAccount(vectors.key))).toEqual(made);
});

it('an activation is signed in one call, and its fee only where it is due', async () => {
  expect(await activate()).toEqual(vectors.activation);
  const { activation_intent: intent, infra_fee: fee } = vectors.activationPackage;
  const message = big(intent.message, 'value', 'validAfter', 'validBefore');
  const signature = vectors.activation['activation_signature'] as `0x${string}`;
  const by = { address: account.address, signature };
  expect(await verifyTypedData({ ...intent, message, ...by } as never)).toBe(true);
  const paid = { ...vectors.activationPackage, infra_fee: { ...fee, pending: false } };
  expect(await activate(paid)).toEqual({ activation_signature: signature });
  const sandbox = { activation_intent: null, infra_fee: { pending: false, amount: '0.00', permit: null } };
  expect(await activate(sandbox)).toEqual({});
});

type Change = (requirements: Requirements) => unknown;
const other = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';
it.each<[string, Change]>([
  ['amount', ({ payment }) => Object.assign(payment, { amount: '5000001' })],
  ['amount', ({ fee }) => (fee.permit.message['value'] = '103001')],
  ['payer', ({ fee }) => (fee.permit.message['owner'] = other)],
  ['recipient', ({ fee }) => (fee.permit.message['spender'] = other)],
  ['deadline', ({ fee }) => (fee.permit.message['deadline'] = String(vectors.now + 7_201))],
  ['unknown_asset', ({ fee }) => (fee.permit.domain['verifyingContract'] = other)],
  ['unknown_asset', ({ payment }) => Object.assign(payment, { asset: other })],
  ['unknown_network', ({ payment }) => Object.assign(payment, { network: 'eip155:1' })],
  ['domain_mismatch', ({ payment }) => Object.assign(payment, { extra: { name: 'X', version: '2' } })],
  ['recipient', ({ payment }) => Object.assign(payment, { payTo: account.address })],
  [
    'recipient',
    (all) => {
      all.gas_wallet_address = MULTICALL3;
      all.fee.permit.message['spender'] = MULTICALL3;
    },
  ],
])('a direct purchase with another %s is not signed', async (reason, change) => {
  const requirements = structuredClone(vectors.requirements);
  change(requirements);
  const kind = 'offer_not_acceptable';
  await expect(build(requirements)).rejects.toMatchObject({ kind, reason });
});

it.each<[string, (given: Package) => unknown]>([
  ['payer', ({ activation_intent: { message } }) => (message['from'] = other)],
  ['recipient', ({ activation_intent: { message } }) => (message['to'] = other)],
  ['unknown_asset', ({ activation_intent: { domain } }) => (domain['chainId'] = 1)],
  ['amount', ({ infra_fee: { permit } }) => (permit.message['value'] = '100001')],
])('an activation with another %s is not signed', async (reason, change) => {
  const given = structuredClone(vectors.activationPackage);
  change(given);
  await expect(activate(given)).rejects.toMatchObject({ kind: 'offer_not_acceptable', reason });
});

it.each([undefined, {}, { ...vectors.requirements, payment: null }])(
  'requirements that are none are refused: %p',
  async (requirements) => {
    await expect(build(requirements ?? null)).rejects.toMatchObject({ kind: 'invalid_request' });
    expect(baseSepolia.id).toBe(vectors.requirements.payment.network);
  },
);
