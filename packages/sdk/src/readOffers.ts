import type { AgentPayError } from '@agentpay/primitives';
import { unlessRefused } from '@agentpay/protocol';
import { agentpayOffers } from './dialects/byAgentpay.js';
import { holdOffers } from './dialects/holds.js';
import { tokenOffers } from './dialects/token.js';
import { transferOffers } from './dialects/transfers.js';
import type { Demand, Dialect, Offer, ReadOffer } from './Offer.js';
import type { ClientSettings } from './options.js';

/** The acceptable offers of a demand, best first, and why the others are not acceptable. */
export function readOffers(
  demand: Demand,
  settings: ClientSettings,
): { offers: Offer[]; refusals: AgentPayError[] } {
  const offers: Offer[] = [];
  const refusals: AgentPayError[] = [];
  for (const dialect of settings.prefer) {
    const read = unlessRefused(() => offersIn(dialect, demand, settings), refusals) ?? [];
    const found = read.flatMap((readOffer) => unlessRefused(readOffer, refusals) ?? []);
    offers.push(...found.sort((a, b) => (a.amount < b.amount ? -1 : Number(a.amount > b.amount))));
  }
  return { offers, refusals };
}

function offersIn(dialect: Dialect, demand: Demand, settings: ClientSettings): readonly ReadOffer[] {
  if (dialect === 'token') return tokenOffers(demand, settings);
  if (settings.payApi) return dialect === 'x402v2' ? agentpayOffers(demand, settings) : [];
  const transfers = transferOffers(dialect, demand, settings);
  return dialect === 'x402v2' ? [...transfers, ...holdOffers(demand, settings)] : transfers;
}
