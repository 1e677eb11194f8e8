import {
  AGREEMENT_OPERATOR,
  boundSalt,
  captureOrderOf,
  captureTypedData,
  escrowTypedData,
  ERC3009_COLLECTOR,
  fromPaymentInfo,
  hashReceiverRefund,
  payerAgnosticHash,
  paymentInfoHash,
  privateKeySigner,
  RECEIVER_REFUND_COLLECTOR,
  refundOrderOf,
  refundTypedData,
  voidTypedData,
  type AuthCaptureOrder,
  type FacilitatorRequest,
  type Hex,
  type PaymentInfo,
} from '@agentpay/protocol';
import { randomBytes } from 'node:crypto';
import { privateKeyToAccount } from 'viem/accounts';
import { domain, network, nowSeconds, payer, type Bed } from './payment.fixture.js';

const ZERO = `0x${'0'.repeat(40)}` as const;

const RECEIVER_KEY: Hex = `0x${'52'.repeat(32)}`;
export const receiver = privateKeyToAccount(RECEIVER_KEY);
export const authorizer = privateKeyToAccount(`0x${'53'.repeat(32)}`);
export const feeRecipient = privateKeyToAccount(`0x${'54'.repeat(32)}`).address;

/** What a facilitator needs to serve holds. */
export const escrow = { operator: AGREEMENT_OPERATOR } as const;

/** Puts the escrow and the operator on the chain of a bed, and gives the payer some money. */
export function openEscrow({ chain }: Bed, account = payer): void {
  chain.deployEscrow(AGREEMENT_OPERATOR);
  chain.mint(account.address, 1_000_000n);
}

/** A payment into the escrow, and everything that is needed to move it on. */
export interface Held {
  readonly info: PaymentInfo;
  readonly saltNonce: Hex;
  readonly id: Hex;
  readonly request: FacilitatorRequest;
}

export interface HoldOptions {
  readonly account?: typeof payer;
  readonly amount?: bigint;
  /** Of the offer, but for the rest. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly info?: Partial<PaymentInfo>;
  readonly signature?: Hex;
  readonly resource?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** A hold that a facilitator takes, but for what the options change. */
export async function newHold(options: HoldOptions = {}): Promise<Held> {
  const { account = payer, amount = 10_000n, resource = 'https://seller.example/paid' } = options;
  const now = Number(nowSeconds());
  const saltNonce: Hex = `0x${randomBytes(32).toString('hex')}`;
  const extra = {
    ...network.usdc.eip712,
    captureAuthorizer: AGREEMENT_OPERATOR,
    receiverAuthorizer: authorizer.address,
    feeRecipient,
    captureDeadline: now + 3_600,
    refundDeadline: now + 7_200,
    minFeeBps: 0,
    maxFeeBps: 500,
    ...options.extra,
  };
  const info: PaymentInfo = {
    operator: extra.captureAuthorizer as Hex,
    payer: account.address,
    receiver: receiver.address,
    token: network.usdc.address,
    maxAmount: amount,
    preApprovalExpiry: now + 300,
    authorizationExpiry: extra.captureDeadline,
    refundExpiry: extra.refundDeadline,
    minFeeBps: extra.minFeeBps,
    maxFeeBps: extra.maxFeeBps,
    feeReceiver: extra.feeRecipient as Hex,
    salt: boundSalt(extra.receiverAuthorizer as Hex, ZERO, saltNonce),
    ...options.info,
  };
  const paymentRequirements = {
    scheme: 'auth-capture',
    network: network.id,
    amount: amount.toString(),
    asset: network.usdc.address,
    payTo: receiver.address,
    maxTimeoutSeconds: 300,
    extra,
  };
  const payload = {
    signature: options.signature ?? (await account.signTypedData(escrowTypedData(domain, info))),
    authorization: {
      from: account.address,
      to: ERC3009_COLLECTOR,
      value: amount.toString(),
      validAfter: '0',
      validBefore: String(info.preApprovalExpiry),
      nonce: payerAgnosticHash(network.chainId, info),
    },
    salt: info.salt,
    saltNonce,
    ...options.payload,
  };
  return {
    info,
    saltNonce,
    id: paymentInfoHash(network.chainId, info),
    request: {
      x402Version: 2,
      paymentPayload: { x402Version: 2, resource: { url: resource }, accepted: paymentRequirements, payload },
      paymentRequirements,
    },
  };
}

/** What the authorizer finds in the escrow when it orders. */
export interface Expected {
  readonly capturable: bigint;
  readonly refundable: bigint;
}

interface Ordering extends Expected {
  readonly amount: bigint;
}

export const captureOf = (held: Held, { amount, capturable, refundable }: Ordering, fee = 0n) =>
  ({
    type: 'capture',
    ...bound(held),
    amount: amount.toString(),
    feeAmount: fee.toString(),
    feeReceiver: held.info.feeReceiver,
    expectedCapturableAmount: capturable.toString(),
    expectedRefundableAmount: refundable.toString(),
  }) satisfies AuthCaptureOrder;

export const voidOf = (held: Held) => ({ type: 'void', ...bound(held) }) satisfies AuthCaptureOrder;

export const refundOf = (held: Held, { amount, capturable, refundable }: Ordering) =>
  ({
    type: 'refund',
    ...bound(held),
    amount: amount.toString(),
    expectedCapturableAmount: capturable.toString(),
    expectedRefundableAmount: refundable.toString(),
    tokenCollector: RECEIVER_REFUND_COLLECTOR,
    collectorData: privateKeySigner(RECEIVER_KEY).sign(
      hashReceiverRefund(domain, held.info, { amount, left: refundable - amount }),
    ),
  }) satisfies AuthCaptureOrder;

function bound({ info, saltNonce }: Held) {
  return { paymentInfo: fromPaymentInfo(info), saltNonce };
}

/** The request by which a seller has an order carried out, signed by `signer`. */
export async function ordered(
  held: Held,
  order: AuthCaptureOrder,
  signer = authorizer,
): Promise<FacilitatorRequest> {
  return asRequest(held, { ...order, authorizerSignature: await signOrder(order, signer) });
}

export function asRequest({ request }: Held, payload: object): FacilitatorRequest {
  const { paymentPayload, paymentRequirements } = request as Extract<FacilitatorRequest, { x402Version: 2 }>;
  return {
    x402Version: 2,
    paymentPayload: { ...paymentPayload, payload: { ...payload } },
    paymentRequirements,
  };
}

export function signOrder(order: AuthCaptureOrder, signer = authorizer): Promise<Hex> {
  const { chainId } = network;
  const { operator } = order.paymentInfo;
  if (order.type === 'capture')
    return signer.signTypedData(captureTypedData(chainId, operator, captureOrderOf(chainId, order)));
  if (order.type === 'refund')
    return signer.signTypedData(
      refundTypedData(chainId, operator, refundOrderOf(chainId, order, RECEIVER_REFUND_COLLECTOR)),
    );
  return signVoid(order, signer);
}

export function signVoid({ paymentInfo }: AuthCaptureOrder, signer = authorizer): Promise<Hex> {
  const { chainId } = network;
  const info = { ...paymentInfo, maxAmount: BigInt(paymentInfo.maxAmount) };
  return signer.signTypedData(voidTypedData(chainId, info.operator, paymentInfoHash(chainId, info)));
}
