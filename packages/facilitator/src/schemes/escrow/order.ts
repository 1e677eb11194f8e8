import {
  AUTH_CAPTURE_ESCROW,
  orderBinding,
  RECEIVER_REFUND_COLLECTOR,
  sameHex,
  toPaymentInfo,
  type Address,
  type AuthCaptureOrder,
  type Hex,
} from '@agentpay/protocol';
import {
  canonicalSignature,
  captureCall,
  holdEventsIn,
  holdStateCall,
  holdTopics,
  isHoldRefused,
  readHoldState,
  refundCall,
  voidCall,
  type Call,
  type CallResult,
  type CaptureItem,
  type Chain,
  type HoldEvent,
  type EscrowBalance,
  type RefundItem,
  type VoidItem,
} from '@agentpay/evm';
import { examine, type Examiner } from '../examine.js';
import type { Order, PaymentRefusal, Scheme, SchemeName, SettlementTransfer, Use } from '../Scheme.js';
import { signerOf } from '../signerOf.js';
import { escrowRefusal } from './escrowRefusal.js';
import { chainChecks, isOvertaken, overtaken, termChecks, type OrderFindings } from './orderChecks.js';
import { readOrder, type HoldOrder } from './readOrder.js';

/** Gas limit of a transaction of its own; the first payment of an operator has its store deployed, too. */
const ALONE_GAS = 400_000n;
/** Gas of an order among others. */
const SHARED_GAS = 110_000n;
/** An order to void has no end: the payer may have reclaimed long before. */
const NEVER = 2n ** 48n;

type Kind = AuthCaptureOrder['type'];

/** What is kept of an order beside the authorizer's signature. */
interface KeptOrder {
  readonly order: AuthCaptureOrder;
  readonly authorizer: Address;
  /** The escrow's name of the payment. */
  readonly id: Hex;
}

/** Scheme `auth-capture` v1.1, the seller's part: what the receiver authorizer signed is done with a hold, once. */
export function orderScheme(kind: Kind): Scheme {
  const name: SchemeName = `escrow-${kind}`;
  return {
    name,
    takes: ({ x402Version, paymentRequirements: { scheme }, paymentPayload: { payload } }) =>
      x402Version === 2 && scheme === 'auth-capture' && payload['type'] === kind,
    read(request, settings) {
      const payment = readOrder(request, settings);
      if ('reason' in payment) return payment as PaymentRefusal;
      const { order, authorizer, id, digest, info } = payment;
      const { authorizerSignature: _, ...unsigned } = order;
      return {
        scheme: name,
        payer: info.payer,
        asset: AUTH_CAPTURE_ESCROW,
        nonce: digest,
        amount: order.type === 'void' ? info.maxAmount : BigInt(order.amount),
        validAfter: 0n,
        authorization: { order: unsigned, authorizer, id },
        // What was signed is good for one effect, whoever asks for it and with whatever else.
        fingerprint: `${name} ${digest}`,
        purchase: payment.purchase,
        tellsAmount: order.type !== 'void',
        examine: (context) => examine(examiner, payment, context),
      };
    },
    transfer: transferOf,
  };
}

const examiner: Examiner<HoldOrder, OrderFindings> = {
  termChecks,
  chainChecks,
  isSignedByKey({ digest, signature, authorizer }) {
    const signer = signerOf(digest, signature);
    return signer !== undefined && sameHex(signer, authorizer);
  },
  async readFindings(chain, { order, authorizer, id, signature }) {
    const own = { order, authorizer, id };
    const calls = [holdStateCall(id), callOf(own, [itemOf(own, signature)], true)];
    const [state, outcome] = (await chain.read(calls)) as [CallResult, CallResult];
    return { state, outcome, balance: { success: false, data: '0x' } };
  },
  proof: ({ signature }) => ({ signature: canonicalSignature(signature), byAccount: false }),
};

function itemOf({ order, authorizer }: KeptOrder, signature: Hex): CaptureItem | VoidItem | RefundItem {
  const authorizerSignature = canonicalSignature(signature);
  const info = toPaymentInfo(order.paymentInfo);
  const common = { info, binding: orderBinding(order, authorizer), authorizerSignature };
  if (order.type === 'void') return common;
  const amounts = {
    amount: BigInt(order.amount),
    expectedCapturableAmount: BigInt(order.expectedCapturableAmount),
    expectedRefundableAmount: BigInt(order.expectedRefundableAmount),
  };
  if (order.type === 'refund') {
    const { tokenCollector = RECEIVER_REFUND_COLLECTOR, collectorData = '0x' } = order;
    return { ...common, ...amounts, tokenCollector, collectorData };
  }
  const { feeAmount, feeReceiver, payerSignature = '0x' } = order;
  return { ...common, ...amounts, feeAmount: BigInt(feeAmount), feeReceiver, payerSignature };
}

function callOf({ order }: KeptOrder, items: readonly unknown[], single: boolean): Call {
  const { operator } = order.paymentInfo;
  if (order.type === 'void') return voidCall(operator, items as readonly VoidItem[], single);
  if (order.type === 'refund') return refundCall(operator, items as readonly RefundItem[], single);
  return captureCall(operator, items as readonly CaptureItem[], single);
}

function transferOf(kept: Order, _gas: unknown, since?: bigint): SettlementTransfer {
  const own = kept.authorization as unknown as KeptOrder;
  const { order, id } = own;
  const info = toPaymentInfo(order.paymentInfo);
  const item = itemOf(own, kept.signature);
  const call = () => callOf(own, [item], true);
  const isRefusedBy: SettlementTransfer['isRefusedBy'] = (logs) => isHoldRefused(logs, info.operator, id);
  return {
    calls: () => [call()],
    bundle: {
      kind: `${kept.scheme} ${info.operator}`,
      item,
      gas: SHARED_GAS,
      call: (items) => callOf(own, items, false),
    },
    alone: false,
    gas: ALONE_GAS,
    sender: undefined,
    endsAt: endOf(order),
    endReason: order.type === 'refund' ? 'authCaptureRefundExpired' : 'authCaptureCaptureExpired',
    usedReason: overtaken[order.type],
    failReason: 'authCaptureReverted',
    useQuestion: holdStateCall(id),
    isUsed: (result) => isOvertaken(order, result),
    findUse: (chain) => findUse(chain, { id, order, since }),
    isProvedBy(logs) {
      // Of several events one may be another order's: then the whole story of the payment decides.
      const events = holdEventsIn(logs, id);
      return events.length === 1 && carriesOut(order, events[0] as HoldEvent) && !isRefusedBy(logs);
    },
    isRefusedBy,
    simulate: async (chain) => escrowRefusal((await chain.read([call()])).at(-1) as CallResult),
  };
}

function endOf({ type, paymentInfo }: AuthCaptureOrder): bigint {
  if (type === 'void') return NEVER;
  return BigInt(type === 'refund' ? paymentInfo.refundExpiry : paymentInfo.authorizationExpiry);
}

function carriesOut(order: AuthCaptureOrder, event: HoldEvent): boolean {
  if (order.type === 'void') return event.kind === 'voided';
  const { kind, amount, feeAmount, by } = event;
  if (amount !== BigInt(order.amount) || by === undefined) return false;
  if (order.type === 'refund')
    return kind === 'refunded' && sameHex(by, order.tokenCollector ?? RECEIVER_REFUND_COLLECTOR);
  return kind === 'captured' && feeAmount === BigInt(order.feeAmount) && sameHex(by, order.feeReceiver);
}

interface Sought {
  readonly id: Hex;
  readonly order: AuthCaptureOrder;
  readonly since: bigint | undefined;
}

/**
 * What moved the hold on from what the order expects. Balances never come back to what they were, so that going back from those of now
 * by what the logs tell leads to the one event that met them.
 */
async function findUse(chain: Chain, { id, order, since }: Sought): Promise<Use | undefined> {
  const read = async () => readHoldState((await chain.read([holdStateCall(id)]))[0] as CallResult);
  let after = await read();
  const found = await chain.transactionsWith({ address: AUTH_CAPTURE_ESCROW, topics: holdTopics(id), since });
  const again = await read();
  // A block came in between: another look will tell.
  if (after?.capturable !== again?.capturable || after?.refundable !== again?.refundable) return undefined;
  for (const { receipt } of [...found].reverse()) {
    for (const event of holdEventsIn(receipt.logs, id).reverse()) {
      const before: EscrowBalance | undefined = after && undo(after, event);
      if (!before) return undefined;
      if (meets(order, before)) return { receipt, paid: carriesOut(order, event) };
      after = before;
    }
  }
  return undefined;
}

function meets(order: AuthCaptureOrder, { capturable, refundable }: EscrowBalance): boolean {
  if (order.type === 'void') return capturable > 0n;
  return (
    capturable === BigInt(order.expectedCapturableAmount) &&
    refundable === BigInt(order.expectedRefundableAmount)
  );
}

/** The state before an event; undefined when they do not go together. */
function undo(
  { collected, capturable, refundable }: EscrowBalance,
  event: HoldEvent,
): EscrowBalance | undefined {
  const { kind, amount } = event;
  const before = {
    captured: { capturable: capturable + amount, refundable: refundable - amount },
    refunded: { capturable, refundable: refundable + amount },
    voided: { capturable: capturable + amount, refundable },
    reclaimed: { capturable: capturable + amount, refundable },
    authorized: { capturable: capturable - amount, refundable },
    charged: { capturable, refundable: refundable - amount },
  }[kind];
  return before.capturable >= 0n && before.refundable >= 0n ? { collected, ...before } : undefined;
}
