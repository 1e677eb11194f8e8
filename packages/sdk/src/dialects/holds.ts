import { unixSeconds } from '@agentpay/primitives';
import { bytesToHex, readHolds, type HoldOffer } from '@agentpay/protocol';
import { MAX_LIFETIME, signWith, type Account } from '../Account.js';
import type { Demand, Offer, ReadOffer } from '../Offer.js';
import type { ClientSettings } from '../options.js';
import { readSignature } from '../signTransfer.js';
import { buyerOf, demandOf } from './transfers.js';

/** Offers of x402 v2 by which the money is held in an escrow first (scheme `auth-capture`). All of the hold counts as spent. */
export function holdOffers(demand: Demand, settings: ClientSettings): ReadOffer[] {
  return readHolds(demandOf(demand), buyerOf(settings)).map((read) => () => offerOf(read(), settings));
}

function offerOf(hold: HoldOffer, settings: ClientSettings): Offer {
  const { network, amount, payTo, header } = hold;
  return {
    dialect: 'x402v2',
    network: network.id,
    asset: network.asset.address,
    amount,
    payTo,
    async prove() {
      const { clock, random } = settings;
      const time = { now: unixSeconds(clock), longest: MAX_LIFETIME };
      const consent = hold.consent(bytesToHex(random.bytes(32)), time);
      const signature = await signWith(settings.account as Account, consent.typedData);
      return { header, value: consent.seal(readSignature(signature)), validUntil: consent.end * 1000 };
    },
  };
}
