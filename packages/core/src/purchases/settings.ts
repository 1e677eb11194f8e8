import { assertSetting } from '../settings.js';

export interface PurchaseSettings {
  /** Longest time that an authorization is signed for, in seconds, however long the seller asks for. */
  readonly longestSeconds: number;
}

export function purchaseSettings(given: Partial<PurchaseSettings>): PurchaseSettings {
  const settings = { longestSeconds: 600, ...given };
  const { longestSeconds } = settings;
  assertSetting(
    Number.isInteger(longestSeconds) && longestSeconds >= 10 && longestSeconds <= 3_600,
    'purchases.longestSeconds',
    'from 10 to 3600',
  );
  return settings;
}
