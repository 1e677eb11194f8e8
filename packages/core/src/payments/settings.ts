import { assertSetting } from '../settings.js';

export interface PaymentSettings {
  /** How long a payment by another rail may wait to be sent; afterwards it expires. */
  readonly ttlMs: number;
  /** From its making on, how long its rail is asked what became of it before the rail is told to make sure that it is not paid any more. */
  readonly giveUpMs: number;
}

export function paymentSettings(given: Partial<PaymentSettings>): PaymentSettings {
  const settings = { ttlMs: 3_600_000, giveUpMs: 24 * 3_600_000, ...given };
  for (const name of ['ttlMs', 'giveUpMs'] as const)
    assertSetting(
      Number.isInteger(settings[name]) && settings[name] > 0,
      `payments.${name}`,
      'a positive whole number',
    );
  return settings;
}
