import { bytesToHex, hashOrderVoid, sameHex, type Reason } from '@agentpay/protocol';
import { readHoldState, type CallResult } from '@agentpay/evm';
import type { ChainCheck, TermCheck } from '../examine.js';
import { signerOf } from '../signerOf.js';
import { refuse, refuseOtherNetwork, servedAsset, servedNetwork, servedRecipient } from '../terms.js';
import { escrowRefusal } from './escrowRefusal.js';
import type { HoldOrder } from './readOrder.js';

/** What the chain says of a hold and an order. */
export interface OrderFindings {
  readonly state: CallResult;
  readonly outcome: CallResult;
  /** Nobody's: an order needs none. */
  readonly balance: CallResult;
}

type OfTerms = TermCheck<HoldOrder, OrderFindings>;
type OfChain = ChainCheck<HoldOrder, OrderFindings>;

const scheme: OfTerms = ({ payment: { accepted } }) =>
  refuse(accepted.scheme !== 'auth-capture', 'authCaptureScheme', 'The payload is of another scheme.');

const sameNetwork: OfTerms = ({ payment }) => refuseOtherNetwork(payment, 'authCaptureNetworkMismatch');

const signature: OfTerms = ({ isSignedByKey }) =>
  refuse(
    !isSignedByKey(),
    'authCaptureAuthorizerSignature',
    'The receiver authorizer did not sign this order.',
  );

const deadline: OfTerms = ({ payment: { order, info }, nowSeconds }) => {
  if (order.type === 'capture')
    return refuse(
      BigInt(info.authorizationExpiry) <= nowSeconds,
      'authCaptureCaptureExpired',
      'The capture deadline has passed.',
    );
  const late = order.type === 'refund' && BigInt(info.refundExpiry) <= nowSeconds;
  return refuse(late, 'authCaptureRefundExpired', 'The refund deadline has passed.');
};

const amount: OfTerms = ({ payment: { order } }) =>
  refuse(
    order.type !== 'void' && BigInt(order.amount) === 0n,
    'authCaptureAmountMismatch',
    'The amount must be more than nothing.',
  );

/** A hold that is captured whole leaves nothing to give back; one that is not may have its rest given back by the same order. */
const remainder: OfTerms = ({ payment: { order, authorizer, settings } }) => {
  if (order.type !== 'capture' || order.voidAuthorizerSignature === undefined) return undefined;
  if (BigInt(order.amount) >= BigInt(order.expectedCapturableAmount))
    return refuse(
      true,
      'authCaptureVoidRemainder',
      'The whole hold is captured, so that nothing is left to void.',
    );
  const digest = bytesToHex(hashOrderVoid(settings.network.chainId, order));
  const given = order.voidAuthorizerSignature;
  const signer = given === true ? undefined : signerOf(digest, given);
  const good = signer !== undefined && sameHex(signer, authorizer);
  return refuse(!good, 'authCaptureVoidSignature', 'The receiver authorizer did not sign the void.');
};

export const termChecks: readonly OfTerms[] = [
  scheme,
  sameNetwork,
  servedNetwork,
  servedAsset,
  servedRecipient,
  deadline,
  amount,
  signature,
  remainder,
];

/** The reason by which each order finds that it was carried out, or overtaken. */
export const overtaken: Readonly<Record<HoldOrder['order']['type'], Reason>> = {
  capture: 'authCaptureUnexpectedState',
  refund: 'authCaptureUnexpectedState',
  void: 'authCaptureZeroAuthorization',
};

/** Whether the hold is no more as the order expects it; undefined when the node does not tell. */
export function isOvertaken(order: HoldOrder['order'], result: CallResult): boolean | undefined {
  const state = readHoldState(result);
  if (!state) return undefined;
  if (!state.collected) return false;
  if (order.type === 'void') return state.capturable === 0n;
  return (
    state.capturable !== BigInt(order.expectedCapturableAmount) ||
    state.refundable !== BigInt(order.expectedRefundableAmount)
  );
}

const expected: OfChain = ({ state }, { payment: { order } }) => {
  const held = readHoldState(state);
  if (held && !held.collected)
    return { reason: 'authCaptureInsufficientAuthorization', message: 'Nothing was held for this payment.' };
  const message = held
    ? `The escrow has ${held.capturable} to capture and ${held.refundable} to refund.`
    : 'The escrow does not tell.';
  return refuse(isOvertaken(order, state) === true, overtaken[order.type], message);
};

const simulation: OfChain = ({ outcome }) => escrowRefusal(outcome);

export const chainChecks: readonly OfChain[] = [expected, simulation];
