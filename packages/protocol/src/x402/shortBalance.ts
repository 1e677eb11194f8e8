import { findNetwork, formatDecimal, parseDecimal, type Amount } from '@agentpay/primitives';
import { reasons } from './reasons.js';

/** Codes by which facilitators say that the payer holds less than the amount. */
export const shortBalanceCodes: ReadonlySet<string> = new Set([
  reasons.insufficientBalance.v2,
  reasons.insufficientBalance.v1,
  reasons.permit2InsufficientBalance.v2,
  'insufficient_balance',
]);

/** Whether a refusal's code says that the payer holds less than the amount. */
export function isShortBalance(code: string | undefined): boolean {
  return code !== undefined && shortBalanceCodes.has(code);
}

/** A payer that holds less USDC than a payment needs; amounts in base units, `network` as CAIP-2 id or x402 v1 name. */
export interface ShortBalance {
  readonly payer: string;
  readonly network: string;
  readonly needed: Amount;
  /** Undefined when nobody said. */
  readonly held: Amount | undefined;
}

/** "0x… has 0 USDC on Base Sepolia and needs 0.01." */
export function writeShortBalance({ payer, network, needed, held }: ShortBalance): string {
  const where = findNetwork(network)?.title ?? network;
  if (held === undefined)
    return `${payer} has less USDC on ${where} than the ${formatDecimal(needed)} that it needs.`;
  return `${payer} has ${formatDecimal(held)} USDC on ${where} and needs ${formatDecimal(needed)}.`;
}

/** What the payer holds according to a text with {@link writeShortBalance} in it. */
export function readHeld(text: string, payer: string): Amount | undefined {
  const [, found] = new RegExp(`\\b${payer} has (\\d{1,9}(?:\\.\\d{1,6})?) USDC\\b`, 'i').exec(text) ?? [];
  return found === undefined ? undefined : parseDecimal(found);
}
