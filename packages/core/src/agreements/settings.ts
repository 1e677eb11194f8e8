import { share } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { DAY_MS } from '../calendar.js';
import { assertSetting } from '../settings.js';

export interface AgreementSettings {
  /** How long a proposal waits for its seller, and an accepted one for its activation. */
  readonly proposalMs: number;
  /** How long usage may go on, unless the terms say when it ends. */
  readonly termMs: number;
  /** How long the buyer can object, unless the terms say so. */
  readonly challengeSeconds: number;
  /** What the platform keeps of what was used, in parts per million. */
  readonly feePpm: bigint;
  /** How long an activation may wait for its transaction before it counts as stuck. */
  readonly stuckMs: number;
  /** Collected before an agreement is activated on a chain, where a wallet for fees is configured. */
  readonly infraFee: Amount;
  /** Longest that a metered call may take. */
  readonly callMs: number;
}

export function agreementSettings(given: Partial<AgreementSettings>): AgreementSettings {
  const settings = {
    proposalMs: 7 * DAY_MS,
    termMs: 30 * DAY_MS,
    challengeSeconds: 86_400,
    feePpm: 0n,
    stuckMs: 60_000,
    infraFee: 100_000n,
    callMs: 600_000,
    ...given,
  };
  const { proposalMs, termMs, challengeSeconds, feePpm, infraFee, stuckMs, callMs } = settings;
  const isWhole = (value: number, least: number) => Number.isInteger(value) && value >= least;
  assertSetting(isWhole(proposalMs, 1), 'agreements.proposalMs', 'a positive whole number');
  assertSetting(isWhole(termMs, 1), 'agreements.termMs', 'a positive whole number');
  assertSetting(isWhole(challengeSeconds, 0), 'agreements.challengeSeconds', 'a whole number');
  assertSetting(isWhole(stuckMs, 1), 'agreements.stuckMs', 'a positive whole number');
  assertSetting(infraFee >= 0n, 'agreements.infraFee', 'not negative');
  assertSetting(isWhole(callMs, 1), 'agreements.callMs', 'a positive whole number');
  assertSetting(feePpm >= 0n && feePpm < 1_000_000n, 'agreements.feePpm', 'from 0 to 999999');
  return settings;
}

/** The most of a payment that the platform keeps, in basis points as the escrow bounds it. */
export function mostFeeBps({ feePpm }: AgreementSettings): number {
  return Number((feePpm + 99n) / 100n);
}

/** What the platform keeps of what a seller is paid. */
export function agreementFee({ feePpm }: AgreementSettings, amount: Amount): Amount {
  return share(amount, feePpm);
}
