import { gateway } from '@agentpay/api';
import { orgs } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(gateway.nouns.contracts, ({ core }) => ({
  async create({ principal, params, body }) {
    const { id, status } = await orgs.createContract(core, { principal, orgId: params.org_id, ...body });
    return { contract_id: id, status };
  },
  async list({ principal, params, query }) {
    const { contracts, ...page } = await orgs.listContracts(core, {
      principal,
      orgId: params.org_id,
      ...query,
    });
    return {
      contracts: contracts.map(({ id, title, terms, status, createdAt }) => ({
        id,
        title,
        terms,
        status,
        created_at: createdAt,
      })),
      ...counted(page),
    };
  },
}));
