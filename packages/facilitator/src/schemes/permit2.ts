import {
  bytesToHex,
  checksumAddress,
  gasSponsoringIn,
  jcs,
  PERMIT2,
  sameHex,
  unwrapSignature,
  type FacilitatorRequest,
  type GasSponsoring,
  type Hex,
} from '@agentpay/protocol';
import {
  allowanceCall,
  balanceCall,
  canonicalSignature,
  isPermitNonceUsed,
  isValidSignatureCall,
  parseSignature,
  permitNonceCall,
  permitNonceInvalidated,
  permitNonceInvalidations,
  provesProxyPayment,
  settledPermit,
  TRANSFER,
  word,
  type Block,
  type CallResult,
  type Chain,
  type FoundTransaction,
  type TokenAllowance,
} from '@agentpay/evm';
import { toHex } from 'viem';
import { examine, type Examiner } from './examine.js';
import type { Permit, Permit2Findings, Permit2Kind, Permit2Payment } from './Permit2Payment.js';
import { chainChecks, settleRefusal, termChecks } from './permit2Checks.js';
import type { GasLimits, Order, Scheme, SchemeSettings, SettlementTransfer, Use } from './Scheme.js';
import { fingerprintOf, malformedAs, readTerms } from './terms.js';
import { signerOf } from './signerOf.js';

/** Gas limit where no code of the payer's choice runs; what is not used is not paid. */
const KEY_GAS = 250_000n;
/** What a permit of the token costs on top. */
const PERMIT_GAS = 100_000n;
/** Seconds after the end of a permit in which an RPC node may still have to learn of its blocks. */
const LAG = 60n;
/** Blocks of so many seconds are searched without a gap, whatever ranges the node allows. */
const SEARCHED = 10_800n;

export function permit2Scheme(kind: Permit2Kind): Scheme {
  return {
    name: kind.name,
    takes: ({ x402Version, paymentRequirements: { scheme }, paymentPayload: { payload } }) =>
      x402Version === 2 && scheme === kind.scheme && 'permit2Authorization' in payload,
    read(request, settings) {
      const payment = readPayment(kind, request, settings);
      const { permit, signature, amount, sponsoring } = payment;
      const signed = kind.fromPermit(permit);
      const authorization = sponsoring ? { ...signed, sponsoring } : signed;
      let fingerprint: string | undefined;
      return {
        scheme: kind.name,
        payer: permit.from,
        asset: PERMIT2,
        nonce: toHex(permit.nonce, { size: 32 }),
        amount,
        validAfter: permit.witness.validAfter,
        sender: permit.witness.facilitator,
        authorization,
        get fingerprint() {
          return (fingerprint ??= fingerprintOf(payment, [jcs(signed), signature]));
        },
        purchase: payment.purchase,
        tellsAmount: kind.scheme === 'upto',
        examine: (context) => examine(examiner, payment, context),
      };
    },
    transfer: (order, gas, since) => transferOf(kind, order, gas, since),
  };
}

function readPayment(
  kind: Permit2Kind,
  request: FacilitatorRequest,
  settings: SchemeSettings,
): Permit2Payment {
  const { permit, signature } = malformedAs('invalid_payload', () => {
    const payload = kind.readPayload(request.paymentPayload.payload);
    return { permit: canonical(payload.permit), signature: unwrapSignature(payload.signature).signature };
  });
  return {
    ...readTerms(request, settings),
    kind,
    permit,
    signature,
    sponsoring: kind.sponsored ? readSponsoring(request) : undefined,
  };
}

function readSponsoring(request: FacilitatorRequest): GasSponsoring | undefined {
  if (request.x402Version !== 2) return undefined;
  const { extensions } = request.paymentPayload;
  return malformedAs('invalid_eip2612_extension_format', () => {
    const sponsoring = gasSponsoringIn(extensions);
    if (!sponsoring || parseSignature(sponsoring.signature)) return sponsoring;
    throw new Error('The permit of the token must be signed by r, the low s and v.');
  });
}

/** The permit of the token as the proxy takes it. */
function allowanceIn(sponsoring: GasSponsoring | undefined): TokenAllowance | undefined {
  if (!sponsoring) return undefined;
  const { amount, deadline, signature } = sponsoring;
  return { value: BigInt(amount), deadline: BigInt(deadline), signature };
}

/** Addresses may come in any case, also with a checksum that is wrong; they leave in the one form that everybody takes. */
function canonical({ from, permitted, spender, witness, ...rest }: Permit): Permit {
  const { facilitator } = witness;
  return {
    ...rest,
    from: checksumAddress(from),
    permitted: { ...permitted, token: checksumAddress(permitted.token) },
    spender: checksumAddress(spender),
    witness: {
      ...witness,
      to: checksumAddress(witness.to),
      ...(facilitator && { facilitator: checksumAddress(facilitator) }),
    },
  };
}

const examiner: Examiner<Permit2Payment, Permit2Findings> = {
  termChecks,
  chainChecks,
  isSignedByKey(payment) {
    const signer = signerOf(digestOf(payment), payment.signature);
    return signer !== undefined && sameHex(signer, payment.permit.from);
  },
  readFindings,
  proof: ({ signature }, byKey) => ({
    signature: byKey ? canonicalSignature(signature) : signature,
    byAccount: !byKey,
  }),
};

function digestOf({ kind, permit, settings: { network } }: Permit2Payment): Hex {
  return bytesToHex(kind.digest(network.chainId, permit));
}

async function readFindings(
  chain: Chain,
  payment: Permit2Payment,
  byKey: boolean,
  nowSeconds: bigint,
): Promise<Permit2Findings> {
  const { permit, amount, signature } = payment;
  const { from, permitted, nonce } = permit;
  const views = [
    permitNonceCall(from, nonce),
    balanceCall(permitted.token, from),
    allowanceCall(permitted.token, from, PERMIT2),
  ];
  const questions = byKey ? [] : [isValidSignatureCall(from, digestOf(payment), signature)];
  const [results, settle] = await Promise.all([
    chain.read([...questions, ...views], byKey ? { payer: from } : undefined),
    // Nothing to move is nothing to try.
    amount === 0n ? { success: true, data: '0x' as const } : simulate(chain, payment, byKey, nowSeconds),
  ]);
  const [nonces, balance, allowance] = results.slice(-views.length) as [CallResult, CallResult, CallResult];
  return { nonces, balance, allowance, account: byKey ? undefined : results[0], settle };
}

/**
 * The upto proxy takes calls from the named facilitator only, the other one from everybody. Code of the payer's choice may behave otherwise
 * with less gas, or for another sender, so the call is simulated as it would be sent.
 */
async function simulate(
  chain: Chain,
  { kind, permit, amount, signature, sponsoring, settings: { gas, facilitatorAddress } }: Permit2Payment,
  byKey: boolean,
  nowSeconds: bigint,
): Promise<CallResult> {
  const { facilitator, validAfter } = permit.witness;
  const as = { from: facilitator ?? facilitatorAddress, gas: gasOf(sponsoring, byKey, gas) };
  const call = kind.settleCall(permit, amount, signature, allowanceIn(sponsoring));
  const result = await chain.simulate(call, as);
  // The latest block is older than the permit; the next one takes it.
  const isNext = validAfter <= nowSeconds && settleRefusal(result)?.reason === 'permit2PaymentTooEarly';
  return isNext ? chain.simulate(call, { ...as, time: validAfter + 1n }) : result;
}

function gasOf(sponsoring: GasSponsoring | undefined, byKey: boolean, limits: GasLimits): bigint {
  return (byKey ? KEY_GAS : limits.permit2Account) + (sponsoring ? PERMIT_GAS : 0n);
}

function transferOf(kind: Permit2Kind, order: Order, limits: GasLimits, since?: bigint): SettlementTransfer {
  const { sponsoring, ...signed } = order.authorization as { readonly sponsoring?: GasSponsoring };
  const permit = kind.toPermit(signed);
  const { from, nonce, deadline, permitted, witness } = permit;
  const payment = { proxy: kind.proxy, token: permitted.token, from, to: witness.to, amount: order.amount };
  const call = () => kind.settleCall(permit, order.amount, order.signature, allowanceIn(sponsoring));
  const isProvedBy: SettlementTransfer['isProvedBy'] = (logs) => provesProxyPayment(logs, payment);
  const mayBeOurs = ({ call: made, receipt }: FoundTransaction) => {
    const settled = settledPermit(made);
    const isOther = settled && !(sameHex(settled.owner, from) && settled.nonce === nonce);
    return !isOther && isProvedBy(receipt.logs);
  };
  const isOurs = (found: FoundTransaction) => settledPermit(found.call) !== undefined && mayBeOurs(found);
  const endsAt = deadline + 1n;
  const isOver = ({ timestamp }: Block) =>
    since !== undefined && timestamp >= endsAt + LAG && timestamp - since <= SEARCHED;
  return {
    calls: () => [call()],
    // The logs do not name the nonce, so a transaction must not carry two of them.
    alone: true,
    gas: gasOf(sponsoring, !order.byAccount, limits),
    sender: witness.facilitator,
    endsAt,
    endReason: 'permit2DeadlineExpired',
    usedReason: 'permit2NonceUsed',
    useQuestion: permitNonceCall(from, nonce),
    isUsed: (result) => isPermitNonceUsed(result, nonce),
    async findUse(chain, head): Promise<Use | undefined> {
      const transfers = await chain.transactionsWith({
        address: permitted.token,
        topics: [TRANSFER, word(from), word(witness.to)],
        since,
      });
      const paid = transfers.find(isOurs);
      if (paid) return { receipt: paid.receipt, paid: true };
      const invalidations = await chain.transactionsWith({ ...permitNonceInvalidations(from), since });
      const invalidated = invalidations.find(({ receipt }) =>
        permitNonceInvalidated(receipt.logs, from, nonce),
      );
      if (invalidated) return { receipt: invalidated.receipt, paid: false };
      // No log tells that another permit has used the nonce. When no block can take this one any more, it is enough that none has.
      return isOver(head) && !transfers.some(mayBeOurs) ? { paid: false } : undefined;
    },
    isProvedBy,
    simulate: async (chain) =>
      settleRefusal(await chain.simulate(call(), { from: witness.facilitator ?? PERMIT2 })),
  };
}
