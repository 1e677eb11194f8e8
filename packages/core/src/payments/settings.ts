import { assertSetting } from '../settings.js';

export interface PaymentSettings {
  /** Platform fee on a settled call, in parts per million of its price, taken out of the provider's gross. */
  readonly callFeePpm: bigint;
}

export function paymentSettings(given: Partial<PaymentSettings>): PaymentSettings {
  const settings = { callFeePpm: 4_000n, ...given };
  assertSetting(
    settings.callFeePpm >= 0n && settings.callFeePpm <= 1_000_000n,
    'payments.callFeePpm',
    'between 0 and 1000000',
  );
  return settings;
}
