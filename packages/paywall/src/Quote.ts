import { formatDecimal } from '@agentpay/primitives';
import { base64url, jcs, mpp, x402v1, x402v2, X_PAYMENT_TOKEN } from '@agentpay/protocol';
import type { Settings } from './options.js';
import type { Terms } from './Price.js';
import type { Issuer } from './rails/issuer.js';

/** One price in the words of every dialect. Everything but URL, nonce, expiry and error is rendered once, at start. */
export interface Quote {
  readonly terms: Terms;
  /** x402 v2, for comparison with what a buyer accepted and for the facilitator. */
  readonly offer: x402v2.PaymentRequirements;
  /** x402 v1, for the facilitator. */
  offerV1(url: string): x402v1.PaymentRequirements;
  /** The parts of an MPP challenge that are the same for every request. */
  readonly mpp: Readonly<Pick<mpp.Challenge, 'realm' | 'method' | 'intent' | 'request' | 'description' | 'header'>>;
  readonly token: { readonly issuer: Issuer; readonly service: string } | undefined;
  /** Value of `PAYMENT-REQUIRED`. */
  paymentRequired(url: string, error: string): string;
  /** Members of the 402 body besides those of the problem: x402 v1 and the token offer, as JSON text without braces. */
  bodyMembers(url: string, error: string): string;
}

export function createQuote(settings: Settings, terms: Terms): Quote {
  const { network, maxTimeoutSeconds } = settings;
  const { usdc } = network;
  const offer: x402v2.PaymentRequirements = {
    scheme: 'exact',
    network: network.id,
    amount: terms.amount.toString(),
    asset: usdc.address,
    payTo: settings.payTo,
    maxTimeoutSeconds,
    extra: { ...usdc.eip712 },
  };
  const service = terms.service ?? settings.service;
  const token = settings.issuer && service !== undefined ? { issuer: settings.issuer, service } : undefined;
  const resource = { description: terms.description || undefined, mimeType: terms.mimeType };
  const offerV1 = (url: string) => {
    return x402v1.requirementsFromV2(offer, definedOnly({ url, ...resource })) as x402v1.PaymentRequirements;
  };

  const v2 = spliced({ x402Version: 2, error: SLOT, resource: definedOnly({ url: SLOT, ...resource }), accepts: [offer] });
  const members = { x402Version: 1, error: SLOT, accepts: [offerV1(SLOT)], ...(token && { payment_token: tokenOffer(token, terms) }) };
  const body = spliced(members);
  return {
    terms,
    offer,
    offerV1,
    mpp: definedOnly({
      realm: settings.realm,
      method: mpp.EVM_METHOD,
      intent: mpp.CHARGE_INTENT,
      request: mppRequest(settings, terms),
      description: terms.description || undefined,
      header: settings.authorizationHeader === mpp.PAYMENT_AUTHORIZATION ? settings.authorizationHeader : undefined,
    }),
    token,
    paymentRequired: (url, error) => Buffer.from(v2(error, url)).toString('base64'),
    bodyMembers: (url, error) => body(error, url).slice(1, -1),
  };
}

function mppRequest({ network, payTo }: Settings, { amount }: Terms): string {
  const { address: currency, decimals } = network.usdc;
  return base64url(jcs(mpp.evmChargeRequest({ amount, currency, recipient: payTo, chainId: network.chainId, decimals })));
}

function tokenOffer({ issuer, service }: { issuer: Issuer; service: string }, terms: Terms) {
  return {
    header: X_PAYMENT_TOKEN,
    service_id: service,
    price: formatDecimal(terms.amount),
    currency: 'USD',
    authorize_url: `${issuer.url}/v1/services/${service}/authorize`,
  };
}

/** Stands for a text that is known at each request only. Options cannot hold it: they have no control characters. */
const SLOT = '\u0000';

/** JSON text with slots, split once; the texts given fill the slots in their order. */
function spliced(value: unknown): (...texts: [string, string]) => string {
  const parts = JSON.stringify(value).split(JSON.stringify(SLOT));
  return (...texts) => parts.map((part, index) => (index === 0 ? part : JSON.stringify(texts[index - 1]) + part)).join('');
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The object without its undefined members. */
function definedOnly<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
