import { AgentPayError } from '@agentpay/primitives';
import type { Amount, Queryable, Tx } from '@agentpay/primitives';
import { bytesToHex, privateKeySigner } from '@agentpay/protocol';
import type { Core } from '../Core.js';
import { movements, post, walletMoney } from '../ledger/index.js';
import { chainCurrency, open as openWallet } from '../wallets/index.js';
import type { CustodyWallet, KeptCustodyWallet } from './CustodyWallet.js';
import * as store from './CustodyStore.js';
import type { PaymentChain, PermitChain } from './ports.js';

/** The chain of a network. @throws AgentPayError `settlement_not_configured` */
export function chainOf(core: Core, network: string): PaymentChain {
  const chain = core.ports.chains.get(network);
  if (chain) return chain;
  throw new AgentPayError('settlement_not_configured', `The network ${network} is not configured.`, {
    param: 'network',
  });
}

/** The network with this CAIP-2 id or name. @throws AgentPayError `settlement_not_configured` */
export function networkNamed(core: Core, idOrName: string): PaymentChain {
  for (const chain of core.ports.chains.values())
    if (chain.network.id === idOrName || chain.network.name === idOrName) return chain;
  return chainOf(core, idOrName);
}

/** What has to be known to pay by Permit2 on a network. @throws AgentPayError `settlement_not_configured` */
export function permitsOf(core: Core, network: string): PermitChain {
  const { permits } = chainOf(core, network);
  if (permits) return permits;
  throw new AgentPayError('settlement_not_configured', `On ${network} nothing is paid by Permit2.`);
}

/** The first network of the configuration; undefined when there is none. */
export function defaultChain(core: Core): PaymentChain | undefined {
  const [first] = core.ports.chains.values();
  return first;
}

/**
 * The wallet of a holder on a network, made where there is none, inside the caller's transaction.
 * @throws AgentPayError `settlement_not_configured`
 */
export async function open(
  core: Core,
  tx: Tx,
  { ownerId, holder, network }: Pick<CustodyWallet, 'ownerId' | 'holder' | 'network'>,
): Promise<CustodyWallet> {
  const chain = chainOf(core, network);
  // Two who ask at once take turns.
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`custody ${holder} ${network}`]);
  const first = await store.custodyWallets.find(tx, { holder, network });
  if (first) return shown(first);
  const currency = chainCurrency(chain.network.asset.symbol, chain.network.name);
  const { id: walletId, createdAt } = await openWallet(core, tx, { ownerId, currency });
  const key = bytesToHex(await core.ports.custodyKeys.make(walletId));
  const { address } = privateKeySigner(key);
  const sealedKey = core.ports.vault.seal(key, walletId);
  const wallet = { walletId, ownerId, holder, network, address, sealedKey, bookings: 0n, createdAt };
  await store.custodyWallets.insert(tx, wallet);
  return shown(wallet);
}

/** The wallets of a holder, oldest first. */
export async function ofHolder(db: Queryable, { holder }: { holder: string }): Promise<CustodyWallet[]> {
  return (await payingFor(db, { holder })).map(shown);
}

/** {@link ofHolder}, as whoever pays with them needs them: each with its sealed key. */
export async function payingFor(
  db: Queryable,
  { holder }: { holder: string },
): Promise<readonly KeptCustodyWallet[]> {
  return (await store.findOfHolder(db, holder))?.wallets ?? [];
}

/**
 * Books what has arrived on the chain since the last look, and what a wallet then has.
 *
 * The chain's balance less what the books have can only be too small while payments are under way, as those that the chain has taken
 * already are still reserved: so what it shows as more has arrived. Less is believed only when nothing is reserved.
 * @throws AgentPayError `wallet_not_found`, `unavailable` when the chain cannot be asked
 */
export async function balanceOf(
  core: Core,
  { walletId }: Pick<CustodyWallet, 'walletId'>,
): Promise<{ available: Amount; held: Amount; onChain: Amount }> {
  const wallet = await store.custodyWallets.find(core.db, { walletId });
  if (!wallet) throw new AgentPayError('wallet_not_found', 'There is no wallet with this id.');
  const { network, balanceOf: ask } = chainOf(core, wallet.network);
  const asset = chainCurrency(network.asset.symbol, network.name);
  // The books first: what is confirmed between the two looks makes the difference smaller.
  const before = await walletMoney(core.db, { walletId, asset });
  const onChain = await ask(wallet.address).catch((cause: unknown) => {
    throw new AgentPayError('unavailable', 'The chain cannot be asked for the balance.', {
      cause,
      retryAfter: 2,
    });
  });
  const difference = onChain - before.available - before.held;
  if (difference > 0n || (difference < 0n && before.held === 0n))
    await book(core, wallet, { asset, network: network.name, difference, expected: before });
  return { ...(await walletMoney(core.db, { walletId, asset })), onChain };
}

async function book(
  core: Core,
  wallet: KeptCustodyWallet,
  {
    asset,
    network,
    difference,
    expected,
  }: {
    asset: string;
    network: string;
    difference: Amount;
    expected: { available: Amount; held: Amount };
  },
): Promise<void> {
  const { walletId, bookings } = wallet;
  await core.db.tx(
    async (tx) => {
      if (!(await store.countBooking(tx, wallet))) return;
      const of = { walletId, asset, network };
      if (difference < 0n) {
        // A payment that began meanwhile explains a smaller balance.
        const now = await walletMoney(tx, { walletId, asset });
        if (now.held !== 0n || now.available !== expected.available) return;
      }
      await post(core, tx, {
        key: `${walletId}:booking:${bookings}`,
        kind: difference > 0n ? 'custody.deposit' : 'custody.vanished',
        postings:
          difference > 0n
            ? movements.chainDeposit({ ...of, amount: difference })
            : movements.chainVanished({ ...of, amount: -difference }),
      });
    },
    { lane: walletId },
  );
}

/**
 * What all wallets of a network have on the chain, without what has arrived at them since they were last looked at, which is booked at the
 * next look ({@link balanceOf}). Rejects when it cannot be asked.
 */
export async function totalOnChain(core: Core, { network }: { network: string }): Promise<Amount> {
  const chain = networkNamed(core, network);
  let total = 0n;
  for (let after = ''; ;) {
    const limit = 100;
    const wallets = await store.selectOfNetwork(core.db, { network: chain.network.id, after, limit });
    const found = await Promise.all(wallets.map((wallet) => bookableOf(core, chain, wallet)));
    total = found.reduce((sum, amount) => sum + amount, total);
    if (wallets.length < limit) return total;
    after = (wallets.at(-1) as KeptCustodyWallet).walletId;
  }
}

async function bookableOf(
  core: Core,
  { network, balanceOf: ask }: PaymentChain,
  { walletId, address }: KeptCustodyWallet,
): Promise<Amount> {
  const asset = chainCurrency(network.asset.symbol, network.name);
  const { available, held } = await walletMoney(core.db, { walletId, asset });
  const [booked, onChain] = [available + held, await ask(address)];
  return onChain > booked ? booked : onChain;
}

function shown({ walletId, ownerId, holder, network, address, createdAt }: KeptCustodyWallet): CustodyWallet {
  return { walletId, ownerId, holder, network, address, createdAt };
}
