import { findNetwork, usdcOn } from '@agentpay/primitives';
import {
  readTransfers,
  type Address,
  type PaymentDemand,
  type TransferBuyer,
  type TransferDialect,
  type TransferOffer,
} from '@agentpay/protocol';
import type { Account } from '../Account.js';
import { checkAsset } from '../checkAsset.js';
import { refuse, type Demand, type Offer, type ReadOffer } from '../Offer.js';
import type { ClientSettings } from '../options.js';
import { endOf, signTransfer } from '../signTransfer.js';

/** Offers of a transfer on a chain, in one language. */
export function transferOffers(
  dialect: TransferDialect,
  demand: Demand,
  settings: ClientSettings,
): ReadOffer[] {
  const read = readTransfers[dialect](demandOf(demand), buyerOf(settings));
  return read.map((readOffer) => () => offerOf(readOffer(), settings));
}

function offerOf(transfer: TransferOffer, settings: ClientSettings): Offer {
  const { dialect, network, amount, payTo, nonce, header } = transfer;
  return {
    dialect,
    network: network.id,
    asset: network.asset.address,
    amount,
    payTo,
    ...(nonce !== undefined && { nonce }),
    async prove() {
      const signed = await signTransfer(settings, settings.account as Account, transfer);
      return { header, value: transfer.seal(signed), validUntil: endOf(signed) };
    },
  };
}

export function demandOf({ request, headers, body }: Demand): PaymentDemand {
  return {
    url: request.url,
    hasAuthorization: request.headers.has('Authorization'),
    requestBody: request.body,
    header: (name) => headers.get(name),
    body,
  };
}

/** @param payer who pays, where that is not the account of the client */
export function buyerOf(settings: ClientSettings, payer?: Address): TransferBuyer {
  const { account, networks, hosts, clock } = settings;
  const from = payer ?? account?.address;
  return {
    now: () => clock.now(),
    network(idOrName) {
      if (!from) throw refuse('no_account', 'The client has no account to pay from on a chain.');
      const network = findNetwork(idOrName);
      if (!network) throw refuse('unknown_network', `Network ${idOrName} is not known.`);
      if (!networks.includes(network))
        throw refuse('network_not_allowed', `Network ${network.name} is not allowed.`);
      return usdcOn(network);
    },
    payer: () => from as Address,
    assertAsset: ({ asset }) => checkAsset(settings, asset.address, asset.symbol),
    cleartext: hosts !== undefined,
  };
}
