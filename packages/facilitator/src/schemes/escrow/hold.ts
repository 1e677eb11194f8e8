import {
  AUTH_CAPTURE_ESCROW,
  authCaptureCollector,
  bytesToHex,
  fromPaymentInfo,
  hashEscrowConsent,
  hashEscrowPermit,
  jcs,
  PERMIT2,
  sameHex,
  toPaymentInfo,
  paymentInfoHash,
  type Hex,
  type WirePaymentInfo,
  type Address,
} from '@agentpay/protocol';
import {
  allowanceCall,
  authorizeCall,
  authorizedTopics,
  authorizeManyCall,
  balanceCall,
  canonicalSignature,
  holdEventsIn,
  holdStateCall,
  isHoldRefused,
  isValidSignatureCall,
  readHoldState,
  type CallResult,
  type Chain,
  type HoldItem,
} from '@agentpay/evm';
import { hasCode } from '../eip3009Checks.js';
import { examine, type Examiner } from '../examine.js';
import type { GasLimits, Order, Scheme, SettlementTransfer, TransferProof } from '../Scheme.js';
import { signerOf } from '../signerOf.js';
import { fingerprintOf, servedToken } from '../terms.js';
import { escrowRefusal } from './escrowRefusal.js';
import { chainChecks, termChecks } from './holdChecks.js';
import type { HoldFindings, HoldPayment } from './HoldPayment.js';
import { readHold } from './readHold.js';

/** Gas limit of a transaction of its own; the first payment of an operator has its store deployed, too. */
const KEY_GAS = 400_000n;
/** Gas of a hold among others. */
const SHARED_GAS = 140_000n;
/** What escrow and operator add to the gas of an account's own code. */
const ESCROW_GAS = 200_000n;

/** Scheme `auth-capture` v1.1 (x402 v2), the payer's part: the escrow takes the whole amount and holds it. */
export const hold: Scheme = {
  name: 'escrow-authorize',
  takes: ({ x402Version, paymentRequirements: { scheme } }) => x402Version === 2 && scheme === 'auth-capture',
  read(request, settings) {
    const payment = readHold(request, settings);
    if ('reason' in payment) return payment;
    const { info, id, signature, amount } = payment;
    const authorization = {
      paymentInfo: fromPaymentInfo(info),
      tokenCollector: authCaptureCollector(payment.payload),
    };
    let fingerprint: string | undefined;
    return {
      scheme: hold.name,
      payer: info.payer,
      asset: AUTH_CAPTURE_ESCROW,
      nonce: id,
      amount,
      validAfter: 0n,
      authorization,
      get fingerprint() {
        return (fingerprint ??= fingerprintOf(payment, [jcs(authorization), signature]));
      },
      purchase: payment.purchase,
      tellsAmount: false,
      examine: (context) => examine(examiner, payment, context),
    };
  },
  transfer: transferOf,
};

const examiner: Examiner<HoldPayment, HoldFindings> = {
  termChecks,
  chainChecks,
  isSignedByKey(payment) {
    const signer = signerOf(digestOf(payment), payment.signature);
    return signer !== undefined && sameHex(signer, payment.info.payer);
  },
  readFindings,
  proof: proofOf,
};

function digestOf(payment: HoldPayment): Hex {
  const { info, payload, settings, asset } = payment;
  const { chainId } = settings.network;
  if ('permit2Authorization' in payload) return bytesToHex(hashEscrowPermit(chainId, info));
  // The token's own words count, whatever the seller says.
  const eip712 = servedToken(payment)?.eip712 ?? { name: '', version: '' };
  return bytesToHex(hashEscrowConsent({ ...eip712, chainId, verifyingContract: asset }, info));
}

async function readFindings(chain: Chain, payment: HoldPayment, byKey: boolean): Promise<HoldFindings> {
  const { info, id, asset, payload, settings } = payment;
  const signature = byKey ? canonicalSignature(payment.signature) : payment.signature;
  const byPermit2 = 'permit2Authorization' in payload;
  const views = [
    holdStateCall(id),
    balanceCall(asset, info.payer),
    isValidSignatureCall(info.payer, digestOf(payment), signature),
    ...(byPermit2 ? [allowanceCall(asset, info.payer, PERMIT2)] : []),
  ];
  const authorize = authorizeCall({ ...itemOf(payment), collectorData: signature });
  const results = byKey
    ? await chain.read([...views, authorize], { payer: info.payer })
    : await Promise.all([
        chain.read(views),
        // Code of the payer's choice may behave otherwise with less gas, or for another sender.
        chain.simulate(authorize, {
          from: settings.facilitatorAddress,
          gas: settings.gas.account + ESCROW_GAS,
        }),
      ]).then(([viewed, simulated]) => [...viewed, simulated]);
  const [state, balance, account] = results as [CallResult, CallResult, CallResult];
  const allowance = byPermit2 ? results[3] : undefined;
  return { state, balance, account, allowance, authorize: results.at(-1) as CallResult };
}

function itemOf({ info, payload, signature }: HoldPayment): HoldItem {
  return { info, tokenCollector: authCaptureCollector(payload), collectorData: signature };
}

function proofOf({ signature }: HoldPayment, byKey: boolean, { account }: HoldFindings): TransferProof {
  if (!byKey) return { signature, byAccount: true };
  return { signature: canonicalSignature(signature), byAccount: hasCode(account) };
}

function transferOf(order: Order, limits: GasLimits, since?: bigint): SettlementTransfer {
  const { paymentInfo, tokenCollector } = order.authorization as {
    paymentInfo: WirePaymentInfo;
    tokenCollector: Address;
  };
  const info = toPaymentInfo(paymentInfo);
  const { operator } = info;
  const id = order.nonce;
  const item: HoldItem = { info, tokenCollector, collectorData: order.signature };
  const call = () => authorizeCall(item);
  return {
    calls: () => [call()],
    bundle: {
      kind: `${order.scheme} ${operator}`,
      item,
      gas: SHARED_GAS,
      call: (items) => authorizeManyCall(operator, items as readonly HoldItem[]),
    },
    alone: order.byAccount,
    gas: order.byAccount ? limits.account + ESCROW_GAS : KEY_GAS,
    sender: undefined,
    endsAt: BigInt(info.preApprovalExpiry),
    endReason: 'authCaptureExpired',
    usedReason: 'authCaptureCollected',
    failReason: 'authCaptureReverted',
    useQuestion: holdStateCall(id),
    isUsed: (result) => readHoldState(result)?.collected,
    async findUse(chain) {
      const [made] = await chain.transactionsWith({
        address: AUTH_CAPTURE_ESCROW,
        topics: authorizedTopics(id),
        since,
      });
      return made && { receipt: made.receipt, paid: true };
    },
    isProvedBy: (logs) => holdEventsIn(logs, id).some(({ kind }) => kind === 'authorized'),
    isRefusedBy: (logs) => isHoldRefused(logs, operator, id),
    simulate: async (chain) => escrowRefusal((await chain.read([call()])).at(-1) as CallResult),
  };
}

/** The key under which the hold of a payment is on record. */
export function holdKey(
  chainId: number,
  wire: WirePaymentInfo,
): { asset: Address; payer: Address; nonce: Hex } {
  const info = toPaymentInfo(wire);
  return { asset: AUTH_CAPTURE_ESCROW, payer: info.payer, nonce: paymentInfoHash(chainId, info) };
}
