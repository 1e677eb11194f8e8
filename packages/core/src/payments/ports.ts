import type { Rail } from './Rail.js';

export interface PaymentPorts {
  /** Rails beside the books of the platform, by name; those that are not configured are absent. */
  readonly rails: Readonly<Partial<Record<ExternalRail, Rail>>>;
}

/** The rails that a payment may ask for beside `internal`. */
export const externalRails = ['base-usdc', 'stripe'] as const;

export type ExternalRail = (typeof externalRails)[number];
