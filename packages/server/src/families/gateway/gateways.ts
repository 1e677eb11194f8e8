import { gateway } from '@agentpay/api';
import { catalog, eventTypes, gateways, webhooks, type Core, type Principal } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { summarizeListing, viewerOf } from './presentListing.js';

const known = eventTypes.map(({ name }) => name);

export const handlers = implement(gateway.nouns.gateways, ({ core }) => ({
  async create({ principal, body }) {
    const { name, org_id: orgId } = body;
    const made = await gateways.create(core, { principal, name, orgId });
    return { gateway_id: made.gateway.id, gateway_key: made.key };
  },
  async list({ principal, query: { org_id: orgId, kind, ...wanted } }) {
    const request = { principal, orgId, keyless: kind === 'address', ...wanted };
    const { gateways: found, ...page } = await gateways.list(core, request);
    return { gateways: found.map(shown), ...counted(page) };
  },
  async register({ principal, body }) {
    const { name, callback_url: callbackUrl } = body;
    const secret = await callBack(core, principal, callbackUrl);
    const { id } = await gateways.register(core, { principal, name, callbackUrl });
    const registered = { gateway_id: id, status: 'active' as const };
    return secret === undefined ? registered : { ...registered, callback_secret: secret };
  },
  async balance({ principal }) {
    const { available, held, pending } = await gateways.balance(core, principal);
    return { available_usdc: available, pending_usdc: pending, held_usdc: held };
  },
  async provision({ principal, body }) {
    const { agent_id: listingId, quota_usdc: quota } = body;
    const { provisionId } = await gateways.provision(core, { principal, listingId, quota });
    return { provision_id: provisionId, status: 'active' as const };
  },
  async usage({ principal, query }) {
    const { month, amount, calls } = await gateways.usage(core, { principal, ...query });
    return { month, total_usdc: amount, calls: Number(calls) };
  },
  rotateKey: async ({ principal, body }) => ({
    new_key: await gateways.rotateKey(core, { principal, reason: body.reason }),
  }),
  async discover({ principal, query }) {
    const { q: text, ...wanted } = query;
    const viewer = await viewerOf(core.db, principal);
    const { listings, ...page } = await catalog.search(core.db, { text, viewer, ...wanted });
    return { agents: listings.map(summarizeListing), ...counted(page) };
  },
  async tools({ principal }) {
    const provisioned = await gateways.provisioned(core, principal);
    const tools = provisioned.flatMap(({ listing, quota }) =>
      listing.methods.map(({ id, name, description, price }) => ({
        id,
        name,
        description,
        agent_id: listing.id,
        price_usdc: price,
        quota_left_usdc: quota.quota - quota.used,
      })),
    );
    return { tools };
  },
}));

function shown({ id, name, orgId, callbackUrl, createdAt }: gateways.Gateway) {
  return { id, name, org_id: orgId, callback_url: callbackUrl, created_at: createdAt };
}

/** Has the gateway told of its events at this address and no other. Gives the secret of a new one. */
async function callBack(core: Core, principal: Principal, url: string): Promise<string | undefined> {
  const present = (await webhooks.listAll(core, { principal })).filter(({ status }) => status === 'active');
  if (present.some((webhook) => webhook.url === url)) return undefined;
  const { secret } = await webhooks.create(core, { principal, url, events: ['*'], known });
  for (const { id } of present) await webhooks.remove(core, { principal, webhookId: id });
  return secret;
}
