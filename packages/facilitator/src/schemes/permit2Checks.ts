import { PERMIT2, sameHex, type Reason } from '@agentpay/protocol';
import { isPermitNonceUsed, permit2RevertText, saysValidSignature, type CallResult } from '@agentpay/evm';
import { numberIn, type ChainCheck, type TermCheck } from './examine.js';
import type { Permit2Findings, Permit2Payment } from './Permit2Payment.js';
import type { PaymentRefusal } from './Scheme.js';
import {
  MIN_LIFE_SECONDS,
  refuse,
  refuseOtherNetwork,
  refuseShortBalance,
  servedAsset,
  servedNetwork,
  servedRecipient,
  tooLong,
} from './terms.js';

type OfTerms = TermCheck<Permit2Payment, Permit2Findings>;
type OfChain = ChainCheck<Permit2Payment, Permit2Findings>;

// Checks of the terms: what the two sides agreed, and the signature.

const scheme: OfTerms = ({ payment: { accepted, kind, settings } }) => {
  if (!settings.permit2)
    return refuse(true, kind.reasons.scheme, 'This facilitator does not serve payments by Permit2.');
  return refuse(accepted.scheme !== kind.scheme, kind.reasons.scheme, 'The payer accepted another scheme.');
};

const sameNetwork: OfTerms = ({ payment }) => refuseOtherNetwork(payment, payment.kind.reasons.network);

const spender: OfTerms = ({ payment: { permit, kind } }) =>
  refuse(
    !sameHex(permit.spender, kind.proxy),
    'permit2Spender',
    `The spender must be the x402 proxy at ${kind.proxy}.`,
  );

const recipient: OfTerms = ({ payment: { permit, payTo } }) =>
  refuse(
    !sameHex(permit.witness.to, payTo),
    'permit2RecipientMismatch',
    'The permit pays somebody else than payTo.',
  );

const facilitator: OfTerms = ({ payment: { permit, settings } }) => {
  const named = permit.witness.facilitator;
  const other = named !== undefined && !sameHex(named, settings.facilitatorAddress);
  return refuse(
    other,
    'uptoFacilitatorMismatch',
    `The permit must name ${settings.facilitatorAddress} as the facilitator.`,
  );
};

const notExpired: OfTerms = ({ payment: { permit }, nowSeconds }) =>
  refuse(
    permit.deadline < nowSeconds + MIN_LIFE_SECONDS,
    'permit2DeadlineExpired',
    'The permit has expired or is about to.',
  );

const notTooLong: OfTerms = (subject) =>
  tooLong(subject.payment.permit.deadline, 'permit2DeadlineExpired', subject);

const notEarly: OfTerms = ({ payment: { permit }, nowSeconds }) =>
  refuse(permit.witness.validAfter > nowSeconds, 'permit2NotYetValid', 'The permit is not valid yet.');

const amount: OfTerms = ({ payment: { permit, kind, amount: due }, settling }) => {
  const { amount: permitted } = permit.permitted;
  if (kind.scheme === 'upto' && settling) {
    return refuse(
      due > permitted,
      'uptoSettlementExceedsAmount',
      'The amount is more than what the payer permitted.',
    );
  }
  const equal = permitted === due && due > 0n;
  return refuse(
    !equal,
    'permit2AmountMismatch',
    'The permit must be for the amount, and for more than nothing.',
  );
};

const token: OfTerms = ({ payment: { permit, asset } }) =>
  refuse(!sameHex(permit.permitted.token, asset), 'permit2TokenMismatch', 'The permit is for another token.');

const signature: OfTerms = async ({ isSignedByKey, findings }) => {
  if (isSignedByKey()) return undefined;
  const { account } = await findings();
  const good = account !== undefined && saysValidSignature(account);
  return refuse(!good, 'permit2Signature', 'The payer did not give this signature.');
};

// Checks of the permit of the token that travels with the payment.

const sponsoredPayer: OfTerms = ({ payment: { sponsoring, permit } }) =>
  refuse(
    sponsoring !== undefined && !sameHex(sponsoring.from, permit.from),
    'eip2612FromMismatch',
    'The permit of the token is not of the payer.',
  );

const sponsoredToken: OfTerms = ({ payment: { sponsoring, asset } }) =>
  refuse(
    sponsoring !== undefined && !sameHex(sponsoring.asset, asset),
    'eip2612AssetMismatch',
    'The permit is of another token.',
  );

const sponsoredSpender: OfTerms = ({ payment: { sponsoring } }) =>
  refuse(
    sponsoring !== undefined && !sameHex(sponsoring.spender, PERMIT2),
    'eip2612Spender',
    `The permit of the token must be for Permit2 at ${PERMIT2}.`,
  );

const sponsoredAmount: OfTerms = ({ payment: { sponsoring, permit } }) =>
  refuse(
    sponsoring !== undefined && BigInt(sponsoring.amount) !== permit.permitted.amount,
    'permit2612AmountMismatch',
    'The permit of the token must be for the amount.',
  );

const sponsoredInTime: OfTerms = ({ payment: { sponsoring }, nowSeconds }) =>
  refuse(
    sponsoring !== undefined && BigInt(sponsoring.deadline) < nowSeconds + MIN_LIFE_SECONDS,
    'eip2612DeadlineExpired',
    'The permit of the token has expired or is about to.',
  );

/** Checks that need no look at the chain, but for the signature of an account with code. */
export const termChecks: readonly OfTerms[] = [
  scheme,
  sameNetwork,
  servedNetwork,
  servedAsset,
  servedRecipient,
  spender,
  recipient,
  facilitator,
  notExpired,
  notTooLong,
  notEarly,
  amount,
  token,
  sponsoredPayer,
  sponsoredToken,
  sponsoredSpender,
  sponsoredAmount,
  sponsoredInTime,
  signature,
];

// Checks of what the chain says.

const nonceUnused: OfChain = ({ nonces }, { payment }) => {
  const used = isPermitNonceUsed(nonces, payment.permit.nonce);
  return refuse(used === true, 'permit2NonceUsed', 'The permit was used or invalidated before.');
};

const balance: OfChain = ({ balance: held }, { payment }) =>
  refuseShortBalance(payment, 'permit2InsufficientBalance', {
    payer: payment.permit.from,
    held: numberIn(held) ?? 0n,
    needed: payment.amount,
  });

// A permit that travels along may have been used by somebody else already; then the allowance stands, and the simulation tells.
const allowance: OfChain = ({ allowance: allowed, settle }, { payment }) =>
  refuse(
    (numberIn(allowed) ?? 0n) < payment.amount && !(payment.sponsoring && settle.success),
    'permit2AllowanceRequired',
    'The payer has to let Permit2 move the token first (approve).',
  );

const simulation: OfChain = ({ settle }) => settleRefusal(settle);

/** Checks of the chain's findings. */
export const chainChecks: readonly OfChain[] = [nonceUnused, balance, allowance, simulation];

const revertReasons: Readonly<Record<string, Reason>> = {
  InvalidNonce: 'permit2NonceUsed',
  InvalidAmount: 'permit2InvalidAmount',
  InvalidDestination: 'permit2InvalidDestination',
  InvalidOwner: 'permit2InvalidOwner',
  PaymentTooEarly: 'permit2PaymentTooEarly',
  Permit2612AmountMismatch: 'permit2612AmountMismatch',
  SignatureExpired: 'permit2DeadlineExpired',
  InvalidSignatureLength: 'permit2Signature',
  InvalidSignature: 'permit2Signature',
  InvalidSigner: 'permit2Signature',
  InvalidContractSignature: 'permit2Signature',
  AmountExceedsPermitted: 'uptoAmountExceedsPermitted',
  UnauthorizedFacilitator: 'uptoUnauthorizedFacilitator',
};

/** Why a simulated payment fails, by the words of proxy, Permit2 or token; undefined when it does not. */
export function settleRefusal(settle: CallResult): PaymentRefusal | undefined {
  if (settle.success) return undefined;
  const said = permit2RevertText(settle) ?? 'without saying why';
  return {
    reason: revertReasons[said] ?? 'permit2SimulationFailed',
    message: `The payment would fail: ${said}.`,
  };
}
