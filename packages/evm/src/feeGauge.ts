import { kept, type Clock } from '@agentpay/primitives';
import type { Chain, Fees } from './Chain.js';

/** What gas costs, for all senders on a chain, and the most that may be paid for it. */
export interface FeeGauge {
  /** Most wei for a unit of gas; undefined: whatever the node asks. */
  readonly most: bigint | undefined;
  /** What the node asks, at most two seconds old. */
  asked(): Promise<Fees>;
  /** Fees for a new transaction. @throws FeesAboveLimit */
  affordable(): Promise<Fees>;
  /** Fees for the replacement of a transaction, at least the tenth more that nodes demand; undefined when that is more than may be paid. */
  raised(last: Fees): Promise<Fees | undefined>;
}

export interface FeeGaugeOptions {
  readonly chain: Pick<Chain, 'fees'>;
  readonly clock: Clock;
  /** Most wei for a unit of gas, its tip included; undefined: no limit. */
  readonly maxFeePerGas?: bigint | undefined;
}

/** Gas costs more than may be paid: nothing was signed. */
export class FeesAboveLimit extends Error {
  override readonly name = 'FeesAboveLimit';
}

const FRESH_MS = 2_000;

export function createFeeGauge({ chain, clock, maxFeePerGas: most }: FeeGaugeOptions): FeeGauge {
  const asked = kept(clock, FRESH_MS, () => chain.fees());

  return {
    most,
    asked,
    async affordable() {
      const fees = await asked();
      if (most === undefined || fees.maxFeePerGas <= most) return fees;
      throw new FeesAboveLimit(`Gas costs ${fees.maxFeePerGas} wei, more than the ${most} that may be paid.`);
    },
    async raised(last) {
      const now = await asked();
      const wanted = max(quarterMore(last.maxFeePerGas), now.maxFeePerGas);
      const maxFeePerGas = most === undefined ? wanted : min(wanted, most);
      const maxPriorityFeePerGas = min(
        max(quarterMore(last.maxPriorityFeePerGas), now.maxPriorityFeePerGas),
        maxFeePerGas,
      );
      const replaces =
        isTenthMore(maxFeePerGas, last.maxFeePerGas) &&
        isTenthMore(maxPriorityFeePerGas, last.maxPriorityFeePerGas);
      return replaces ? { maxFeePerGas, maxPriorityFeePerGas } : undefined;
    },
  };
}

function quarterMore(fee: bigint): bigint {
  return fee + fee / 4n + 1n;
}

function isTenthMore(fee: bigint, than: bigint): boolean {
  return fee * 10n >= than * 11n;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
