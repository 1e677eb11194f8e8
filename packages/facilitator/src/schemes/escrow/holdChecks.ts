import {
  authCaptureCollector,
  payerAgnosticHash,
  sameHex,
  type AuthCapturePayload,
  type Reason,
} from '@agentpay/protocol';
import { readHoldState, saysValidSignature } from '@agentpay/evm';
import { hasCode } from '../eip3009Checks.js';
import { numberIn, type ChainCheck, type TermCheck } from '../examine.js';
import {
  MIN_LIFE_SECONDS,
  refuse,
  refuseOtherNetwork,
  refuseShortBalance,
  servedAsset,
  servedNetwork,
  servedRecipient,
  tooLong,
} from '../terms.js';
import { escrowRefusal } from './escrowRefusal.js';
import type { HoldFindings, HoldPayment } from './HoldPayment.js';

type OfTerms = TermCheck<HoldPayment, HoldFindings>;
type OfChain = ChainCheck<HoldPayment, HoldFindings>;

/** What the payer signed, whichever way. */
export function signedTerms(payload: AuthCapturePayload) {
  if ('authorization' in payload) {
    const { to: collector, value, validBefore, validAfter, nonce } = payload.authorization;
    return {
      collector,
      amount: BigInt(value),
      end: BigInt(validBefore),
      start: BigInt(validAfter),
      nonce: BigInt(nonce),
    };
  }
  const { spender: collector, permitted, deadline, nonce } = payload.permit2Authorization;
  return {
    collector,
    amount: BigInt(permitted.amount),
    end: BigInt(deadline),
    start: 0n,
    nonce: BigInt(nonce),
  };
}

const scheme: OfTerms = ({ payment: { accepted } }) =>
  refuse(accepted.scheme !== 'auth-capture', 'authCaptureScheme', 'The payer accepted another scheme.');

const sameNetwork: OfTerms = ({ payment }) => refuseOtherNetwork(payment, 'authCaptureNetworkMismatch');

const captureDeadline: OfTerms = ({ payment: { extra }, nowSeconds }) =>
  refuse(
    BigInt(extra.captureDeadline) <= nowSeconds + MIN_LIFE_SECONDS,
    'authCaptureCaptureExpired',
    'The capture deadline has passed or is about to.',
  );

/** Of an offer only: time passes until it is settled. */
const wholeWindow: OfTerms = ({ payment: { extra, maxTimeoutSeconds }, nowSeconds, settling }) =>
  refuse(
    !settling && nowSeconds + BigInt(maxTimeoutSeconds) > BigInt(extra.captureDeadline),
    'authCaptureDeadlineOrdering',
    'A payer may sign until after the capture deadline.',
  );

const notExpired: OfTerms = ({ payment: { payload }, nowSeconds }) =>
  refuse(
    signedTerms(payload).end < nowSeconds + MIN_LIFE_SECONDS,
    'authCaptureExpired',
    'The authorization has expired or is about to.',
  );

const notTooLong: OfTerms = (subject) =>
  tooLong(signedTerms(subject.payment.payload).end, 'authCaptureExpired', subject);

const notEarly: OfTerms = ({ payment: { payload }, nowSeconds }) =>
  refuse(
    signedTerms(payload).start > nowSeconds,
    'authCaptureNotYetValid',
    'The authorization is not valid yet.',
  );

const collector: OfTerms = ({ payment: { payload } }) =>
  refuse(
    !sameHex(signedTerms(payload).collector, authCaptureCollector(payload)),
    'authCaptureCollectorMismatch',
    `The signature must name the collector at ${authCaptureCollector(payload)}.`,
  );

const token: OfTerms = ({ payment: { payload, asset } }) =>
  refuse(
    'permit2Authorization' in payload && !sameHex(payload.permit2Authorization.permitted.token, asset),
    'authCaptureTokenMismatch',
    'The permit is for another token.',
  );

const amount: OfTerms = ({ payment: { payload, amount: due } }) =>
  refuse(
    signedTerms(payload).amount !== due || due === 0n,
    'authCaptureAmountMismatch',
    'The authorization must be for exactly the amount, and for more than nothing.',
  );

const nonce: OfTerms = ({ payment: { payload, info, settings } }) =>
  refuse(
    signedTerms(payload).nonce !== BigInt(payerAgnosticHash(settings.network.chainId, info)),
    'authCaptureNonceMismatch',
    "The signature's nonce is not the hash of this payment.",
  );

const factory: OfTerms = ({ payment }) =>
  refuse(
    payment.isUndeployed,
    'authCaptureFactoryNotAllowed',
    'Accounts that do not exist yet may not pay into the escrow here.',
  );

const signature: OfTerms = async ({ isSignedByKey, findings }) => {
  if (isSignedByKey()) return undefined;
  const { account } = await findings();
  return refuse(
    !saysValidSignature(account),
    'authCaptureSignature',
    'The payer did not give this signature.',
  );
};

/** Checks that need no look at the chain, but for the signature of an account with code. */
export const termChecks: readonly OfTerms[] = [
  scheme,
  sameNetwork,
  servedNetwork,
  servedAsset,
  servedRecipient,
  captureDeadline,
  wholeWindow,
  notExpired,
  notTooLong,
  notEarly,
  collector,
  token,
  amount,
  nonce,
  factory,
  signature,
];

const uncollected: OfChain = ({ state }) =>
  refuse(readHoldState(state)?.collected === true, 'authCaptureCollected', 'The payment was held before.');

const accountAgrees: OfChain = ({ account }, { isSignedByKey }) => {
  const refused = isSignedByKey() && hasCode(account) && !saysValidSignature(account);
  return refuse(
    refused,
    'authCaptureSignature',
    "The code of the payer's account does not take the signature.",
  );
};

const balance: OfChain = ({ balance: held }, { payment }) =>
  refuseShortBalance(payment, 'authCaptureInsufficientBalance', {
    payer: payment.info.payer,
    held: numberIn(held) ?? 0n,
    needed: payment.amount,
  });

const allowance: OfChain = ({ allowance: allowed }, { payment }) =>
  refuse(
    allowed !== undefined && (numberIn(allowed) ?? 0n) < payment.amount,
    'permit2AllowanceRequired' satisfies Reason,
    'The payer has to let Permit2 move the token first (approve).',
  );

const simulation: OfChain = ({ authorize }) => escrowRefusal(authorize);

/** Checks of the chain's findings. */
export const chainChecks: readonly OfChain[] = [uncollected, accountAgrees, balance, allowance, simulation];
