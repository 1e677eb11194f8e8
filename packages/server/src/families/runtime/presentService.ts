import type { ResponseOf, runtime } from '@agentpay/api';
import type { marketplace } from '@agentpay/core';

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
    sla: service.slaSeconds === null ? null : { max_completion_seconds: service.slaSeconds },
  };
}
