import { AgentPayError, textBounds } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';

/** Something an agent sells by the call. */
export interface Service {
  readonly id: string;
  /** The agent that sells it. */
  readonly providerId: string;
  /** The provider's wallet that is paid. */
  readonly payoutWalletId: string;
  readonly name: string;
  readonly slug: string;
  readonly description: string | null;
  /** Price of one call, in micro-units. */
  readonly price: Amount;
  readonly currency: string;
  readonly category: string | null;
  readonly endpointUrl: string | null;
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
export interface ServicePage {
  readonly services: readonly Service[];
  readonly total: number;
}

export const FIRST_TRUST = 50;

/**
 * The name's letters and digits in lower case: "Market Data-Feed" -> "marketdatafeed". Accents are dropped.
 * @throws AgentPayError `invalid_request` for a name without a single ASCII letter or digit
 */
export function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
  if (slug === '')
    throw new AgentPayError('invalid_request', 'The name has no letter or digit of the ASCII alphabet.', {
      param: 'name',
    });
  return slug;
}

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
