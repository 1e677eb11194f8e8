import type { Clock, Db, Queryable } from '@agentpay/primitives';
import type { Address } from '@agentpay/protocol';
import type { Chain, Sender } from '@agentpay/evm';

/** Replicas on one database divide the signer accounts among them: each account is held by one replica at a time. */
export interface AccountSharing {
  /** Names this replica. */
  readonly holder: string;
  /** A replica that has not been heard of for so long loses its accounts to the others. */
  readonly leaseMs: number;
}

export interface SignerAccountsOptions {
  readonly chain: Chain;
  readonly db: Db;
  readonly clock: Clock;
  readonly addresses: readonly Address[];
  /** Makes the sender of an account that was just taken. */
  readonly open: (address: Address) => Promise<Sender>;
  /** Undefined: no other process works on the database, and everything is ours. */
  readonly sharing?: AccountSharing | undefined;
  /** An account with less ether, in wei, is given no new work. Default 0. */
  readonly minBalance?: bigint | undefined;
}

export interface SignerAccounts {
  /** All of them, ours or not; their places are the lanes. */
  readonly addresses: readonly Address[];
  /** The sender of the account, if it is ours. */
  sender(lane: number): Sender | undefined;
  /** Those that are ours. */
  held(): readonly Sender[];
  /** Whether the account is ours and has ether enough. */
  isUsable(lane: number): boolean;
  /** Renews our hold, takes what is free and within our share; to be called every second or so. */
  renew(): Promise<{ readonly gained: readonly Sender[]; readonly lost: readonly Sender[] }>;
  /** Reads the balances, at most every {@link BALANCE_EVERY_MS}; gives accounts that have just become too poor. */
  watchBalances(): Promise<readonly Address[]>;
  /**
   * Refuses, within a transaction, what the sender of an account would record that another replica holds, or has held since.
   * @throws Error
   */
  assertHeld(tx: Queryable, sender: Sender | undefined): Promise<void>;
  /** Lets go of everything, for others to take at once. */
  release(): Promise<void>;
}

const BALANCE_EVERY_MS = 15_000;

/** The accounts that are ours now, and what their steps need. */
interface Held extends SignerAccountsOptions {
  readonly minBalance: bigint;
  readonly senders: Map<Address, Sender>;
  /** Which time of holding its account each sender belongs to: one that it is not any more was somebody else's in between. */
  readonly tenures: WeakMap<Sender, bigint>;
  readonly poor: Set<Address>;
  balancesAt: number;
}

export function createSignerAccounts(options: SignerAccountsOptions): SignerAccounts {
  const { chain, db, clock, addresses, open, sharing, minBalance = 0n } = options;
  const given = { chain, db, clock, addresses, open, sharing, minBalance };
  const [senders, poor] = [new Map<Address, Sender>(), new Set<Address>()];
  const held: Held = { ...given, senders, poor, tenures: new WeakMap(), balancesAt: -Infinity };
  return {
    addresses,
    sender: (lane) => senders.get(addresses[lane] as Address),
    held: () => [...senders.values()],
    isUsable: (lane) => senders.has(addresses[lane] as Address) && !poor.has(addresses[lane] as Address),
    renew: () => renew(held),
    watchBalances: () => watchBalances(held),
    assertHeld: (tx, sender) => assertHeld(held, tx, sender),
    async release() {
      if (!sharing) return;
      await letGo(db, addresses, sharing.holder);
      await db.query('delete from facilitator_replicas where holder = $1', [sharing.holder]);
    },
  };
}

async function renew(held: Held): ReturnType<SignerAccounts['renew']> {
  const { sharing, addresses, senders, tenures, open } = held;
  const leased = sharing ? await leases(held, sharing) : addresses.map(forEver);
  const ours = new Map(leased.map(({ address, tenure }) => [address, tenure]));
  const lost = [...senders.values()].filter((sender) => ours.get(sender.address) !== tenures.get(sender));
  for (const { address } of lost) senders.delete(address);
  const gained = await Promise.all([...ours.keys()].filter((address) => !senders.has(address)).map(open));
  for (const sender of gained) {
    senders.set(sender.address, sender);
    tenures.set(sender, ours.get(sender.address) as bigint);
  }
  return { gained, lost };
}

async function leases(
  { db, addresses, senders }: Held,
  { holder, leaseMs }: AccountSharing,
): Promise<readonly Lease[]> {
  await db.query(
    `insert into facilitator_replicas (holder, alive_until) values ($1, now() + $2 * interval '1 millisecond')
     on conflict (holder) do update set alive_until = excluded.alive_until`,
    [holder, leaseMs],
  );
  const [row] = await db.query<{ alive: bigint }>(
    'select count(*) as alive from facilitator_replicas where alive_until > now()',
  );
  const share = Math.ceil(addresses.length / Math.max(1, Number(row?.alive)));
  const idle = [...senders.values()]
    .filter((sender) => sender.inFlight() === 0)
    .map(({ address }) => address);
  const surplus = idle.slice(0, Math.max(0, senders.size - share));
  if (surplus.length > 0) await letGo(db, surplus, holder);
  const wanted = addresses.filter((address) => !surplus.includes(address));
  return db.query<Lease>(TAKE, [wanted, holder, leaseMs, share]);
}

async function letGo(db: Db, some: readonly Address[], holder: string): Promise<void> {
  await db.query(
    'update facilitator_signers set holder = null where address = any($1::text[]) and holder = $2',
    [some, holder],
  );
}

async function watchBalances(held: Held): Promise<readonly Address[]> {
  const { chain, clock, minBalance, senders, poor } = held;
  if (minBalance === 0n || clock.now() - held.balancesAt < BALANCE_EVERY_MS) return [];
  held.balancesAt = clock.now();
  const before = new Set(poor);
  for (const address of senders.keys()) {
    if ((await chain.balance(address)) < minBalance) poor.add(address);
    else poor.delete(address);
  }
  return [...poor].filter((address) => !before.has(address));
}

async function assertHeld(
  { sharing, tenures }: Held,
  tx: Queryable,
  sender: Sender | undefined,
): Promise<void> {
  if (!sharing) return;
  // Locked, so that nobody takes the account over before what is recorded can be seen.
  const sql =
    'select 1 from facilitator_signers where address = $1 and holder = $2 and tenure = $3 for share';
  const found = sender
    ? await tx.query(sql, [sender.address, sharing.holder, tenures.get(sender) ?? null])
    : [];
  if (found.length === 0)
    throw new Error(`Another replica of the facilitator has taken the account ${sender?.address} over.`);
}

interface Lease {
  readonly address: Address;
  /** Grows by one whenever the account gets another holder. */
  readonly tenure: bigint;
}

function forEver(address: Address): Lease {
  return { address, tenure: 0n };
}

/** Keeps what is ours, and takes free ones up to the share. */
const TAKE = `
  with wanted as (
    select address, holder = $2 as ours
      from unnest($1::text[]) as address left join facilitator_signers using (address)
     where holder is null or holder = $2 or held_until <= now()
     order by ours desc nulls last, address
  )
  insert into facilitator_signers as held (address, holder, held_until)
  select address, $2, now() + $3 * interval '1 millisecond'
    from (select address, ours, row_number() over (order by ours desc nulls last, address) as place from wanted) ranked
   where ours or place <= $4
  on conflict (address) do update set holder = excluded.holder, held_until = excluded.held_until,
        tenure = held.tenure + (held.holder is distinct from excluded.holder)::int
   where held.holder = excluded.holder or held.holder is null or held.held_until <= now()
  returning address, tenure`;
