import type { agreements } from '@agentpay/core';
import { holdStateCall, holdTopics, readHoldState, type CallResult, type Chain } from '@agentpay/evm';
import { unixSeconds, type Clock, type Network } from '@agentpay/primitives';
import {
  AGREEMENT_OPERATOR,
  AUTH_CAPTURE_ESCROW,
  escrowTypedData,
  paymentInfoHash,
  reasonCode,
  toPaymentInfo,
  type Address,
  type DigestSigner,
  type Facilitator,
  type Hex,
  type Reason,
  type x402v2,
} from '@agentpay/protocol';
import { captureRequest, holdRequest, voidRequest } from './holdRequests.js';

export interface AgreementEscrowOptions {
  readonly network: Network;
  readonly chain: Chain;
  readonly facilitator: Facilitator;
  /** Signs what is paid out and given back. */
  readonly authorizer: DigestSigner;
  readonly feeReceiver: Address;
  readonly clock: Clock;
}

type Offer = agreements.AgreementOffer;

/** The escrow of agreements on one chain: its money moves through a facilitator, and what became of it is read from the chain. */
export function agreementEscrow(options: AgreementEscrowOptions): agreements.AgreementEscrow {
  const { network, facilitator, authorizer, feeReceiver } = options;
  const asset = `USDC@${network.name}`;
  const domain = {
    ...network.usdc.eip712,
    chainId: network.chainId,
    verifyingContract: network.usdc.address,
  };
  return {
    network: network.id,
    asset,
    currencies: ['USD', 'USDC', asset],
    token: network.usdc.address,
    operator: AGREEMENT_OPERATOR,
    authorizer: authorizer.address,
    feeReceiver,
    typedData: ({ paymentInfo }) => asText(escrowTypedData(domain, toPaymentInfo(paymentInfo))),
    async check(offer, signature) {
      const said = await facilitator.verify(holdRequest(network, offer, signature));
      if (said.isValid) return undefined;
      return { why: whyOf(said.invalidReason), message: said.invalidMessage ?? 'It cannot be collected.' };
    },
    async lock(offer, signature) {
      const said = await facilitator.settle(holdRequest(network, offer, signature));
      const step = stepOf(said);
      // What the facilitator calls collected, a node may not show yet.
      const isHeld = step.status === 'failed' && whyOf(said.errorReason) === 'collected';
      return isHeld && !(await look(options, offer)).collected ? PENDING : step;
    },
    release: (offer, paid) => release(options, offer, paid),
    look: (offer) => look(options, offer),
  };
}

const PENDING: agreements.EscrowStep = { status: 'pending', transaction: null };

/** One order of the authorizer for all of it; where that is overtaken, the chain tells what is left to do. */
async function release(
  options: AgreementEscrowOptions,
  offer: Offer,
  { amount, fee }: { readonly amount: bigint; readonly fee: bigint },
): Promise<agreements.EscrowStep> {
  const { network, facilitator, authorizer, clock } = options;
  const giveBack = () => facilitator.settle(voidRequest({ network, authorizer }, offer));
  const pays = amount > 0n;
  const first = pays
    ? await facilitator.settle(captureRequest({ network, authorizer }, offer, { amount, fee }))
    : await giveBack();
  const step = stepOf(first);
  if (step.status !== 'failed') return step.status === 'done' ? { ...step, captured: amount } : step;
  const seen = await look(options, offer);
  const { collected, capturable, captured, transaction } = seen;
  if (collected && capturable === 0n) return { status: 'done', transaction, captured };
  const isLate = unixSeconds(clock) >= offer.paymentInfo.authorizationExpiry;
  if (!pays || (captured === 0n && !isLate)) return PENDING;
  const rest = stepOf(await giveBack());
  return rest.status === 'done' ? { ...rest, captured } : PENDING;
}

/** What the escrow has of an offer, and the last transaction that moved it. */
async function look(
  { chain, network }: AgreementEscrowOptions,
  { paymentInfo }: Offer,
): Promise<agreements.HoldSight> {
  const id = paymentInfoHash(network.chainId, toPaymentInfo(paymentInfo));
  // The block first: what it does not show then was not there at its time.
  const { timestamp } = await chain.block();
  const state = readHoldState((await chain.read([holdStateCall(id)]))[0] as CallResult);
  if (!state) throw new Error(`The escrow on ${network.name} does not tell.`);
  const { collected, capturable, refundable: captured } = state;
  const found = collected
    ? await chain.transactionsWith({ address: AUTH_CAPTURE_ESCROW, topics: holdTopics(id) })
    : [];
  const transaction = found.at(-1)?.receipt.hash ?? null;
  return { collected, capturable, captured, transaction, at: Number(timestamp) };
}

function stepOf({ success, errorReason, transaction }: x402v2.SettleResponse): agreements.EscrowStep {
  const hash = transaction === '' ? null : transaction;
  if (success) return { status: 'done', transaction: hash, captured: 0n };
  if (errorReason === reasonCode('settlementPending', 2)) return { status: 'pending', transaction: hash };
  return { status: 'failed', reason: errorReason ?? 'refused' };
}

const refusals: readonly (readonly [Reason, agreements.OfferRefusal['why']])[] = [
  ['authCaptureSignature', 'signature'],
  ['authCaptureInsufficientBalance', 'funds'],
  ['authCaptureCollected', 'collected'],
];

function whyOf(code: string | undefined): agreements.OfferRefusal['why'] {
  return refusals.find(([reason]) => reasonCode(reason, 2) === code)?.[1] ?? 'other';
}

/** Typed data as JSON has it. */
function asText(data: ReturnType<typeof escrowTypedData>): agreements.TypedData {
  const message = Object.entries(data.message).map(([name, value]) => [
    name,
    typeof value === 'bigint' ? value.toString() : value,
  ]);
  return {
    domain: { ...data.domain },
    types: data.types,
    primaryType: data.primaryType,
    message: Object.fromEntries(message) as Record<string, Hex>,
  };
}
