import {
  AUTH_CAPTURE_ESCROW,
  bytesToHex,
  domainSeparator,
  ERC3009_COLLECTOR,
  hashCapture,
  hashEarlyCapture,
  hashEscrowConsent,
  hashReceiverRefund,
  hashRefund,
  hashVoid,
  payerAgnosticHash,
  paymentInfoHash,
  RECEIVER_REFUND_COLLECTOR,
  saltOf,
  sameHex,
  type Address,
  type Hex,
  type PaymentInfo,
} from '@agentpay/protocol';
import {
  decodeFunctionData,
  encodeAbiParameters,
  encodeErrorResult,
  encodeEventTopics,
  toHex,
  type ContractErrorName,
} from 'viem';
import { escrowAbi, escrowErrorAbi, operatorAbi, ORDER_REFUSED, type EscrowBalance } from './AuthCapture.js';
import type { Log } from './Chain.js';
import { word } from './FiatToken.js';
import { recoverAuthorizer } from './Signature.js';
import {
  addBalance,
  moveTokens,
  type Applied,
  type Contract,
  type SimulatedState,
} from './SimulatedState.js';

/** Puts the escrow and our operator on a simulated chain, with their rules and errors, for payers and receivers that sign by EIP-3009. */
export function deployEscrow({ contracts }: SimulatedState, operator: Address): void {
  contracts.set(AUTH_CAPTURE_ESCROW.toLowerCase(), escrowContract);
  contracts.set(operator.toLowerCase(), operatorContract(operator));
}

/** What all operators' stores hold together. */
export const SIMULATED_STORE: Address = '0x5703000000000000000000000000000000005703';

/** An error of escrow or operator, by name. */
class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    readonly errorName: ContractErrorName<typeof escrowErrorAbi>,
    readonly args: readonly unknown[] = [],
  ) {
    super(errorName);
  }
}

interface Step {
  readonly state: SimulatedState;
  readonly timestamp: bigint;
  readonly operator: Address;
}

type OnChainInfo = Omit<PaymentInfo, 'salt'> & { readonly salt: bigint };
interface OnChainBinding {
  readonly receiverAuthorizer: Address;
  readonly saltNonce: bigint;
  readonly captureNotBefore: number;
}
interface Bound {
  readonly info: OnChainInfo;
  readonly binding: OnChainBinding;
  readonly authorizerSignature: Hex;
}
interface Expecting {
  readonly amount: bigint;
  readonly expectedCapturableAmount: bigint;
  readonly expectedRefundableAmount: bigint;
}
type Capture = Bound &
  Expecting & {
    readonly feeAmount: bigint;
    readonly feeReceiver: Address;
    readonly payerSignature: Hex;
  };
type Refund = Bound & Expecting & { readonly tokenCollector: Address; readonly collectorData: Hex };
interface Authorize {
  readonly info: OnChainInfo;
  readonly tokenCollector: Address;
  readonly collectorData: Hex;
}

const EMPTY: EscrowBalance = { collected: false, capturable: 0n, refundable: 0n };

const escrowContract: Contract = (state, { to, data }, { timestamp }) => {
  const { functionName, args } = decodeFunctionData({ abi: escrowAbi, data });
  if (functionName === 'reclaim') return orRevert(() => reclaim({ state, timestamp, operator: to }, args[0]));
  const { collected, capturable, refundable } = state.holds.get(args[0].toLowerCase()) ?? EMPTY;
  const words = [collected ? 1n : 0n, capturable, refundable];
  return answer(`0x${words.map((value) => value.toString(16).padStart(64, '0')).join('')}`);
};

/** Whoever acts for the payer here is the payer. */
function reclaim(step: Step, info: OnChainInfo): readonly Log[] {
  const id = idOf(step, info);
  const held = step.state.holds.get(id) ?? EMPTY;
  if (step.timestamp < BigInt(info.authorizationExpiry))
    throw new Refused('BeforeAuthorizationExpiry', [Number(step.timestamp), info.authorizationExpiry]);
  if (held.capturable === 0n) throw new Refused('ZeroAuthorization', [id]);
  move(step, SIMULATED_STORE, info.payer, held.capturable);
  step.state.holds.set(id, { ...held, capturable: 0n });
  return [eventLog('PaymentReclaimed', id, held.capturable)];
}

function operatorContract(operator: Address): Contract {
  return (state, { data }, { timestamp }) => {
    const step: Step = { state, timestamp, operator };
    const { functionName, args } = decodeFunctionData({ abi: operatorAbi, data });
    switch (functionName) {
      case 'ESCROW':
        return answer(word(AUTH_CAPTURE_ESCROW));
      case 'DOMAIN_SEPARATOR':
        return answer(bytesToHex(separatorOf(step)));
      case 'authorize':
        return orRevert(() =>
          authorize(step, { info: args[0], tokenCollector: args[2], collectorData: args[3] }),
        );
      case 'capture':
        return orRevert(() => capture(step, args[0]));
      case 'void':
        return orRevert(() => giveBack(step, args[0]));
      case 'refund':
        return orRevert(() => refund(step, args[0]));
      case 'authorizeMany':
        return many(step, args[0], authorize);
      case 'captureMany':
        return many(step, args[0], capture);
      case 'voidMany':
        return many(step, args[0], giveBack);
      case 'refundMany':
        return many(step, args[0], refund);
    }
  };
}

function separatorOf({ state, operator }: Step): Uint8Array {
  const { chainId } = state.network;
  return domainSeparator({
    name: 'x402 Auth Capture Operator',
    version: '1',
    chainId,
    verifyingContract: operator,
  });
}

function orRevert(work: () => readonly Log[]): Applied {
  try {
    return { success: true, data: '0x', logs: work() };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { success: false, data: revertData(error), logs: [] };
  }
}

function many<Item extends { readonly info: OnChainInfo }>(
  step: Step,
  items: readonly Item[],
  work: (step: Step, item: Item) => readonly Log[],
): Applied {
  const logs = items.flatMap((item) => {
    try {
      return work(step, item);
    } catch (error) {
      const reason = error instanceof Refused ? revertData(error) : '0x';
      const data = encodeAbiParameters([{ type: 'bytes' }], [reason]);
      return [{ address: step.operator, topics: [ORDER_REFUSED, idOf(step, item.info)], data }];
    }
  });
  return { success: true, data: '0x', logs };
}

function revertData({ errorName, args }: Refused): Hex {
  return encodeErrorResult({ abi: escrowErrorAbi, errorName, args } as never);
}

function authorize(step: Step, { info, tokenCollector, collectorData }: Authorize): readonly Log[] {
  const { state, timestamp } = step;
  const { network } = state;
  if (!sameHex(tokenCollector, ERC3009_COLLECTOR)) throw new Refused('UnknownCollector', [tokenCollector]);
  if (timestamp >= BigInt(info.preApprovalExpiry))
    throw new Refused('AfterPreApprovalExpiry', [Number(timestamp), info.preApprovalExpiry]);
  const id = idOf(step, info);
  if (state.holds.get(id)?.collected) throw new Refused('PaymentAlreadyCollected', [id]);
  const payment = plain(info);
  const domain = {
    ...network.usdc.eip712,
    chainId: network.chainId,
    verifyingContract: network.usdc.address,
  };
  const nonce = `${info.payer}:${payerAgnosticHash(network.chainId, payment)}`.toLowerCase();
  const good =
    isSignedBy(info.payer, hashEscrowConsent(domain, payment), collectorData) && !state.used.has(nonce);
  if (!good) throw new Refused('TokenCollectionFailed');
  move(step, info.payer, SIMULATED_STORE, info.maxAmount);
  state.used.add(nonce);
  state.holds.set(id, { collected: true, capturable: info.maxAmount, refundable: 0n });
  return [authorizedLog(id, info, tokenCollector)];
}

function capture(step: Step, item: Capture): readonly Log[] {
  const { state, timestamp, operator } = step;
  const { info, amount, feeAmount, feeReceiver } = item;
  const id = idOf(step, info);
  const { chainId } = state.network;
  requireOrdered(step, item, hashCapture(chainId, operator, { ...item, paymentInfoHash: id }));
  const early = hashEarlyCapture(chainId, operator, { ...item, paymentInfoHash: id });
  const agrees = isSignedBy(info.payer, early, item.payerSignature);
  if (timestamp < BigInt(item.binding.captureNotBefore) && !agrees)
    throw new Refused('ChallengeWindowOpen', [item.binding.captureNotBefore]);
  const held = requireState(step, id, item);
  const [least, most] = [info.minFeeBps, info.maxFeeBps].map((bps) => (amount * BigInt(bps)) / 10_000n);
  if (feeAmount < (least as bigint) || feeAmount > (most as bigint))
    throw new Refused('FeeAmountOutOfRange', [feeAmount, least, most]);
  if (!sameHex(info.feeReceiver, feeReceiver))
    throw new Refused('InvalidFeeReceiver', [feeReceiver, info.feeReceiver]);
  if (timestamp >= BigInt(info.authorizationExpiry))
    throw new Refused('AfterAuthorizationExpiry', [Number(timestamp), info.authorizationExpiry]);
  if (held.capturable < amount) throw new Refused('InsufficientAuthorization', [id, held.capturable, amount]);
  move(step, SIMULATED_STORE, info.receiver, amount - feeAmount);
  if (feeAmount > 0n) addBalance(state, feeReceiver, feeAmount);
  if (feeAmount > 0n) addBalance(state, SIMULATED_STORE, -feeAmount);
  state.holds.set(id, {
    ...held,
    capturable: held.capturable - amount,
    refundable: held.refundable + amount,
  });
  const words = [
    toHex(amount, { size: 32 }),
    toHex(feeAmount, { size: 32 }).slice(2),
    word(feeReceiver).slice(2),
  ];
  return [{ ...eventLog('PaymentCaptured', id, 0n), data: words.join('') as Hex }];
}

function giveBack(step: Step, item: Bound): readonly Log[] {
  const { state, operator } = step;
  const id = idOf(step, item.info);
  requireOrdered(step, item, hashVoid(state.network.chainId, operator, id));
  const held = state.holds.get(id) ?? EMPTY;
  if (held.capturable === 0n) throw new Refused('ZeroAuthorization', [id]);
  move(step, SIMULATED_STORE, item.info.payer, held.capturable);
  state.holds.set(id, { ...held, capturable: 0n });
  return [eventLog('PaymentVoided', id, held.capturable)];
}

function refund(step: Step, item: Refund): readonly Log[] {
  const { state, timestamp, operator } = step;
  const { info, amount, tokenCollector } = item;
  const { network } = state;
  const id = idOf(step, info);
  requireOrdered(step, item, hashRefund(network.chainId, operator, { ...item, paymentInfoHash: id }));
  const held = requireState(step, id, item);
  if (timestamp >= BigInt(info.refundExpiry))
    throw new Refused('AfterRefundExpiry', [Number(timestamp), info.refundExpiry]);
  if (held.refundable < amount) throw new Refused('RefundExceedsCapture', [amount, held.refundable]);
  const domain = {
    ...network.usdc.eip712,
    chainId: network.chainId,
    verifyingContract: network.usdc.address,
  };
  const digest = hashReceiverRefund(domain, plain(info), { amount, left: held.refundable - amount });
  if (
    !sameHex(tokenCollector, RECEIVER_REFUND_COLLECTOR) ||
    !isSignedBy(info.receiver, digest, item.collectorData)
  )
    throw new Refused('TokenCollectionFailed');
  move(step, info.receiver, info.payer, amount);
  state.holds.set(id, { ...held, refundable: held.refundable - amount });
  const data = `${toHex(amount, { size: 32 })}${word(tokenCollector).slice(2)}` as Hex;
  return [{ ...eventLog('PaymentRefunded', id, 0n), data }];
}

function requireOrdered(
  { operator }: Step,
  { info, binding, authorizerSignature }: Bound,
  digest: Uint8Array,
): void {
  const saltNonce = toHex(binding.saltNonce, { size: 32 });
  if (BigInt(saltOf(operator, { ...binding, saltNonce })) !== info.salt) throw new Refused('SaltNotBound');
  if (!isSignedBy(binding.receiverAuthorizer, digest, authorizerSignature))
    throw new Refused('InvalidAuthorizerSignature');
}

function isSignedBy(account: Address, digest: Uint8Array, signature: Hex): boolean {
  const signer = recoverAuthorizer(digest, signature);
  return signer !== undefined && sameHex(signer, account);
}

function requireState({ state }: Step, id: Hex, expected: Expecting): EscrowBalance {
  const held = state.holds.get(id) ?? EMPTY;
  const same =
    held.capturable === expected.expectedCapturableAmount &&
    held.refundable === expected.expectedRefundableAmount;
  if (!same) throw new Refused('UnexpectedPaymentState', [held.capturable, held.refundable]);
  return held;
}

function move({ state }: Step, from: Address, to: Address, amount: bigint): void {
  try {
    moveTokens(state, from, to, amount);
  } catch {
    throw new Refused('TokenCollectionFailed');
  }
}

function plain(info: OnChainInfo): PaymentInfo {
  return { ...info, salt: toHex(info.salt, { size: 32 }) };
}

function idOf({ state }: Pick<Step, 'state'>, info: OnChainInfo): Hex {
  return paymentInfoHash(state.network.chainId, plain(info));
}

function authorizedLog(id: Hex, info: OnChainInfo, tokenCollector: Address): Log {
  const [event] = encodeEventTopics({ abi: escrowAbi, eventName: 'PaymentAuthorized' });
  const inputs = escrowAbi.find((item) => item.type === 'event' && item.name === 'PaymentAuthorized');
  const members = (inputs as { inputs: readonly { type: string }[] }).inputs.slice(1);
  const data = encodeAbiParameters(members as never, [info, info.maxAmount, tokenCollector] as never);
  return { address: AUTH_CAPTURE_ESCROW, topics: [event, id], data };
}

function eventLog(
  eventName: 'PaymentCaptured' | 'PaymentVoided' | 'PaymentReclaimed' | 'PaymentRefunded',
  id: Hex,
  amount: bigint,
): Log {
  const [event] = encodeEventTopics({ abi: escrowAbi, eventName });
  return { address: AUTH_CAPTURE_ESCROW, topics: [event, id], data: toHex(amount, { size: 32 }) };
}

function answer(data: Hex): Applied {
  return { success: true, data, logs: [] };
}
