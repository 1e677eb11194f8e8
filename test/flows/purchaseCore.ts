import { createCore, vault, type Core, type custody } from '@agentpay/core';
import { outbound, type Outbound } from '@agentpay/http';
import { baseSepolia, systemClock, systemRandom, usdcOn, type Clock, type Db } from '@agentpay/primitives';
import { custodyKeys, vaultKey } from '@agentpay/server';
import { memoryTracker } from '@agentpay/tracker';

/** By which wallets and proofs are sealed, unless a test says otherwise. */
export const MASTER_KEY = 'master-key-of-the-purchases-under-test-0123456789';
export const network = usdcOn(baseSepolia);

/** Calls of sellers on this machine. */
export const localSellers = (): Outbound =>
  outbound({ clock: systemClock, allowHosts: ['127.0.0.1', 'localhost'] });

export interface PurchaseCoreOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly chains: readonly custody.PaymentChain[];
  readonly ports: Pick<Core['ports'], 'sellers' | 'facilitator'> & Partial<Pick<Core['ports'], 'vault'>>;
  /** Longest that an authorization is signed for. */
  readonly longestSeconds?: number;
}

/** A core that buys; all of them have the same keys, as processes of one installation do. */
export function purchaseCore(options: PurchaseCoreOptions): Core {
  const { db, clock, chains, ports, longestSeconds = 60 } = options;
  return createCore({
    db,
    clock,
    random: systemRandom,
    ports: {
      vault: vault.createVault([vaultKey(MASTER_KEY)], systemRandom),
      custodyKeys: custodyKeys(new Uint8Array(32).fill(9), systemRandom),
      chains: new Map(chains.map((chain) => [chain.network.id, chain])),
      tracker: memoryTracker(),
      rails: {},
      payouts: {},
      ...ports,
    } as Partial<Core['ports']> as Core['ports'],
    settings: {
      identity: { pepper: 'pepper-of-the-test-pepper-of-the-test' },
      // Longer than a busy machine takes to settle.
      purchases: { longestSeconds, turnMs: 60_000 },
    },
  });
}
