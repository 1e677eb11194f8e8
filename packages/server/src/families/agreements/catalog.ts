import { agreements as family } from '@agentpay/api';
import { marketplace } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { readRegistration } from '../readRegistration.js';

export const handlers = implement(family.nouns.catalog, ({ core }) => ({
  async register({ principal, body }) {
    const made = await marketplace.register(core, { principal, ...readRegistration(body) });
    const { id, slug, status, trustScore } = made;
    return { service_id: id, slug, status, trust_score: trustScore };
  },
  async search({ body: { max_price: maxPrice, min_trust: minTrust, ...wanted } }) {
    const { services, ...page } = await marketplace.search(core, { ...wanted, maxPrice, minTrust });
    return { services: services.map(show), ...counted(page) };
  },
}));

function show(service: marketplace.FoundService) {
  return {
    service_id: service.id,
    name: service.name,
    slug: service.slug,
    description: service.description,
    category: service.category,
    price_per_call: service.price,
    currency: service.currency,
    seller_agent_id: service.providerId,
    trust_score: service.trustScore,
    verified: service.verified,
    sla_seconds: service.slaSeconds,
    relevance: service.relevance,
  };
}
