import type { ResponseOf, runtime } from '@agentpay/api';
import type { marketplace, tokens } from '@agentpay/core';

type Services = typeof runtime.nouns.services;

/** A service as lists show it. */
export function summarizeService(
  service: marketplace.Service,
): ResponseOf<Services['list']>['services'][number] {
  return {
    id: service.id,
    name: service.name,
    slug: service.slug,
    price_per_call: service.price,
    currency: service.currency,
    category: service.category,
    trust_score: service.trustScore,
    verified: service.verified,
    status: service.status,
  };
}

/** A service in full. */
export function showService(service: marketplace.Service): ResponseOf<Services['get']> {
  return {
    ...summarizeService(service),
    description: service.description,
    endpoint_url: service.endpointUrl,
    endpoint_proven: service.endpointProvenAt !== null,
    price_matches: priceMatches(service),
    sla: service.slaSeconds === null ? null : { max_completion_seconds: service.slaSeconds },
  };
}

/** Whether the address of a service asks its listed price; null when that is not known. */
function priceMatches({ price, endpointPrice }: marketplace.Service): boolean | null {
  return endpointPrice === null ? null : endpointPrice === price;
}

/** What came of a look at the address of a service. */
export function showEndpoint({
  service,
  verification,
}: marketplace.EndpointState): ResponseOf<Services['checkEndpoint']> {
  return {
    service_id: service.id,
    proven: service.endpointProvenAt !== null,
    proven_at: service.endpointProvenAt,
    verification,
    listed_price: service.price,
    endpoint_price: service.endpointPrice,
    price_matches: priceMatches(service),
  };
}

/** How a service kept its SLA. */
export function showSla(report: tokens.SlaReport): Omit<ResponseOf<Services['sla']>, 'service_id'> {
  const { from, to, maxCompletionSeconds, calls, compliance, completionMs } = report;
  return {
    max_completion_seconds: maxCompletionSeconds,
    from,
    to,
    calls,
    compliance,
    completion_seconds: completionMs && {
      p50: completionMs.p50 / 1000,
      p95: completionMs.p95 / 1000,
      max: completionMs.max / 1000,
    },
  };
}
