import { gateway } from '@agentpay/api';
import { catalog } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { detailOf, showListing, summarizeListing, viewerOf } from './presentListing.js';

export const handlers = implement(gateway.nouns.listings, ({ core }) => ({
  async list({ principal, query }) {
    const { q: text, developer_id: developerId, ...wanted } = query;
    const viewer = await viewerOf(core.db, principal);
    const { listings, ...page } = await catalog.search(core.db, { text, developerId, viewer, ...wanted });
    return { agents: listings.map(summarizeListing), ...counted(page) };
  },
  async create({ principal, body }) {
    const { name, category, version } = body;
    const given = { ...detailOf(body), principal, name, category, version };
    const { id, status } = await catalog.create(core, given);
    return { agent_id: id, status };
  },
  async get({ principal, params }) {
    const viewer = await viewerOf(core.db, principal);
    const listing = await catalog.see(core.db, { listingId: params.agent_id, viewer });
    const [versions, certifications] = await Promise.all([
      catalog.versionCount(core, { listingId: listing.id }),
      catalog.certificationsOf(core.db, listing.id),
    ]);
    return { ...showListing(listing), versions, certifications };
  },
  async update({ principal, params, body }) {
    await catalog.update(core, { principal, listingId: params.agent_id, ...detailOf(body) });
    return { status: 'updated' as const };
  },
  async approve({ principal, params }) {
    const { status } = await catalog.approve(core, { principal, listingId: params.agent_id });
    return { status };
  },
  async suspend({ principal, params }) {
    const { status } = await catalog.suspend(core, { principal, listingId: params.agent_id });
    return { status };
  },
}));
