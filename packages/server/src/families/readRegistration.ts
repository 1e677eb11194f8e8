import type { RequestOf, runtime } from '@agentpay/api';
import type { marketplace } from '@agentpay/core';

/** What a service is registered with, as the core names it. */
export function readRegistration(
  body: RequestOf<typeof runtime.nouns.services.create>['body'],
): Omit<marketplace.Registration, 'principal'> {
  return {
    name: body.name,
    description: body.description,
    pricePerCall: body.price_per_call,
    currency: body.currency,
    category: body.category,
    endpointUrl: body.endpoint_url,
    sla: body.sla && { maxCompletionSeconds: body.sla.max_completion_seconds },
  };
}
