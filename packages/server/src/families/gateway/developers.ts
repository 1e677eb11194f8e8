import { gateway } from '@agentpay/api';
import { developers } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';
import { readDestination } from '../readDestination.js';

export const handlers = implement(gateway.nouns.developers, ({ core, baseUrl }) => ({
  async register({ body }) {
    const { developer, key } = await developers.register(core, body);
    // What is documented stays as documented, also where the sandbox has approved already.
    const registered = { developer_id: developer.id, status: 'pending' as const };
    return key === undefined ? registered : { ...registered, developer_key: key };
  },
  async list({ principal, query }) {
    const { developers: found, ...page } = await developers.list(core, { principal, ...query });
    return { developers: found.map(shown), ...counted(page) };
  },
  async approve({ principal, params }) {
    const { developer, key } = await developers.approve(core, {
      principal,
      developerId: params.developer_id,
    });
    return { status: developer.status, developer_key: key as string };
  },
  async suspend({ principal, params }) {
    const { status } = await developers.suspend(core, { principal, developerId: params.developer_id });
    return { status };
  },
  profile: async ({ principal }) => shown(await developers.self(core.db, principal)),
  rotateKey: async ({ principal, body }) => ({
    new_key: await developers.rotateKey(core, { principal, reason: body.reason }),
  }),
  async earnings({ principal, query }) {
    const { month, total, available } = await developers.earnings(core, { principal, ...query });
    return { month, total_usdc: total, available_usdc: available };
  },
  async setPayoutAccount({ principal, body }) {
    const destination = readDestination(body.destination_type, body.destination);
    const { type, shown } = await developers.setPayoutAccount(core, { principal, destination });
    return { destination_type: type, destination: { ...shown } };
  },
  async payout({ principal, body }) {
    const { amount_usdc: amount, destination: type } = body;
    const { id, status } = await developers.payout(core, { principal, amount, type });
    return { payout_id: id, status };
  },
  async payouts({ principal, query }) {
    const { payouts, ...page } = await developers.listPayouts(core, { principal, ...query });
    const listed = payouts.map((payout) => ({
      id: payout.id,
      status: payout.status,
      amount_usdc: payout.amount,
      destination: payout.destinationType,
      failure: payout.failure,
      created_at: payout.createdAt,
    }));
    return { payouts: listed, ...counted(page) };
  },
  dashboard: async () => ({ url: `${baseUrl()}/dev/dashboard` }),
}));

function shown({ id, name, email, status, createdAt }: developers.Developer) {
  return { id, name, email, status, created_at: createdAt };
}
