import { AgentPayError, textBounds } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import type { Counted } from '../Page.js';

/** Something an agent sells by the call. */
export interface Service {
  readonly id: string;
  /** The agent that sells it. */
  readonly providerId: string;
  /** The provider's wallet that is paid. */
  readonly payoutWalletId: string;
  readonly name: string;
  readonly slug: string;
  /** What the name shares with names that look like it; unique. */
  readonly nameKey: string;
  readonly description: string | null;
  /** Price of one call, in micro-units. */
  readonly price: Amount;
  readonly currency: string;
  readonly category: string | null;
  readonly endpointUrl: string | null;
  /** What addresses of the same resource share. */
  readonly resource: string | null;
  /** Since when the address itself says that it sells this service; null: it has not said so, or no longer does. */
  readonly endpointProvenAt: Date | null;
  /** What the address asks for a call, in micro-units, when it was last looked at; null: unknown. */
  readonly endpointPrice: Amount | null;
  /** When its address is looked at again; null: never. */
  readonly endpointDueAt: Date | null;
  /** Seconds from call-started to call-completed; null: the platform's default. */
  readonly slaSeconds: number | null;
  /** 0..100 */
  readonly trustScore: number;
  /** The operator of the platform vouches for the provider. */
  readonly verified: boolean;
  readonly status: 'active' | 'suspended';
  readonly createdAt: Date;
}

/** One page of the catalogue and the number of services that match. */
export interface ServicePage extends Counted {
  readonly services: readonly Service[];
}

export const FIRST_TRUST = 50;

/**
 * Reads the address of a service.
 * @throws AgentPayError `invalid_request` unless it is an http(s) URL without credentials, of at most 2048 characters
 */
export function endpointOf(text: string): URL {
  const url = text.length <= textBounds.url && URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new AgentPayError('invalid_request', 'The address is not an http or https URL.', {
      param: 'endpointUrl',
    });
  }
  return url;
}

/** What two addresses of the same resource share: origin and path, without query and fragment. */
export function resourceOf(url: URL): string {
  return url.origin + url.pathname;
}
