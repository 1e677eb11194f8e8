import { isAgentPayError, type AgentPayError } from '@agentpay/primitives';
import { mppOffers } from './dialects/mpp.js';
import { tokenOffers } from './dialects/token.js';
import { x402v1Offers } from './dialects/x402v1.js';
import { x402v2Offers } from './dialects/x402v2.js';
import type { Demand, Dialect, Offer, ReadOffer } from './Offer.js';
import type { ClientSettings } from './options.js';

const readers: Record<Dialect, (demand: Demand, settings: ClientSettings) => readonly ReadOffer[]> = {
  token: tokenOffers,
  x402v2: x402v2Offers,
  mpp: mppOffers,
  x402v1: x402v1Offers,
};

/** The acceptable offers of a demand, best first, and why the others are not acceptable. */
export function readOffers(
  demand: Demand,
  settings: ClientSettings,
): { offers: Offer[]; refusals: AgentPayError[] } {
  const offers: Offer[] = [];
  const refusals: AgentPayError[] = [];
  for (const dialect of settings.prefer) {
    const read = attempt(() => readers[dialect](demand, settings), refusals) ?? [];
    const found = read.flatMap((readOffer) => attempt(readOffer, refusals) ?? []);
    offers.push(...found.sort((a, b) => (a.amount < b.amount ? -1 : Number(a.amount > b.amount))));
  }
  return { offers, refusals };
}

function attempt<T>(read: () => T, refusals: AgentPayError[]): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isAgentPayError(error)) throw error;
    refusals.push(error);
    return undefined;
  }
}
