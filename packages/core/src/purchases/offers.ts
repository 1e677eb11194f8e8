import { AgentPayError } from '@agentpay/primitives';
import { readPermits, readTransfers, refuseOffer, unlessRefused } from '@agentpay/protocol';
import type {
  PaymentDemand,
  PermitOffer,
  TransferBuyer,
  TransferDialect,
  TransferOffer,
} from '@agentpay/protocol';
import type { Core } from '../Core.js';
import type { KeptCustodyWallet } from '../custody/index.js';
import type { PurchaseTerms } from './Purchase.js';

/** An offer with the wallet that would pay it. */
export interface Candidate {
  readonly offer: TransferOffer | PermitOffer;
  readonly terms: PurchaseTerms;
  readonly wallet: KeptCustodyWallet;
}

/** In which order dialects are preferred at one price. */
const DIALECTS: readonly TransferDialect[] = ['x402v2', 'mpp', 'x402v1'];
/** Offers of one demand that are tried. */
const MOST_CANDIDATES = 8;

/**
 * What of a demand could be paid, the cheapest first: every asset is worth a dollar a unit, and has six decimals.
 * @throws AgentPayError `no_payment_header` when it asks in no known language, `offer_not_acceptable` when nothing of it can be paid
 */
export function candidatesIn(
  core: Core,
  { demand, url, wallets, dialects = DIALECTS }: DemandToRead,
): readonly [Candidate, ...Candidate[]] {
  const buyer = buyerOf(core, wallets);
  const refusals: AgentPayError[] = [];
  const found: Candidate[] = [];
  for (const dialect of DIALECTS.filter((one) => dialects.includes(one))) {
    const entries = unlessRefused(() => readIn(dialect, demand, buyer), refusals) ?? [];
    for (const read of entries) {
      const offer = unlessRefused(read, refusals);
      if (offer) found.push(candidateOf(offer, { url, wallets }));
    }
  }
  found.sort((a, b) => (a.offer.amount < b.offer.amount ? -1 : Number(a.offer.amount > b.offer.amount)));
  const [first, ...others] = found.slice(0, MOST_CANDIDATES);
  if (first) return [first, ...others];
  const [refusal] = refusals;
  if (refusal)
    throw new AgentPayError('offer_not_acceptable', refusal.message, {
      reason: refusal.reason ?? refusal.kind,
      cause: refusal,
    });
  throw new AgentPayError('no_payment_header', 'The 402 of the seller asks for payment in no known way.');
}

/** Both readers look at each offer of x402 v2; that of Permit2 first, as it knows why one of its own is refused. */
function readIn(
  dialect: TransferDialect,
  demand: PaymentDemand,
  buyer: TransferBuyer,
): readonly (() => Candidate['offer'])[] {
  const transfers = readTransfers[dialect](demand, buyer);
  return dialect === 'x402v2' ? [...readPermits(demand, buyer), ...transfers] : transfers;
}

export interface DemandToRead {
  readonly demand: PaymentDemand;
  /** Where it came from. */
  readonly url: string;
  readonly wallets: readonly KeptCustodyWallet[];
  readonly dialects?: readonly TransferDialect[] | undefined;
}

function buyerOf(core: Core, wallets: DemandToRead['wallets']): TransferBuyer {
  const networks = [...core.ports.chains.values()].map(({ network }) => network);
  return {
    now: () => core.clock.now(),
    network(idOrName) {
      const network = networks.find(({ id, name }) => id === idOrName || name === idOrName);
      if (network) return network;
      throw refuseOffer('unknown_network', `Network ${idOrName.slice(0, 80)} is not known.`);
    },
    payer(network) {
      const wallet = wallets.find((one) => one.network === network.id);
      if (wallet) return wallet.address;
      throw refuseOffer('no_wallet', `There is no wallet on ${network.title} to pay from.`);
    },
    assertAsset: () => undefined,
    cleartext: false,
  };
}

function candidateOf(
  offer: Candidate['offer'],
  { url, wallets }: Pick<DemandToRead, 'url' | 'wallets'>,
): Candidate {
  const { dialect, network, amount, payTo, payer } = offer;
  const wallet = wallets.find((one) => one.network === network.id) as KeptCustodyWallet;
  const terms = {
    dialect,
    network: network.id,
    asset: network.asset.address,
    amount: String(amount),
    payTo: payTo.toLowerCase(),
    walletId: wallet.walletId,
    payer,
    url,
  };
  return { offer, terms, wallet };
}
