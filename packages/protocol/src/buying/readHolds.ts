import { parseShape, toBase64 } from '../encoding/Json.js';
import { AUTH_CAPTURE_ESCROW, boundSalt, escrowTypedData, type PaymentInfo } from '../evm/AuthCapture.js';
import type { Address, Hex } from '../evm/Hex.js';
import {
  authCaptureExtraSchema,
  authCapturePaymentInfo,
  type AuthCaptureExtra,
} from '../x402/authCapture.js';
import * as x402v2 from '../x402/v2.js';
import { tokenDomainOf } from './authorization.js';
import {
  readTransfer,
  refuseOffer,
  type PaymentDemand,
  type TransferBuyer,
  type TransferOffer,
} from './TransferOffer.js';
import { writtenDemand } from './writtenDemand.js';

/** Longest time for which a buyer lets their money wait in an escrow, in seconds. */
const LONGEST_HOLD = 30 * 86_400;
const ZERO: Address = `0x${'0'.repeat(40)}`;
const FLOWS: readonly unknown[] = [undefined, 'escrow'];

/** One way to pay by a hold in the escrow: `amount` is the most that may be captured of it. */
export interface HoldOffer extends Pick<TransferOffer, 'network' | 'payer' | 'amount' | 'payTo' | 'header'> {
  /** What the payer signs. @param drawn 32 random bytes; `now` in Unix seconds, `longest`: most seconds to sign for */
  consent(drawn: Hex, time: { readonly now: number; readonly longest: number }): HoldConsent;
}

/** What a payer signs for a hold, and the header that it makes. */
export interface HoldConsent {
  readonly typedData: ReturnType<typeof escrowTypedData>;
  /** When it ends, in Unix seconds. */
  readonly end: number;
  seal(signature: Hex): string;
}

/** The offers of scheme `auth-capture` in a `PAYMENT-REQUIRED` header, each to be read for itself. */
export function readHolds(demand: PaymentDemand, buyer: TransferBuyer): (() => HoldOffer)[] {
  const written = writtenDemand(demand);
  if (!Array.isArray(written?.accepts)) return [];
  const { accepts, resource, extensions } = written;
  const holds = accepts.filter((entry) => (entry as { scheme?: unknown } | null)?.scheme === 'auth-capture');
  return holds.map((accepted: unknown) => () => {
    const entry = parseShape(x402v2.paymentRequirementsSchema, accepted, 'x402 v2 offer');
    const extra = readExtra(entry, Math.floor(buyer.now() / 1000));
    const { paymentFlow: _, ...token } = entry.extra ?? {};
    const read = readTransfer(buyer, demand.url, { ...entry, extra: token });
    return {
      ...read,
      header: x402v2.PAYMENT_SIGNATURE,
      consent(drawn, { now, longest }) {
        const end = Math.min(now + Math.min(entry.maxTimeoutSeconds, longest), extra.captureDeadline);
        const { info, salts } = paymentFor(entry, extra, { payer: read.payer, drawn, end });
        const typedData = escrowTypedData(tokenDomainOf(read.network), info);
        return {
          typedData,
          end,
          seal(signature) {
            const payload = { authorization: onWire(typedData.message), signature, ...salts };
            const said = { ...(resource != null && { resource }), ...(extensions != null && { extensions }) };
            return toBase64({ x402Version: 2, payload, accepted, ...said });
          },
        };
      },
    };
  });
}

/** @throws AgentPayError `offer_not_acceptable` */
function readExtra({ extra }: x402v2.PaymentRequirements, now: number): AuthCaptureExtra {
  const parsed = authCaptureExtraSchema.safeParse(extra);
  if (!parsed.success) throw refuseOffer('malformed', 'The terms of the hold are malformed.');
  const { paymentFlow, captureDeadline, authCaptureEscrow } = parsed.data;
  if (!FLOWS.includes(paymentFlow))
    throw refuseOffer('unknown_payment_flow', 'The payment flow is not known.');
  if (captureDeadline > now + LONGEST_HOLD)
    throw refuseOffer('hold_too_long', 'The money would be held for more than thirty days.');
  if (
    authCaptureEscrow !== undefined &&
    authCaptureEscrow.toLowerCase() !== AUTH_CAPTURE_ESCROW.toLowerCase()
  )
    throw refuseOffer('unknown_escrow', 'The escrow is not known.');
  return parsed.data;
}

function paymentFor(
  entry: x402v2.PaymentRequirements,
  extra: AuthCaptureExtra,
  { payer, drawn, end }: { readonly payer: Address; readonly drawn: Hex; readonly end: number },
): { readonly info: PaymentInfo; readonly salts: { readonly salt: Hex; readonly saltNonce?: Hex } } {
  const { receiverAuthorizer = ZERO, policy = ZERO } = extra;
  const isBound = BigInt(receiverAuthorizer) !== 0n || BigInt(policy) !== 0n;
  const salts = isBound
    ? { salt: boundSalt(receiverAuthorizer, policy, drawn), saltNonce: drawn }
    : { salt: drawn };
  const authorization = {
    from: payer,
    to: ZERO,
    value: '0',
    validAfter: '0',
    validBefore: String(end),
    nonce: drawn,
  };
  return {
    info: authCapturePaymentInfo(entry, extra, { authorization, signature: '0x00', ...salts }),
    salts,
  };
}

function onWire({ from, to, value, validAfter, validBefore, nonce }: HoldConsent['typedData']['message']) {
  const text = {
    value: value.toString(),
    validAfter: validAfter.toString(),
    validBefore: validBefore.toString(),
  };
  return { from, to, ...text, nonce };
}
