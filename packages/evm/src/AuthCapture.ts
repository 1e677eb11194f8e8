import {
  AUTH_CAPTURE_ESCROW,
  sameHex,
  type Address,
  type CaptureOrder,
  type Hex,
  type PaymentInfo,
  type RefundOrder,
  type SaltBinding,
} from '@agentpay/protocol';
import {
  decodeErrorResult,
  decodeEventLog,
  encodeEventTopics,
  encodeFunctionData,
  parseAbi,
  toEventSelector,
} from 'viem';
import type { Call, CallResult, Log } from './Chain.js';
import { revertText } from './FiatToken.js';

const WHO = 'address operator; address payer; address receiver; address token;';
const UNTIL = 'uint48 preApprovalExpiry; uint48 authorizationExpiry; uint48 refundExpiry;';
const FEES = 'uint16 minFeeBps; uint16 maxFeeBps; address feeReceiver;';
const BOUND = 'PaymentInfo info; Binding binding;';
const PAID = 'uint256 amount; uint256 feeAmount; address feeReceiver;';
const BROUGHT = 'uint256 amount; address tokenCollector; bytes collectorData;';
const EXPECTED = 'uint256 expectedCapturableAmount; uint256 expectedRefundableAmount;';
const STRUCTS = [
  `struct PaymentInfo { ${WHO} uint120 maxAmount; ${UNTIL} ${FEES} uint256 salt; }`,
  'struct Binding { address receiverAuthorizer; uint256 saltNonce; uint48 captureNotBefore; }',
  'struct Authorize { PaymentInfo info; address tokenCollector; bytes collectorData; }',
  `struct Capture { ${BOUND} ${PAID} ${EXPECTED} bytes authorizerSignature; bytes payerSignature; }`,
  `struct Void { ${BOUND} bytes authorizerSignature; }`,
  `struct Refund { ${BOUND} ${BROUGHT} ${EXPECTED} bytes authorizerSignature; }`,
] as const;

const PAYMENT = 'bytes32 indexed paymentInfoHash, PaymentInfo paymentInfo, uint256 amount';

/** Our operator contract of escrowed payments (`AgreementOperator`). */
export const operatorAbi = parseAbi([
  ...STRUCTS,
  'function ESCROW() view returns (address)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function authorize(PaymentInfo info, uint256 amount, address tokenCollector, bytes collectorData)',
  'function capture(Capture item)',
  'function void(Void item)',
  'function refund(Refund item)',
  'function authorizeMany(Authorize[] items)',
  'function captureMany(Capture[] items)',
  'function voidMany(Void[] items)',
  'function refundMany(Refund[] items)',
]);

/** The part of the escrow that is asked, and what it leaves in the logs. */
export const escrowAbi = parseAbi([
  STRUCTS[0],
  'function paymentState(bytes32 paymentInfoHash) view returns (bool, uint120 capturable, uint120 refundable)',
  'function reclaim(PaymentInfo info)',
  `event PaymentCharged(${PAYMENT}, address tokenCollector, uint256 feeAmount, address feeReceiver)`,
  `event PaymentAuthorized(${PAYMENT}, address tokenCollector)`,
  'event PaymentCaptured(bytes32 indexed paymentInfoHash, uint256 amount, uint256 feeAmount, address feeReceiver)',
  'event PaymentVoided(bytes32 indexed paymentInfoHash, uint256 amount)',
  'event PaymentReclaimed(bytes32 indexed paymentInfoHash, uint256 amount)',
  'event PaymentRefunded(bytes32 indexed paymentInfoHash, uint256 amount, address tokenCollector)',
]);

/** How escrow and operator refuse. */
export const escrowErrorAbi = parseAbi([
  'error Reentrancy()',
  'error InvalidSender(address sender, address expected)',
  'error ZeroAmount()',
  'error AmountOverflow(uint256 amount, uint256 limit)',
  'error ExceedsMaxAmount(uint256 amount, uint256 maxAmount)',
  'error AfterPreApprovalExpiry(uint48 timestamp, uint48 expiry)',
  'error InvalidExpiries(uint48 preApproval, uint48 authorization, uint48 refund)',
  'error FeeBpsOverflow(uint16 feeBps)',
  'error InvalidFeeBpsRange(uint16 minFeeBps, uint16 maxFeeBps)',
  'error FeeAmountOutOfRange(uint256 feeAmount, uint256 minFeeAmount, uint256 maxFeeAmount)',
  'error ZeroFeeReceiver()',
  'error InvalidFeeReceiver(address attempted, address expected)',
  'error InvalidCollectorForOperation()',
  'error TokenCollectionFailed()',
  'error PaymentAlreadyCollected(bytes32 paymentInfoHash)',
  'error AfterAuthorizationExpiry(uint48 timestamp, uint48 expiry)',
  'error InsufficientAuthorization(bytes32 paymentInfoHash, uint256 authorizedAmount, uint256 requestedAmount)',
  'error ZeroAuthorization(bytes32 paymentInfoHash)',
  'error BeforeAuthorizationExpiry(uint48 timestamp, uint48 expiry)',
  'error AfterRefundExpiry(uint48 timestamp, uint48 expiry)',
  'error RefundExceedsCapture(uint256 refund, uint256 captured)',
  'error NotFullAmount()',
  'error EscrowFailed()',
  'error UnknownCollector(address collector)',
  'error SaltNotBound()',
  'error InvalidAuthorizerSignature()',
  'error UnexpectedPaymentState(uint256 capturableAmount, uint256 refundableAmount)',
  'error ChallengeWindowOpen(uint48 captureNotBefore)',
]);

/** First topic of the log by which the operator says that it left one of many out. */
export const ORDER_REFUSED = toEventSelector('Refused(bytes32,bytes)');

/** A hold to make. */
export interface HoldItem {
  readonly info: PaymentInfo;
  readonly tokenCollector: Address;
  readonly collectorData: Hex;
}

interface Ordered {
  readonly info: PaymentInfo;
  readonly binding: SaltBinding;
  readonly authorizerSignature: Hex;
}
export interface CaptureItem extends Ordered, Omit<CaptureOrder, 'paymentInfoHash'> {
  /** "0x" where none is needed. */
  readonly payerSignature: Hex;
}
export type VoidItem = Ordered;
export interface RefundItem extends Ordered, Omit<RefundOrder, 'paymentInfoHash'> {
  readonly collectorData: Hex;
}

function onChain(info: PaymentInfo) {
  return { ...info, salt: BigInt(info.salt) };
}

function ordered<Item extends Ordered>(item: Item) {
  const { receiverAuthorizer, saltNonce, captureNotBefore } = item.binding;
  return {
    ...item,
    info: onChain(item.info),
    binding: { receiverAuthorizer, saltNonce: BigInt(saltNonce), captureNotBefore },
  };
}

/** Asks the operator which escrow it calls and for its EIP-712 domain separator. */
export function operatorQuestions(operator: Address): readonly [Call, Call] {
  const ask = (functionName: 'ESCROW' | 'DOMAIN_SEPARATOR') => ({
    to: operator,
    data: encodeFunctionData({ abi: operatorAbi, functionName }),
  });
  return [ask('ESCROW'), ask('DOMAIN_SEPARATOR')];
}

/** Makes a hold, or reverts. Anybody may send it. */
export function authorizeCall({ info, tokenCollector, collectorData }: HoldItem): Call {
  const args = [onChain(info), info.maxAmount, tokenCollector, collectorData] as const;
  return {
    to: info.operator,
    data: encodeFunctionData({ abi: operatorAbi, functionName: 'authorize', args }),
  };
}

/** Makes those holds that can be made. */
export function authorizeManyCall(operator: Address, items: readonly HoldItem[]): Call {
  const list = items.map((item) => ({ ...item, info: onChain(item.info) }));
  return {
    to: operator,
    data: encodeFunctionData({ abi: operatorAbi, functionName: 'authorizeMany', args: [list] }),
  };
}

/** Pays out of holds; a single one reverts when it is refused, of many those that are refused are left out. */
export function captureCall(operator: Address, items: readonly CaptureItem[], single: boolean): Call {
  const list = items.map(ordered);
  const data = single
    ? encodeFunctionData({ abi: operatorAbi, functionName: 'capture', args: [list[0] as (typeof list)[0]] })
    : encodeFunctionData({ abi: operatorAbi, functionName: 'captureMany', args: [list] });
  return { to: operator, data };
}

/** Gives holds back, otherwise like {@link captureCall}. */
export function voidCall(operator: Address, items: readonly VoidItem[], single: boolean): Call {
  const list = items.map(ordered);
  const data = single
    ? encodeFunctionData({ abi: operatorAbi, functionName: 'void', args: [list[0] as (typeof list)[0]] })
    : encodeFunctionData({ abi: operatorAbi, functionName: 'voidMany', args: [list] });
  return { to: operator, data };
}

/** Gives captured money back, otherwise like {@link captureCall}. */
export function refundCall(operator: Address, items: readonly RefundItem[], single: boolean): Call {
  const list = items.map(ordered);
  const data = single
    ? encodeFunctionData({ abi: operatorAbi, functionName: 'refund', args: [list[0] as (typeof list)[0]] })
    : encodeFunctionData({ abi: operatorAbi, functionName: 'refundMany', args: [list] });
  return { to: operator, data };
}

/** Takes a hold back after its end; only the payer may. */
export function reclaimCall(info: PaymentInfo): Call {
  const args = [onChain(info)] as const;
  return {
    to: AUTH_CAPTURE_ESCROW,
    data: encodeFunctionData({ abi: escrowAbi, functionName: 'reclaim', args }),
  };
}

/** What the escrow holds of a payment, in base units. */
export interface EscrowBalance {
  readonly collected: boolean;
  readonly capturable: bigint;
  readonly refundable: bigint;
}

export function holdStateCall(id: Hex): Call {
  return {
    to: AUTH_CAPTURE_ESCROW,
    data: encodeFunctionData({ abi: escrowAbi, functionName: 'paymentState', args: [id] }),
  };
}

/** The state in a response to {@link holdStateCall}; undefined when it is none. */
export function readHoldState({ success, data }: CallResult): EscrowBalance | undefined {
  if (!success || data.length !== 2 + 3 * 64) return undefined;
  const word = (at: number) => BigInt(`0x${data.slice(2 + at * 64, 66 + at * 64)}`);
  return { collected: word(0) !== 0n, capturable: word(1), refundable: word(2) };
}

/** What happened to a hold, as the escrow's logs tell it. `by` is the fee receiver of a capture and the collector of a refund. */
export interface HoldEvent {
  readonly kind: 'authorized' | 'charged' | 'captured' | 'voided' | 'reclaimed' | 'refunded';
  readonly amount: bigint;
  readonly feeAmount: bigint;
  readonly by: Address | undefined;
}

const eventKinds = {
  PaymentAuthorized: 'authorized',
  PaymentCharged: 'charged',
  PaymentCaptured: 'captured',
  PaymentVoided: 'voided',
  PaymentReclaimed: 'reclaimed',
  PaymentRefunded: 'refunded',
} as const;

/** What these logs say of one payment, in their order. */
export function holdEventsIn(logs: readonly Log[], id: Hex): HoldEvent[] {
  const own = logs.filter(
    ({ address, topics }) => sameHex(address, AUTH_CAPTURE_ESCROW) && sameHex(topics[1] ?? '', id),
  );
  return own.flatMap((log) => {
    const event = readHoldEvent(log);
    return event ? [event] : [];
  });
}

function readHoldEvent({ topics, data }: Log): HoldEvent | undefined {
  try {
    const { eventName, args } = decodeEventLog({
      abi: escrowAbi,
      topics: topics as [Hex, ...Hex[]],
      data,
    });
    const {
      amount,
      feeAmount = 0n,
      feeReceiver,
      tokenCollector,
    } = args as {
      amount: bigint;
      feeAmount?: bigint;
      feeReceiver?: Address;
      tokenCollector?: Address;
    };
    return { kind: eventKinds[eventName], amount, feeAmount, by: feeReceiver ?? tokenCollector };
  } catch {
    return undefined;
  }
}

/** Whether the operator says in these logs that it left an order of this payment out. */
export function isHoldRefused(logs: readonly Log[], operator: Address, id: Hex): boolean {
  return logs.some(
    ({ address, topics }) =>
      sameHex(address, operator) && topics[0] === ORDER_REFUSED && sameHex(topics[1] ?? '', id),
  );
}

/** Topics by which every log of a payment is found. */
export function holdTopics(id: Hex): readonly [null, Hex] {
  return [null, id];
}

/** Topics of the log that a hold leaves when it is made. */
export function authorizedTopics(id: Hex): readonly [Hex, Hex] {
  const [event] = encodeEventTopics({ abi: escrowAbi, eventName: 'PaymentAuthorized' });
  return [event, id];
}

/** The error by which escrow, operator or token refuse: its name, or the sentence; undefined for any other. */
export function escrowRevertText(result: CallResult): string | undefined {
  if (result.success) return undefined;
  try {
    return decodeErrorResult({ abi: escrowErrorAbi, data: result.data }).errorName;
  } catch {
    return revertText(result);
  }
}
