import { assertSetting } from '../settings.js';
import type { FeeSchedule } from './Payment.js';

export interface PaymentSettings {
  /** Platform fee on a settled call, in parts per million of its price, taken out of the provider's gross. */
  readonly callFeePpm: bigint;
  /** Platform fee on a payment from a wallet, in parts per million, on top of the amount. */
  readonly paymentFeePpm: bigint;
  /** How long a payment by another rail may wait to be sent; afterwards it expires. */
  readonly ttlMs: number;
  /** From its making on, how long its rail is asked what became of it before the rail is told to make sure that it is not paid any more. */
  readonly giveUpMs: number;
}

export function paymentSettings(given: Partial<PaymentSettings>): PaymentSettings {
  const settings = {
    callFeePpm: 4_000n,
    paymentFeePpm: 4_000n,
    ttlMs: 3_600_000,
    giveUpMs: 24 * 3_600_000,
    ...given,
  };
  for (const name of ['callFeePpm', 'paymentFeePpm'] as const)
    assertSetting(
      settings[name] >= 0n && settings[name] <= 1_000_000n,
      `payments.${name}`,
      'between 0 and 1000000',
    );
  for (const name of ['ttlMs', 'giveUpMs'] as const)
    assertSetting(
      Number.isInteger(settings[name]) && settings[name] > 0,
      `payments.${name}`,
      'a positive whole number',
    );
  return settings;
}

/** What each product costs: 0.4 % of payments and calls, 5 % of the marketplace, 2 % and 0.003 but at least 0.10 of direct payments. */
export function feeSchedule({ callFeePpm, paymentFeePpm }: PaymentSettings): FeeSchedule {
  return {
    payment: { mode: 'on_top', ppm: paymentFeePpm, flat: 0n, least: 0n },
    call: { mode: 'from_gross', ppm: callFeePpm, flat: 0n, least: 0n },
    marketplace: { mode: 'from_gross', ppm: 50_000n, flat: 0n, least: 0n },
    direct: { mode: 'by_permit', ppm: 20_000n, flat: 3_000n, least: 100_000n },
  };
}
