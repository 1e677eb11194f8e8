import { randomBytes } from 'node:crypto';
import { systemClock, unixSeconds } from '@agentpay/primitives';
import {
  AGREEMENT_OPERATOR,
  authCaptureExtraSchema,
  authCaptureOrderSchema,
  boundSalt,
  bytesToHex,
  escrowTypedData,
  ERC3009_COLLECTOR,
  payerAgnosticHash,
  PURCHASE,
  toPaymentInfo,
  x402v2,
  type Address,
  type AuthCaptureOrder,
  type Facilitator,
  type FacilitatorRequest,
  type Hex,
  type PaymentInfo,
} from '@agentpay/protocol';
import { HASH, NETWORK, PAYER, type Reply } from '../seller.test.support.js';

const ZERO: Address = `0x${'0'.repeat(40)}`;

/** What became of a hold. */
export interface FakeHold {
  readonly claim: string;
  readonly amount: bigint;
  captured: bigint;
  returned: bigint;
}

type Step = 'authorize' | AuthCaptureOrder['type'];

/** A facilitator that holds imaginary money; `before` and `after` may fail at a step. */
export interface FakeEscrow extends Facilitator {
  readonly holds: Map<string, FakeHold>;
  readonly asked: Step[];
}

type Meddle = (step: Step, count: number) => void | Promise<void>;

export function fakeEscrow({ before, after }: { before?: Meddle; after?: Meddle } = {}): FakeEscrow {
  const holds = new Map<string, FakeHold>();
  const asked: Step[] = [];
  const done = new Set<string>();
  const common = { transaction: HASH, network: NETWORK.id, payer: PAYER };
  const refused = (errorReason: string) => ({ ...common, success: false, transaction: '', errorReason });

  function authorize(request: FacilitatorRequest) {
    const { paymentPayload, paymentRequirements } = request as Extract<
      FacilitatorRequest,
      { x402Version: 2 }
    >;
    const { nonce } = paymentPayload.payload['authorization'] as { nonce: string };
    const extensions = paymentPayload.extensions as Record<string, { claim: string }>;
    const claim = extensions[PURCHASE]?.claim ?? '';
    const known = holds.get(nonce);
    if (known)
      return known.claim === claim
        ? { ...common, success: true, repeat: true }
        : refused('duplicate_settlement');
    holds.set(nonce, { claim, amount: BigInt(paymentRequirements.amount), captured: 0n, returned: 0n });
    return { ...common, success: true };
  }

  function carryOut(order: AuthCaptureOrder) {
    const hold = holds.get(payerAgnosticHash(NETWORK.chainId, toPaymentInfo(order.paymentInfo)));
    if (!hold) return refused('invalid_auth_capture_evm_insufficient_authorization');
    const key = JSON.stringify(order);
    if (done.has(key)) return { ...common, success: true, repeat: true };
    const left = hold.amount - hold.captured - hold.returned;
    if (order.type === 'refund' || left !== hold.amount)
      return refused('invalid_auth_capture_evm_unexpected_payment_state');
    if (order.type === 'void') hold.returned = hold.amount;
    else hold.captured = BigInt(order.amount);
    if (order.type === 'capture' && order.voidAuthorizerSignature)
      hold.returned = hold.amount - hold.captured;
    done.add(key);
    return { ...common, success: true };
  }

  return {
    holds,
    asked,
    async verify({ paymentPayload }) {
      const { nonce } = paymentPayload.payload['authorization'] as { nonce: string };
      return holds.has(nonce)
        ? { isValid: false, invalidReason: 'invalid_auth_capture_evm_payment_already_collected' }
        : { isValid: true, payer: PAYER };
    },
    async settle(request) {
      const parsed = authCaptureOrderSchema.safeParse(request.paymentPayload.payload);
      const step = parsed.success ? parsed.data.type : 'authorize';
      asked.push(step);
      const count = asked.filter((one) => one === step).length;
      await before?.(step, count);
      const response = parsed.success ? carryOut(parsed.data) : authorize(request);
      await after?.(step, count);
      return response;
    },
    supported: async () => ({
      kinds: [
        {
          x402Version: 2,
          scheme: 'auth-capture',
          network: NETWORK.id,
          extra: { captureAuthorizer: AGREEMENT_OPERATOR },
        },
      ],
      extensions: [],
      signers: {},
    }),
  };
}

/** Pays the first offer by a hold: the headers to send the request again with. */
export function payByHold(offer: Reply, validFor = 300): Record<string, string> {
  const { accepts } = x402v2.decodePaymentRequired(offer.headers['payment-required'] as string);
  const accepted = accepts[0] as x402v2.PaymentRequirements;
  const extra = authCaptureExtraSchema.parse(accepted.extra);
  const saltNonce = bytesToHex(randomBytes(32));
  const info: PaymentInfo = {
    operator: extra.captureAuthorizer,
    payer: PAYER,
    receiver: accepted.payTo as Hex,
    token: accepted.asset as Hex,
    maxAmount: BigInt(accepted.amount),
    preApprovalExpiry: unixSeconds(systemClock) + validFor,
    authorizationExpiry: extra.captureDeadline,
    refundExpiry: extra.refundDeadline,
    minFeeBps: 0,
    maxFeeBps: 0,
    feeReceiver: ZERO,
    salt: boundSalt(extra.receiverAuthorizer as Hex, ZERO, saltNonce),
  };
  const domain = { ...NETWORK.usdc.eip712, chainId: NETWORK.chainId, verifyingContract: info.token };
  const { nonce } = escrowTypedData(domain, info).message;
  const payload = {
    signature: `0x${'ab'.repeat(65)}`,
    authorization: {
      from: PAYER,
      to: ERC3009_COLLECTOR,
      value: accepted.amount,
      validAfter: '0',
      validBefore: String(info.preApprovalExpiry),
      nonce,
    },
    salt: info.salt,
    saltNonce,
  };
  return { 'payment-signature': x402v2.encodePaymentPayload({ x402Version: 2, accepted, payload }) };
}
