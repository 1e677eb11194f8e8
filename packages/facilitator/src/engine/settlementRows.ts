import type { Address, Hex, Reason } from '@agentpay/protocol';
import type { SignedTransaction } from '@agentpay/evm';
import type { GasLimits, Order, SchemeName } from '../schemes/Scheme.js';
import { transferOf } from '../schemes/schemes.js';
import {
  keyText,
  type CarryingTransaction,
  type SettlementClaim,
  type Settlement,
  type SettlementKey,
  type SettlementState,
} from './Settlement.js';

/** A settlement as its row. */
export interface SettlementRow {
  readonly id: string;
  readonly network: string;
  readonly asset: Address;
  readonly payer: Address;
  readonly nonce: Hex;
  readonly fingerprint: string;
  readonly scheme: SchemeName;
  readonly amount: string;
  readonly authorization: Order['authorization'];
  readonly signature: Hex;
  readonly by_account: boolean;
  readonly state: SettlementState;
  readonly transaction_id: string | null;
  readonly hash: Hex | null;
  readonly reason: Reason | null;
  readonly message: string | null;
  readonly created_at: Date;
}

/** A signed transaction as its row. */
export interface TransactionRow {
  readonly hash: Hex;
  readonly transaction_id: string;
  readonly signer: Address;
  readonly account_nonce: bigint;
  readonly to_address: Address;
  readonly data: Hex;
  readonly gas: string;
  readonly max_fee_per_gas: string;
  readonly max_priority_fee_per_gas: string;
  readonly raw: Hex;
}

export function lowerKey({ network, asset, payer, nonce }: SettlementKey): SettlementKey {
  return { network, asset: lower(asset), payer: lower(payer), nonce: lower(nonce) };
}

export function lower(hex: Hex): Hex {
  return hex.toLowerCase() as Hex;
}

export function claimJson(claim: SettlementClaim) {
  const { id, fingerprint, scheme, amount, authorization, signature, byAccount } = claim;
  const own = {
    id,
    fingerprint,
    scheme,
    amount: String(amount),
    authorization,
    signature,
    by_account: byAccount,
  };
  return { ...lowerKey(claim), ...own };
}

export function inOrderOf<T extends SettlementKey>(
  keys: readonly SettlementKey[],
  found: readonly T[],
): (T | undefined)[] {
  const byKey = new Map(found.map((one) => [keyText(one), one]));
  return keys.map((key) => byKey.get(keyText(key)));
}

export function claimedBy(claim: SettlementClaim, gas: GasLimits, at: Date): Settlement {
  const { id, fingerprint, scheme, amount, authorization, signature, byAccount } = claim;
  const order = { ...lowerKey(claim), scheme, amount, authorization, signature, byAccount };
  const blank = { state: 'claimed', transactionId: null, hash: null, reason: null, message: null } as const;
  return { id, fingerprint, ...order, ...blank, transfer: transferOf(order, gas, secondsOf(at)) };
}

export function groupByTransaction(
  settlements: readonly Settlement[],
  rows: readonly TransactionRow[],
): CarryingTransaction[] {
  const groups = new Map<string, { attempts: SignedTransaction[]; settlements: Settlement[] }>();
  for (const row of rows) {
    const group = groups.get(row.transaction_id) ?? { attempts: [], settlements: [] };
    group.attempts.push(toTransaction(row));
    groups.set(row.transaction_id, group);
  }
  for (const settlement of settlements)
    groups.get(settlement.transactionId ?? '')?.settlements.push(settlement);
  return [...groups].map(([transactionId, group]) => ({ transactionId, ...group }));
}

export function toSettlement(row: SettlementRow, gas: GasLimits): Settlement {
  const { by_account: byAccount, transaction_id: transactionId, amount, created_at: at, ...rest } = row;
  const settlement = { ...rest, byAccount, transactionId, amount: BigInt(amount) };
  return { ...settlement, transfer: transferOf(settlement, gas, secondsOf(at)) };
}

function secondsOf(at: Date): bigint {
  return BigInt(Math.floor(at.getTime() / 1000));
}

function toTransaction(row: TransactionRow): SignedTransaction {
  return {
    hash: row.hash,
    signer: row.signer,
    nonce: Number(row.account_nonce),
    to: row.to_address,
    data: row.data,
    gas: BigInt(row.gas),
    maxFeePerGas: BigInt(row.max_fee_per_gas),
    maxPriorityFeePerGas: BigInt(row.max_priority_fee_per_gas),
    raw: row.raw,
  };
}
