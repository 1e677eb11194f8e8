import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { movements, post, walletMoney } from '../ledger/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { checkOptionalText } from '../text.js';
import { isOnChain } from './Wallet.js';
import type { Balance, Funding, Wallet } from './Wallet.js';
import * as store from './WalletStore.js';

/** The one source of money that `fund` knows. */
export const TEST_FAUCET = 'test_faucet';

/** Opens a wallet, inside the caller's transaction. */
export async function open(
  core: Core,
  tx: Tx,
  { ownerId, currency }: { ownerId: string; currency: string },
): Promise<Wallet> {
  const wallet = { id: newId('wallet', core), ownerId, currency, createdAt: new Date(core.clock.now()) };
  await store.wallets.insert(tx, wallet);
  return wallet;
}

/**
 * Gives play money to a wallet of the caller. With an idempotency key the same call again gives the first response's
 * transaction and no money.
 * @throws AgentPayError `wallet_not_found`, `funding_source_unknown`, `invalid_amount`, `funding_refused` (no sandbox, above the
 * cap), `conflict` (the idempotency key was used for another amount)
 */
export async function fund(
  core: Core,
  request: {
    principal: Principal;
    walletId: string;
    amount: Amount;
    source: string;
    idempotencyKey?: string | undefined;
  },
): Promise<Balance & { transactionId: string }> {
  const { principal, walletId, amount, source } = request;
  assertFundable(core, amount, source);
  const idempotencyKey = checkOptionalText('idempotencyKey', request.idempotencyKey);
  return core.db.tx(
    async (tx) => {
      const wallet = await owned(tx, { principal, walletId });
      if (isOnChain(wallet))
        throw new AgentPayError('funding_refused', 'This wallet is funded on its chain, by its address.');
      const createdAt = new Date(core.clock.now());
      const funding = await record(tx, {
        id: newId('transaction', core),
        walletId,
        amount,
        source,
        idempotencyKey,
        createdAt,
      });
      await post(core, tx, {
        key: funding.id,
        kind: 'faucet.fund',
        postings: movements.faucetFund({ walletId, asset: wallet.currency, amount }),
      });
      const after = await balanceOf(tx, wallet);
      assertWithinDemo(core, principal, after);
      return { ...after, transactionId: funding.id };
    },
    { lane: principal.party.id },
  );
}

/**
 * What a wallet of the caller holds.
 * @throws AgentPayError `wallet_not_found`
 */
export async function balance(
  core: Core,
  { principal, walletId }: { principal: Principal; walletId: string },
): Promise<Balance> {
  return balanceOf(core.db, await owned(core.db, { principal, walletId }));
}

/**
 * The wallet, if it is the caller's. Somebody else's is as unknown as one that does not exist.
 * @throws AgentPayError `wallet_not_found`
 */
export async function owned(
  db: Queryable,
  { principal, walletId }: { principal: Principal; walletId: string },
): Promise<Wallet> {
  const wallet = isId('wallet', walletId) ? await store.wallets.find(db, { id: walletId }) : undefined;
  if (!wallet || wallet.ownerId !== principal.party.id)
    throw new AgentPayError('wallet_not_found', 'You have no wallet with this id.');
  return wallet;
}

/** All wallets of a currency and what they hold, newest first. For the operator. @throws AgentPayError `forbidden` */
export async function listAll(
  core: Core,
  request: {
    principal: Principal;
    currency: string;
  } & PageRequest,
): Promise<{ wallets: (Balance & { readonly wallet: Wallet })[] } & Counted> {
  requireParty(request.principal, 'platform');
  const { rows, ...counted } = await store.wallets.page(core.db, {
    where: 'currency = $1',
    params: [request.currency],
    order: newestFirst,
    ...page(request),
  });
  const found = await Promise.all(
    rows.map(async (wallet) => ({ ...(await balanceOf(core.db, wallet)), wallet })),
  );
  return { wallets: found, ...counted };
}

/** Anybody's wallet. @throws AgentPayError `wallet_not_found` */
export async function get(db: Queryable, { walletId }: { walletId: string }): Promise<Wallet> {
  const wallet = isId('wallet', walletId) ? await store.wallets.find(db, { id: walletId }) : undefined;
  if (!wallet) throw new AgentPayError('wallet_not_found', 'There is no wallet with this id.');
  return wallet;
}

/** The party's first wallet of a currency; undefined when it has none. */
export function ofCurrency(
  db: Queryable,
  { ownerId, currency }: { ownerId: string; currency: string },
): Promise<Wallet | undefined> {
  return store.findByCurrency(db, ownerId, currency);
}

function assertFundable(core: Core, amount: Amount, source: string): void {
  const { sandbox, faucetMax } = core.settings.wallets;
  if (source !== TEST_FAUCET)
    throw new AgentPayError('funding_source_unknown', `The only source is ${TEST_FAUCET}.`, {
      param: 'source',
    });
  if (!sandbox) throw new AgentPayError('funding_refused', 'There is no test faucet outside a sandbox.');
  if (amount <= 0n)
    throw new AgentPayError('invalid_amount', 'The amount must be above zero.', { param: 'amount' });
  if (amount > faucetMax)
    throw new AgentPayError('funding_refused', 'The faucet gives less than this at once.', {
      param: 'amount',
    });
}

/** The posting has locked the balance: of several at once none gets past the cap. */
function assertWithinDemo(core: Core, { scopes }: Principal, { balance }: Balance): void {
  const { everybody, fundingMax } = core.settings.explorer;
  if (!(everybody || scopes.includes('demo')) || balance <= fundingMax) return;
  throw new AgentPayError('funding_refused', 'A demo wallet holds no more than this.', { param: 'amount' });
}

async function record(tx: Tx, funding: Funding): Promise<Funding> {
  if (await store.fundings.insertNew(tx, funding)) return funding;
  const { walletId, idempotencyKey } = funding;
  const first = await store.fundings.find(tx, { walletId, idempotencyKey });
  if (first && first.amount === funding.amount && first.source === funding.source) return first;
  throw new AgentPayError('conflict', 'The idempotency key was used for another amount.', {
    param: 'idempotencyKey',
  });
}

async function balanceOf(db: Queryable, { id, currency }: Wallet): Promise<Balance> {
  const money = await walletMoney(db, { walletId: id, asset: currency });
  return { walletId: id, currency, ...money, balance: money.available + money.held };
}
