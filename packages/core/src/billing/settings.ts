import type { Amount } from '@agentpay/primitives';
import { assertSetting } from '../settings.js';

export interface BillingSettings {
  /** Own plans: what a seat costs in a month, in micro-units. */
  readonly plans: Readonly<Record<string, { readonly seatPrice: Amount }>>;
  /** What a month of a bundle costs for each agent in it, unless its maker says otherwise. */
  readonly bundleListingPrice: Amount;
  /** How long an invoice may be paid. */
  readonly dueDays: number;
  /** How long an authorization may be completed. */
  readonly authorizationTtlMs: number;
}

export function billingSettings(given: Partial<BillingSettings>): BillingSettings {
  const settings: BillingSettings = {
    plans: { starter: { seatPrice: 9_000_000n }, pro: { seatPrice: 29_000_000n } },
    bundleListingPrice: 10_000_000n,
    dueDays: 14,
    authorizationTtlMs: 24 * 60 * 60 * 1000,
    ...given,
  };
  const { plans, dueDays, authorizationTtlMs } = settings;
  for (const [name, { seatPrice }] of Object.entries(plans))
    assertSetting(seatPrice > 0n, `billing.plans.${name}.seatPrice`, 'positive');
  assertSetting(settings.bundleListingPrice > 0n, 'billing.bundleListingPrice', 'positive');
  for (const [name, value] of Object.entries({ dueDays, authorizationTtlMs }))
    assertSetting(Number.isInteger(value) && value > 0, `billing.${name}`, 'a positive whole number');
  return settings;
}
