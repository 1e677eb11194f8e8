import { DAY_MS } from '../calendar.js';
import { assertSetting } from '../settings.js';

export interface AgreementSettings {
  /** How long a proposal waits for its seller, and an accepted one for its activation. */
  readonly proposalMs: number;
  /** How long usage may go on, unless the terms say when it ends. */
  readonly termMs: number;
  /** How long the buyer can object, unless the terms say so. */
  readonly challengeSeconds: number;
  /** How long an activation may wait for its transaction before it counts as stuck. */
  readonly stuckMs: number;
  /** Longest that a metered call may take. */
  readonly callMs: number;
}

export function agreementSettings(given: Partial<AgreementSettings>): AgreementSettings {
  const settings = {
    proposalMs: 7 * DAY_MS,
    termMs: 30 * DAY_MS,
    challengeSeconds: 86_400,
    stuckMs: 60_000,
    callMs: 600_000,
    ...given,
  };
  const { proposalMs, termMs, challengeSeconds, stuckMs, callMs } = settings;
  const isWhole = (value: number, least: number) => Number.isInteger(value) && value >= least;
  assertSetting(isWhole(proposalMs, 1), 'agreements.proposalMs', 'a positive whole number');
  assertSetting(isWhole(termMs, 1), 'agreements.termMs', 'a positive whole number');
  assertSetting(isWhole(challengeSeconds, 0), 'agreements.challengeSeconds', 'a whole number');
  assertSetting(isWhole(stuckMs, 1), 'agreements.stuckMs', 'a positive whole number');
  assertSetting(isWhole(callMs, 1), 'agreements.callMs', 'a positive whole number');
  return settings;
}
