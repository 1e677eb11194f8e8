import { assertSetting } from '../settings.js';

export interface PurchaseSettings {
  /** Longest time that an authorization is signed for, in seconds, however long the seller asks for. */
  readonly longestSeconds: number;
  /** Time that sellers and facilitators have in all within one call, in ms; the chain may be asked for three seconds after it. */
  readonly answerMs: number;
  /**
   * Where the asset moves by Permit2: how long a purchase has its wallet's permits to itself, in ms. Honest sellers settle sooner, and
   * others hold up the next purchase for no longer.
   */
  readonly turnMs: number;
}

export function purchaseSettings(given: Partial<PurchaseSettings>): PurchaseSettings {
  const settings = { longestSeconds: 600, answerMs: 25_000, turnMs: 10_000, ...given };
  const { longestSeconds, answerMs, turnMs } = settings;
  assertSetting(
    Number.isInteger(longestSeconds) && longestSeconds >= 10 && longestSeconds <= 3_600,
    'purchases.longestSeconds',
    'from 10 to 3600',
  );
  assertSetting(
    Number.isInteger(answerMs) && answerMs >= 1_000 && answerMs <= 25_000,
    'purchases.answerMs',
    'from 1000 to 25000',
  );
  assertSetting(
    Number.isInteger(turnMs) && turnMs >= 100 && turnMs <= 60_000,
    'purchases.turnMs',
    'from 100 to 60000',
  );
  return settings;
}
