import { assertSetting } from '../settings.js';

export interface PurchaseSettings {
  /** Longest time that an authorization is signed for, in seconds, however long the seller asks for. */
  readonly longestSeconds: number;
  /** Time that sellers and facilitators have in all within one call, in ms; the chain may be asked for three seconds after it. */
  readonly answerMs: number;
}

export function purchaseSettings(given: Partial<PurchaseSettings>): PurchaseSettings {
  const settings = { longestSeconds: 600, answerMs: 25_000, ...given };
  const { longestSeconds, answerMs } = settings;
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
  return settings;
}
