import { AgentPayError } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import type { Scene, Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import { feeOn } from '../fees.js';
import { earnIn, earnWants, get as getDeveloper } from '../developers/index.js';
import { available, balances, BANK, movements, postIn } from '../ledger/index.js';
import { ORG_CURRENCY } from '../orgs/index.js';
import { allow, wantsOf } from '../spending/index.js';
import { ofCurrency } from '../wallets/index.js';
import { journalKey } from './Invoice.js';
import type { Invoice } from './Invoice.js';

/** Currency of all invoices. */
export const CURRENCY = ORG_CURRENCY;

/** Whom an allow list names to let invoices of the platform be paid. */
const PAYEES = ['platform', 'invoices'] as const;

/** A developer whose listing is part of a bundle, and where they are paid. */
interface Seller {
  readonly developerId: string;
  readonly walletId: string;
}

/** An invoice is paid from the customer's wallet. @throws AgentPayError `policy_denied`, `insufficient_funds` */
export async function moveFromBalance(core: Core, tx: Tx, invoice: Invoice): Promise<void> {
  const { customerId: payer, amount } = invoice;
  const walletId = await walletOf(tx, payer);
  const sellers = await sellersOf(tx, invoice);
  const spending = {
    payer,
    walletId,
    amount,
    asset: CURRENCY,
    payee: [...PAYEES],
    rail: 'internal',
    purpose: 'invoice',
  };
  await core.batch.runIn(tx, {
    wants: [...wantsOf(spending), ...earned(core, sellers)],
    lane: walletId,
    decide(scene) {
      allow(core, scene, spending);
      book(core, scene, { invoice, sellers, from: available(walletId) });
    },
  });
}

/** An invoice was paid to the platform's bank account. */
export async function moveFromOutside(core: Core, tx: Tx, invoice: Invoice): Promise<void> {
  const sellers = await sellersOf(tx, invoice);
  await core.batch.runIn(tx, {
    wants: earned(core, sellers),
    lane: invoice.id,
    decide: (scene) => book(core, scene, { invoice, sellers, from: BANK }),
  });
}

/**
 * A paid invoice is given back whole to the customer's wallet: by the platform for its own plans; for a bundle by the developers, in equal
 * parts and as far as they have them, and by the platform beyond that. The fee stays.
 */
export async function giveBack(core: Core, tx: Tx, invoice: Invoice): Promise<void> {
  const walletId = await walletOf(tx, invoice.customerId);
  const sellers = await sellersOf(tx, invoice);
  const accounts = [walletId, ...sellers.map((seller) => seller.walletId)].map(available);
  await core.batch.runIn(tx, {
    wants: [...accounts.map((account): Want => [balances, [account, CURRENCY]]), ...earned(core, sellers)],
    lane: walletId,
    decide(scene) {
      const has = (seller: Seller) =>
        scene.find(balances, available(seller.walletId), CURRENCY)?.amount ?? 0n;
      const parts = coveredParts(invoice.amount, sellers, has);
      postIn(core, scene, {
        key: journalKey(invoice.id, 'refund'),
        kind: 'invoice.refund',
        postings: movements.invoiceRefunded({
          walletId,
          asset: CURRENCY,
          amount: invoice.amount,
          own: sellers.length === 0,
          parts: parts.map(({ walletId: from, amount }) => ({ payee: available(from), amount })),
        }),
      });
      for (const { developerId, amount } of parts) earnIn(core, scene, { developerId, amount: -amount });
    },
  });
}

/** What each seller gives of an amount: their parts, as far as they have them. */
export function coveredParts<Who extends { readonly walletId: string }>(
  amount: Amount,
  sellers: readonly Who[],
  has: (seller: Who) => Amount,
): (Who & { readonly amount: Amount })[] {
  const owed = new Map<string, Who & { amount: Amount }>();
  for (const [i, part] of movements.equalParts(amount, Math.max(sellers.length, 1)).entries()) {
    const seller = sellers[i];
    if (!seller) break;
    const sum = (owed.get(seller.walletId)?.amount ?? 0n) + part;
    owed.set(seller.walletId, { ...seller, amount: sum });
  }
  return [...owed.values()].map((seller) => {
    const most = has(seller);
    return { ...seller, amount: seller.amount < most ? seller.amount : most };
  });
}

function book(
  core: Core,
  scene: Scene,
  { invoice, sellers, from }: { invoice: Invoice; sellers: readonly Seller[]; from: string },
): void {
  const { id, amount } = invoice;
  const payees = sellers.map(({ walletId }) => available(walletId));
  const fee = feeOn(amount, core.settings.fees.marketplace);
  postIn(core, scene, {
    key: journalKey(id, 'paid'),
    kind: 'invoice.paid',
    postings:
      sellers.length === 0
        ? movements.planPaid({ from, asset: CURRENCY, amount })
        : movements.bundlePaid({ from, payees, asset: CURRENCY, amount, fee }),
  });
  if (sellers.length > 0)
    for (const [i, part] of movements.equalParts(amount - fee, sellers.length).entries())
      earnIn(core, scene, { developerId: (sellers[i] as Seller).developerId, amount: part });
}

function earned(core: Core, sellers: readonly Seller[]): Want[] {
  return sellers.flatMap(({ developerId }) => earnWants(core, developerId));
}

async function sellersOf(db: Queryable, { sellers }: Invoice): Promise<Seller[]> {
  const found: Seller[] = [];
  for (const developerId of sellers)
    found.push({ developerId, walletId: (await getDeveloper(db, { developerId })).walletId });
  return found;
}

/** The wallet of a developer or an organization from which invoices are paid. @throws AgentPayError `wallet_not_found` */
export async function walletOf(db: Queryable, ownerId: string): Promise<string> {
  const wallet = await ofCurrency(db, { ownerId, currency: CURRENCY });
  if (!wallet) throw new AgentPayError('wallet_not_found', `There is no wallet in ${CURRENCY}.`);
  return wallet.id;
}
