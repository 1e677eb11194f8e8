import { assertSetting } from '../settings.js';

export interface TokenSettings {
  /** Life of a reserved token, and again of a redeemed one that is not started. */
  readonly ttlMs: number;
  /** SLA window of services that registered none. */
  readonly defaultSlaSeconds: number;
}

export function tokenSettings(given: Partial<TokenSettings>): TokenSettings {
  const settings = { ttlMs: 300_000, defaultSlaSeconds: 60, ...given };
  const { ttlMs, defaultSlaSeconds } = settings;
  assertSetting(Number.isInteger(ttlMs) && ttlMs > 0, 'tokens.ttlMs', 'a positive whole number');
  assertSetting(
    Number.isInteger(defaultSlaSeconds) && defaultSlaSeconds > 0,
    'tokens.defaultSlaSeconds',
    'a positive whole number',
  );
  return settings;
}
