import { gateway } from '@agentpay/api';
import { catalog, orgs } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.privateMarketplaces, ({ core }) => ({
  async create({ principal, params, body }) {
    const { id } = await orgs.createMarketplace(core, { principal, orgId: params.org_id, name: body.name });
    return { marketplace_id: id };
  },
  async list({ principal, params, query }) {
    const { marketplaces, ...page } = await orgs.listMarketplaces(core, {
      principal,
      orgId: params.org_id,
      ...query,
    });
    return {
      private_marketplaces: marketplaces.map(({ id, name, createdAt }) => ({
        id,
        name,
        created_at: createdAt,
      })),
      ...counted(page),
    };
  },
  async addAgent({ principal, params: { org_id: orgId, pm_id: marketplaceId }, body }) {
    await orgs.requireMember(core.db, { principal, orgId }, 'marketplaces');
    // A private listing is let in by its developer first.
    const viewer = { partyId: principal.party.id };
    const { id: listingId } = await catalog.see(core.db, { listingId: body.agent_id, viewer });
    await orgs.chooseListing(core, { principal, orgId, marketplaceId, listingId });
    return { status: 'added' as const };
  },
  async agents({ principal, params: { org_id: orgId, pm_id: marketplaceId } }) {
    const listingIds = await orgs.chosenListings(core, { principal, orgId, marketplaceId });
    const listings = await catalog.findAll(core.db, listingIds);
    const nameOf = new Map(listings.map(({ id, name }) => [id, name]));
    return { agents: listingIds.map((id) => ({ id, name: nameOf.get(id) as string })) };
  },
}));
