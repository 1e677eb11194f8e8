import { AgentPayError } from '@agentpay/primitives';
import type { Rail } from './Rail.js';

export interface PaymentPorts {
  /** Rails beside the books of the platform, by name; those that are not configured are absent. */
  readonly rails: Readonly<Partial<Record<ExternalRail, Rail>>>;
}

/** The rails that a payment may ask for beside `internal`. */
export const externalRails = ['base-usdc', 'stripe'] as const;

export type ExternalRail = (typeof externalRails)[number];

/** @throws AgentPayError `settlement_not_configured` */
export function railOf(
  { ports }: { readonly ports: PaymentPorts },
  name: string,
  about: { readonly param?: string } = {},
): Rail {
  const rail = ports.rails[name as ExternalRail];
  if (rail) return rail;
  throw new AgentPayError('settlement_not_configured', `The rail ${name} is not configured.`, about);
}
