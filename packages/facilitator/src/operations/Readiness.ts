import { kept, sleep, type Clock, type Db, type Network } from '@agentpay/primitives';
import type { Address } from '@agentpay/protocol';
import type { Chain, FeeGauge } from '@agentpay/evm';
import { formatEther, formatGwei } from 'viem';
import type { SettlementBook } from './SettlementBook.js';

const PARTS = ['database', 'chain', 'signers', 'fees', 'queue'] as const;
type Part = (typeof PARTS)[number];

/** Each part is `ok`, or a sentence about what is wrong with it. */
export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<Part, string>>;
}

/** Whether this process should be sent payments. */
export interface Readiness {
  /** Looks at most once a second, however often it is asked. */
  check(): Promise<ReadinessReport>;
  /** Ether of each signer account, in wei, at most 15 seconds old. */
  balances(): Promise<ReadonlyMap<Address, bigint>>;
  /** From now on the response is no: the process is ending. */
  drain(): void;
}

export interface ReadinessOptions {
  readonly db: Db;
  readonly chain: Chain;
  readonly clock: Clock;
  readonly network: Network;
  readonly signers: readonly Address[];
  readonly fees: FeeGauge;
  readonly queue: SettlementBook['queue'];
  /** Wei below which an account is not relied on. */
  readonly minSignerBalance: bigint;
  readonly maxQueueAgeSeconds: number;
}

const FRESH_MS = 1_000;
const BALANCES_FRESH_MS = 15_000;
const CHECK_TIMEOUT_MS = 3_000;

/**
 * Looks whether a facilitator should be sent payments.
 * @example
 * ```ts
 * import { createFeeGauge, viemChain } from '@agentpay/evm';
 * import { createReadiness, migrations, settlementBook } from '@agentpay/facilitator';
 * import { baseSepolia as network, systemClock as clock } from '@agentpay/primitives';
 * import { migrate, pgDb } from '@agentpay/storage';
 *
 * const db = await pgDb({ url: process.env['DATABASE_URL'] ?? '' });
 * await migrate(db, migrations);
 * const chain = viemChain({ rpcUrl: 'https://sepolia.base.org' });
 * const readiness = createReadiness({
 *   db,
 *   chain,
 *   clock,
 *   network,
 *   signers: ['0x70997970C51812dc3A010C7d01b50e0d17dc79C8'],
 *   fees: createFeeGauge({ chain, clock }),
 *   queue: settlementBook(db, { clock, network }).queue,
 *   minSignerBalance: 10n ** 14n, // wei
 *   maxQueueAgeSeconds: 120,
 * });
 * console.log(await readiness.check());
 * await db.close();
 * ```
 */
export function createReadiness(options: ReadinessOptions): Readiness {
  const { db, chain, clock, network, signers, fees, queue, minSignerBalance, maxQueueAgeSeconds } = options;
  let draining = false;

  const balances = kept(clock, BALANCES_FRESH_MS, async () => {
    const found = await Promise.all(signers.map((address) => chain.balance(address)));
    return new Map(signers.map((address, i) => [address, found[i] as bigint]));
  });

  const tests: Record<Part, () => Promise<string>> = {
    async database() {
      await db.query('select 1');
      return 'ok';
    },
    async chain() {
      const id = await chain.chainId();
      return id === network.chainId ? 'ok' : `is chain ${id}, not ${network.chainId}`;
    },
    async signers() {
      const richest = [...(await balances()).values()].reduce((most, wei) => (wei > most ? wei : most), 0n);
      return richest >= minSignerBalance
        ? 'ok'
        : `no signer account holds ${formatEther(minSignerBalance)} ether`;
    },
    async fees() {
      const { maxFeePerGas } = await fees.asked();
      if (fees.most === undefined || maxFeePerGas <= fees.most) return 'ok';
      return `gas costs ${formatGwei(maxFeePerGas)} gwei, and ${formatGwei(fees.most)} may be paid`;
    },
    async queue() {
      const { oldestSeconds } = await queue();
      return oldestSeconds <= maxQueueAgeSeconds
        ? 'ok'
        : `the oldest settlement has waited for ${Math.floor(oldestSeconds)} seconds`;
    },
  };

  const look = kept(clock, FRESH_MS, async () => {
    const found = await Promise.all(PARTS.map((part) => verdictOf(clock, tests[part])));
    const checks = Object.fromEntries(PARTS.map((part, i) => [part, found[i]])) as Record<Part, string>;
    return { ready: found.every((text) => text === 'ok'), checks };
  });

  return {
    balances,
    async check() {
      const report = await look();
      return draining ? { ...report, ready: false } : report;
    },
    drain: () => void (draining = true),
  };
}

/** What went wrong is not repeated: it may quote the URL of the node or of the database. */
async function verdictOf(clock: Clock, test: () => Promise<string>): Promise<string> {
  const stop = new AbortController();
  const late = sleep(clock, CHECK_TIMEOUT_MS, stop.signal).then(() => 'does not respond');
  const verdict = test().catch(() => 'does not respond');
  return Promise.race([verdict, late]).finally(() => stop.abort());
}
