import type { Authorization } from './Eip3009.js';
import { sameHex, type Address, type Hex } from './Hex.js';
import { isTransferLog, type EmittedLog } from './Transfer.js';

/** Topics of `AuthorizationUsed(address,bytes32)` and `AuthorizationCanceled(address,bytes32)` (EIP-3009). */
const USED = '0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5';
const CANCELED = '0x1cdd46ff242716cdaa72d159d339a485b3438398348d68f09d7c8c0a59353d81';

/** What a transaction used a nonce for: this very payment, or something else, so that this payment can never be made. */
export type NonceUse = 'payment' | 'other';

/**
 * What one transaction, by its logs, used the nonce of an authorization for. It is the payment only by `AuthorizationUsed` of payer and
 * nonce and, directly after it, `Transfer` of the very payer, payee and value, both by the asset: neither a status of success nor a nonce
 * that is used proves anything. Undefined: these logs show no use of it.
 */
export function authorizationUseIn(
  logs: readonly EmittedLog[],
  asset: Address,
  { from, to, value, nonce }: Authorization,
): NonceUse | undefined {
  const ofAsset = (log: EmittedLog) => sameHex(log.address, asset);
  // The logs of a batch are looked through once for each of its payments: the nonce tells nearly all of them apart.
  const names = ({ topics: [topic, payer, used] }: EmittedLog, event: Hex) =>
    sameHex(used ?? '', nonce) &&
    sameHex(topic ?? '', event) &&
    sameHex((payer ?? '').slice(-40), from.slice(2));
  const used = logs.findIndex((log) => log.topics.length === 3 && names(log, USED) && ofAsset(log));
  if (used >= 0) {
    const moved = logs.slice(used + 1).find(ofAsset);
    return moved && isTransferLog(moved, { token: asset, to, amount: value }, from) ? 'payment' : 'other';
  }
  const canceled = logs.some((log) => log.topics.length === 3 && names(log, CANCELED) && ofAsset(log));
  return canceled ? 'other' : undefined;
}

/** Topics of the logs that a use of the authorization leaves. */
export function authorizationUseTopics(payer: Address, nonce: Hex): readonly (Hex | readonly Hex[])[] {
  return [[USED, CANCELED], `0x${payer.slice(2).toLowerCase().padStart(64, '0')}`, nonce];
}
