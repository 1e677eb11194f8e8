import type { Clock, Db } from '@agentpay/primitives';
import type { Address } from '@agentpay/protocol';
import {
  createSender,
  type Chain,
  type RecordTransaction,
  type Sender,
  type SignedTransaction,
  type TransactionReceipt,
  type TransactionRequest,
} from '@agentpay/evm';
import type { LocalAccount } from 'viem';
import { gasStore, NonceTaken, type GasStore } from './GasStore.js';

/** How a call of an account stands. `never`: its name was given up before it was made. */
export type GasCall =
  | { readonly status: 'pending' }
  | { readonly status: 'mined'; readonly receipt: TransactionReceipt }
  | { readonly status: 'never'; readonly reason: string };

/**
 * Transactions of one account that pays its own gas, each under a name under which it is made once, whoever asks for it and however often:
 * the name is kept together with the account nonce before the transaction is broadcast. Replicas on one database share the account.
 */
export interface GasCalls {
  readonly address: Address;
  /** How the call of this name stands, which is pushed on where it waits; undefined when there is none. */
  follow(name: string): Promise<GasCall | undefined>;
  /** Makes the call unless its name is taken. Rejects when it was certainly not made, or may be followed. */
  make(name: string, request: TransactionRequest): Promise<GasCall>;
  /** Takes a name, so that no call of this name is ever made; gives how the call stands that has it already. */
  giveUp(name: string, reason: string): Promise<GasCall>;
}

export interface GasCallsOptions {
  readonly chain: Chain;
  readonly chainId: number;
  readonly db: Db;
  readonly clock: Clock;
  readonly account: LocalAccount;
  /** Blocks that a transaction must have, its own included, to count. */
  readonly confirmations: number;
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** An account at work, as its steps see it. */
interface Calling extends GasCallsOptions {
  readonly store: GasStore;
  /** The one sender of this process, made when it is needed, and anew when another replica was first with a nonce. */
  sender: Promise<Sender> | undefined;
  /** Names of the calls that it carries. */
  carried: Set<string>;
}

export function createGasCalls(options: GasCallsOptions): GasCalls {
  const { db, account } = options;
  const own: Calling = {
    ...options,
    store: gasStore(db, account.address),
    sender: undefined,
    carried: new Set(),
  };
  return {
    address: account.address,
    follow: (name) => follow(own, name),
    async make(name, request) {
      const known = await follow(own, name);
      if (known) return known;
      const sender = await senderOf(own);
      try {
        await sender.send(request, recorder(own, name));
        own.carried.add(name);
        return { status: 'pending' };
      } catch (error) {
        if (error instanceof NonceTaken) forgetSender(own);
        throw error;
      }
    },
    async giveUp(name, reason) {
      await own.store.giveUp(name, reason);
      return (await follow(own, name)) as GasCall;
    },
  };
}

/** Keeps what is about to be broadcast for the call of this name. */
function recorder({ store }: Calling, name: string): RecordTransaction {
  return (transaction) => store.record(name, transaction);
}

async function follow(own: Calling, name: string): Promise<GasCall | undefined> {
  const kept = await own.store.find(name);
  if (!kept) return undefined;
  if (kept.failure !== null) return { status: 'never', reason: kept.failure };
  const receipt = await receiptIn(own, kept.attempts);
  if (!receipt) {
    await pushOn(own, name, kept.attempts);
    return { status: 'pending' };
  }
  if (!kept.ended) await own.store.end(name);
  if (own.carried.delete(name)) (await own.sender)?.finish(kept.nonce);
  return { status: 'mined', receipt };
}

/** The receipt of one of the attempts that stands deep enough. */
async function receiptIn(
  { chain, confirmations }: Calling,
  attempts: readonly SignedTransaction[],
): Promise<TransactionReceipt | undefined> {
  const { number } = await chain.block();
  const receipts = await chain.receipts(attempts.map(({ hash }) => hash));
  return receipts.find((receipt) => receipt && number - receipt.blockNumber + 1n >= BigInt(confirmations));
}

/** Takes over what another process has left, broadcasts again, replaces what is late, and gives nonces back that the chain has lost. */
async function pushOn(own: Calling, name: string, attempts: readonly SignedTransaction[]): Promise<void> {
  const sender = await senderOf(own);
  if (!own.carried.has(name)) {
    own.carried.add(name);
    await sender.adopt(attempts, recorder(own, name));
  }
  const { dropped, lost } = await sender.maintain();
  for (const nonce of dropped) {
    const dead = await own.store.nameOf(nonce);
    const sent = dead === undefined ? [] : ((await own.store.find(dead))?.attempts ?? []);
    if (dead === undefined) continue;
    own.carried.delete(dead);
    // Another replica may have replaced it; what it sent under the nonce is ours as well.
    const receipts = await own.chain.receipts(sent.map(({ hash }) => hash));
    if (!receipts.some(Boolean)) await own.store.forget(dead);
  }
  for (const nonce of lost) await giveBack(own, sender, nonce);
}

async function giveBack(own: Calling, sender: Sender, nonce: number): Promise<void> {
  const name = await own.store.nameOf(nonce);
  const kept = name === undefined ? undefined : await own.store.find(name);
  if (name !== undefined && kept) await sender.adopt(kept.attempts, recorder(own, name));
  else await sender.fill(nonce, recorder(own, `nothing:${own.account.address}:${nonce}`));
}

/** The sender, with all calls that have not ended. */
function senderOf(own: Calling): Promise<Sender> {
  const opened = (own.sender ??= open(own));
  opened.catch(() => {
    if (own.sender === opened) forgetSender(own);
  });
  return opened;
}

function forgetSender(own: Calling): void {
  own.sender = undefined;
  own.carried = new Set();
}

async function open(own: Calling): Promise<Sender> {
  const { chain, clock, account, chainId, store, onError } = own;
  const nextNonce = await store.nextNonce();
  const sender = createSender({ chain, clock, account, chainId, nextNonce, ...(onError && { onError }) });
  for (const name of await store.unended()) {
    const kept = await store.find(name);
    if (!kept) continue;
    own.carried.add(name);
    await sender.adopt(kept.attempts, recorder(own, name));
  }
  return sender;
}
