import { pay } from '@agentpay/api';
import { apiKeys, purchases, type Core } from '@agentpay/core';
import { counted } from '../../http/counted.js';
import { implement } from '../../http/implement.js';

export const handlers = implement(pay.nouns.spendEvents, ({ core }) => ({
  async list({ principal, query }) {
    // An API key shows what was paid with it; a session everything of its user.
    const holder = (await apiKeys.isKey(core, { keyId: principal.credentialId }))
      ? principal.credentialId
      : undefined;
    const { purchases: found, ...page } = await purchases.spent(core, { principal, holder, ...query });
    return { spend_events: found.map((purchase) => shown(core, purchase)), ...counted(page) };
  },
}));

function shown(
  core: Core,
  { id, state, url, transactionId, reference, createdAt, ...of }: purchases.Purchase,
) {
  const terms = of.terms as purchases.PurchaseTerms;
  const network = core.ports.chains.get(terms.network)?.network;
  return {
    id,
    status: state === 'confirmed' ? ('confirmed' as const) : ('pending' as const),
    url,
    network: terms.network,
    asset: network?.asset.symbol ?? terms.asset,
    amount: purchases.amountOf(terms),
    pay_to: terms.payTo,
    transaction_id: transactionId as string,
    transaction: reference,
    created_at: createdAt,
  };
}
