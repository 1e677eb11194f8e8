import {
  AgentPayError,
  MULTICALL3,
  parseDecimal,
  parsePrice,
  paymentNetworks,
  share,
  systemClock,
  systemRandom,
  unixSeconds,
  type Clock,
  type PaymentNetwork,
  type Random,
} from '@agentpay/primitives';
import {
  addressSchema,
  authorizationFor,
  authorizationSchema,
  authorizationTypedData,
  bytesToHex,
  checksumAddress,
  ERC3009_COLLECTOR,
  fromAuthorization,
  permitTypedData,
  sameHex,
  toAuthorization,
  tokenDomainOf,
  uint256Schema,
  x402v2,
  type Address,
} from '@agentpay/protocol';
import * as z from 'zod';
import { signWith, type Account } from './Account.js';
import { readSignature } from './signTransfer.js';

const CENT = 10_000n;
/** What a platform takes of a direct purchase as a rule: 2 % and $0.003, at least $0.10. More is signed only when it is asked for. */
const FEE = { ppm: 20_000n, fixed: 3_000n, least: 100_000n };
function usualFee(amount: bigint): bigint {
  const fee = share(amount, FEE.ppm) + FEE.fixed;
  return fee > FEE.least ? fee : FEE.least;
}

/** A permit is an allowance: one that lasts longer is not signed. */
const LONGEST_PERMIT_SECONDS = 7_200n;

const domainSchema = z.object({
  name: z.string(),
  version: z.string(),
  chainId: z.coerce.number(),
  verifyingContract: addressSchema,
});
const permitSchema = z.object({
  domain: domainSchema,
  primaryType: z.literal('Permit'),
  message: z.object({
    owner: addressSchema,
    spender: addressSchema,
    value: uint256Schema,
    nonce: uint256Schema,
    deadline: uint256Schema,
  }),
});
const requirementsSchema = z.object({
  gas_wallet_address: addressSchema,
  fee: z.object({ permit: permitSchema }),
  payment: x402v2.paymentRequirementsSchema,
});
const packageSchema = z.object({
  activation_intent: z
    .object({
      domain: domainSchema,
      primaryType: z.literal('ReceiveWithAuthorization'),
      message: authorizationSchema,
    })
    .nullish(),
  infra_fee: z.object({
    pending: z.boolean(),
    amount: z.union([z.string(), z.bigint()]).optional(),
    permit: permitSchema.nullish(),
  }),
});

/** What `POST /usage-agreements` takes for a direct purchase. */
export interface DirectStablecoinAgreement {
  readonly service_id: string;
  readonly settlement_model: 'direct_payment';
  readonly amount_cents: number;
  readonly buyer_wallet_address: string;
  /** Base64 of the signed x402 v2 payment. */
  readonly payment_header: string;
  /** Signature of the permit for the platform's fee. */
  readonly fee_permit: string;
}

/** What `POST /usage-agreements/{agreement_id}/activate-escrow` takes; empty in the sandbox, where nothing is signed. */
export interface ActivationSignatures {
  readonly activation_signature?: string;
  /** Where a fee is due. */
  readonly infra_fee_permit?: string;
}

/**
 * Signs a direct purchase: the payment to the seller, and the permit for the fee of the platform. Nothing moves before the seller accepts.
 * Signed is what was asked for and no more: this amount, in the known token of the network, and at most the usual fee, or `maxFee`.
 * @param options.maxFee the most that may be signed as a fee, `$0.25`
 * @param options.requirements response of `GET /payment-requirements` with `service_id` and `buyer_address`
 * @throws AgentPayError `offer_not_acceptable` with the reason, `invalid_request`; nothing was signed then
 * @example
 * ```ts
 * import { buildDirectStablecoinAgreement, localAccount } from '@agentpay/sdk';
 *
 * async function purchase(api: string, apiKey: string, serviceId: string): Promise<Response> {
 *   const account = localAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d');
 *   const query = `amount_cents=500&rail=stablecoin&service_id=${serviceId}&buyer_address=${account.address}`;
 *   const requirements = await (await fetch(`${api}/payment-requirements?${query}`)).json();
 *   const agreement = await buildDirectStablecoinAgreement({ account, requirements, serviceId, amountCents: 500 });
 *   const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
 *   return fetch(`${api}/usage-agreements`, { method: 'POST', headers, body: JSON.stringify(agreement) });
 * }
 * ```
 */
export async function buildDirectStablecoinAgreement({
  account,
  requirements,
  serviceId,
  amountCents,
  maxFee,
  clock = systemClock,
  random = systemRandom,
}: {
  readonly account: Account;
  readonly requirements: unknown;
  readonly serviceId: string;
  readonly amountCents: number;
  readonly maxFee?: string | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
}): Promise<DirectStablecoinAgreement> {
  const {
    fee,
    payment,
    gas_wallet_address: spender,
  } = read(requirementsSchema, requirements, 'requirements');
  if (!Number.isSafeInteger(amountCents) || amountCents < 1) throw invalid('amountCents');
  const amount = BigInt(amountCents) * CENT;
  const now = unixSeconds(clock);
  const offer = readOffer(account, payment, amount);
  const { network } = offer;
  const largest = maxFee === undefined ? usualFee(amount) : parsePrice(maxFee);
  const permit = readPermit(account, { network, permit: fee.permit, spender, largest, now });
  const options = { now, nonce: bytesToHex(random.bytes(32)), longest: payment.maxTimeoutSeconds };
  const authorization = authorizationFor(offer, options);
  const signature = readSignature(
    await signWith(account, authorizationTypedData(tokenDomainOf(network), authorization)),
  );
  const payload = { signature, authorization: fromAuthorization(authorization) };
  return {
    service_id: serviceId,
    settlement_model: 'direct_payment',
    amount_cents: amountCents,
    buyer_wallet_address: account.address,
    payment_header: x402v2.encodePaymentPayload({ x402Version: 2, accepted: payment, payload }),
    fee_permit: readSignature(await signWith(account, permit)),
  };
}

/**
 * Signs what activates an agreement: the payment into the escrow, and where a fee is due its permit.
 * @param options.activationPackage response of `GET /usage-agreements/{agreement_id}/activation-package`
 * @returns the body of `POST /usage-agreements/{agreement_id}/activate-escrow`
 * @throws AgentPayError `offer_not_acceptable` with the reason, `invalid_request`; nothing was signed then
 * @example
 * ```ts
 * import { localAccount, signActivation } from '@agentpay/sdk';
 *
 * async function activate(agreement: string, apiKey: string): Promise<Response> {
 *   const account = localAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d');
 *   const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
 *   const activationPackage = await (await fetch(`${agreement}/activation-package`, { headers })).json();
 *   const body = JSON.stringify(await signActivation({ account, activationPackage }));
 *   return fetch(`${agreement}/activate-escrow`, { method: 'POST', headers, body });
 * }
 * ```
 */
export async function signActivation({
  account,
  activationPackage,
  clock = systemClock,
}: {
  readonly account: Account;
  readonly activationPackage: unknown;
  readonly clock?: Clock;
}): Promise<ActivationSignatures> {
  const given = read(packageSchema, activationPackage, 'activationPackage');
  const { activation_intent: intent, infra_fee: fee } = given;
  if (!intent) return {};
  const network = networkOf(intent.domain);
  const domain = tokenDomainOf(network);
  const message = toAuthorization(intent.message);
  if (!sameHex(message.from, account.address)) throw refuse('payer', 'The intent is of another payer.');
  if (!sameHex(message.to, ERC3009_COLLECTOR))
    throw refuse('recipient', 'The intent does not pay into the escrow.');
  if (message.validAfter !== 0n) throw refuse('deadline', 'The intent is not good yet.');
  const permit = fee.pending && fee.permit ? feePermit(account, { network, fee, clock }) : undefined;
  const { TransferWithAuthorization: fields } = authorizationTypedData(domain, message).types;
  const signed = await signWith(account, {
    domain,
    types: { ReceiveWithAuthorization: fields },
    primaryType: 'ReceiveWithAuthorization',
    message: { ...message, to: ERC3009_COLLECTOR, validAfter: 0n },
  });
  return {
    activation_signature: readSignature(signed),
    ...(permit && { infra_fee_permit: readSignature(await signWith(account, permit)) }),
  };
}

function feePermit(
  account: Account,
  {
    network,
    fee,
    clock,
  }: {
    network: PaymentNetwork;
    fee: z.output<typeof packageSchema>['infra_fee'];
    clock: Clock;
  },
) {
  const { amount = '0', permit } = fee;
  const largest = typeof amount === 'bigint' ? amount : parseDecimal(amount);
  const given = permit as z.output<typeof permitSchema>;
  const { spender } = given.message;
  return readPermit(account, { network, permit: given, spender, largest, now: unixSeconds(clock) });
}

/** The payment as it is signed: of this amount, in the token that the network is known for. */
function readOffer(account: Account, payment: x402v2.PaymentRequirements, amount: bigint) {
  const network = paymentNetworks.find(({ id }) => id === payment.network);
  if (!network || payment.scheme !== 'exact')
    throw refuse('unknown_network', `Nothing is signed for ${payment.scheme} on ${payment.network}.`);
  const { asset } = network;
  const { name, version } = payment.extra ?? {};
  if (!sameHex(payment.asset, asset.address) || (asset.transfer ?? 'eip3009') !== 'eip3009')
    throw refuse('unknown_asset', `The asset ${payment.asset} is not known on ${network.name}.`);
  if (name !== asset.eip712.name || version !== asset.eip712.version)
    throw refuse('domain_mismatch', 'The offer describes another token contract.');
  if (payment.amount !== amount.toString()) throw refuse('amount', 'The offer is about another amount.');
  const payTo = addressSchema.safeParse(payment.payTo);
  if (!payTo.success || BigInt(payment.payTo) === 0n || sameHex(payment.payTo, account.address))
    throw refuse('recipient', 'The offer pays nobody else.');
  const lifetime = () => payment.maxTimeoutSeconds;
  return { network, payer: account.address, payTo: checksumAddress(payTo.data), amount, lifetime };
}

/** The permit as it is signed: of this account, for no more than `largest`, and not for long. */
function readPermit(
  account: Account,
  {
    network,
    permit: { domain: named, message },
    spender,
    largest,
    now,
  }: {
    network: PaymentNetwork;
    permit: z.output<typeof permitSchema>;
    spender: Address;
    largest: bigint;
    now: number;
  },
) {
  if (networkOf(named) !== network) throw refuse('unknown_asset', 'The fee is in another token.');
  const { owner } = message;
  const [value, nonce, deadline] = [message.value, message.nonce, message.deadline].map(BigInt) as [
    bigint,
    bigint,
    bigint,
  ];
  if (!sameHex(owner, account.address)) throw refuse('payer', 'The permit is of another owner.');
  if (!sameHex(message.spender, spender) || sameHex(spender, MULTICALL3) || BigInt(spender) === 0n)
    throw refuse('recipient', 'The permit names another spender than the gas wallet.');
  if (value > largest) throw refuse('amount', 'The permit is for more than the fee.');
  if (deadline > BigInt(now) + LONGEST_PERMIT_SECONDS)
    throw refuse('deadline', 'The permit would last for too long.');
  return permitTypedData(tokenDomainOf(network), { owner, spender, value, nonce, deadline });
}

/** The network whose token this is, exactly as the table has it. */
function networkOf({
  name,
  version,
  chainId,
  verifyingContract,
}: z.output<typeof domainSchema>): PaymentNetwork {
  const network = paymentNetworks.find(
    ({ chainId: known, asset }) => known === chainId && sameHex(asset.address, verifyingContract),
  );
  const own = network?.asset.eip712;
  if (network && own?.name === name && own.version === version) return network;
  throw refuse('unknown_asset', `The token ${verifyingContract} of chain ${chainId} is not known.`);
}

function read<Shape extends z.ZodType>(shape: Shape, value: unknown, param: string): z.output<Shape> {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  throw invalid(param, result.error.issues[0]?.path.join('.'));
}

function invalid(param: string, at = ''): AgentPayError {
  const where = at === '' ? param : `${param}.${at}`;
  return new AgentPayError('invalid_request', `${where} is not as it should be; nothing was signed.`, {
    param,
  });
}

function refuse(reason: string, message: string): AgentPayError {
  return new AgentPayError('offer_not_acceptable', `${message} Nothing was signed.`, { reason });
}
