import type { Amount } from '@agentpay/primitives';
import { assertSetting } from '../settings.js';

/** What sessions of the public sandbox may do. */
export interface ExplorerSettings {
  /** Whether there are sessions at all. */
  readonly enabled: boolean;
  /** Whether rails and amounts of demo agents bind every agent that the operator has not made, and every wallet. */
  readonly everybody: boolean;
  readonly hostWrites: boolean;
  readonly guestWrites: boolean;
  readonly sessionTtlMs: number;
  readonly accessTtlMs: number;
  readonly inviteTtlMs: number;
  /** How often an invite is exchanged at most. */
  readonly inviteUses: number;
  /** Sessions that may live at a time. */
  readonly maxSessions: number;
  /** The only rails that a demo agent pays by. */
  readonly rails: readonly string[];
  /** Most that a demo agent pays at once. */
  readonly paymentMax: Amount;
  /** Most that the wallet of a demo agent may hold when it is funded. */
  readonly fundingMax: Amount;
}

const MINUTE_MS = 60_000;

export function explorerSettings(given: Partial<ExplorerSettings>): ExplorerSettings {
  const settings: ExplorerSettings = {
    enabled: false,
    everybody: false,
    hostWrites: true,
    guestWrites: false,
    sessionTtlMs: 240 * MINUTE_MS,
    accessTtlMs: 15 * MINUTE_MS,
    inviteTtlMs: 60 * MINUTE_MS,
    inviteUses: 20,
    maxSessions: 1_000,
    rails: ['internal', 'x402'],
    paymentMax: 10_000_000n,
    fundingMax: 1_000_000_000n,
    ...given,
  };
  const { sessionTtlMs, accessTtlMs, inviteTtlMs, inviteUses, maxSessions, paymentMax, fundingMax } =
    settings;
  for (const [name, value] of Object.entries({
    sessionTtlMs,
    accessTtlMs,
    inviteTtlMs,
    inviteUses,
    maxSessions,
  }))
    assertSetting(Number.isInteger(value) && value > 0, `explorer.${name}`, 'a positive whole number');
  assertSetting(paymentMax > 0n && fundingMax > 0n, 'explorer.paymentMax and fundingMax', 'positive');
  return settings;
}
