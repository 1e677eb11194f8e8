import { coalesce, type Clock, type Db, type Queryable } from '@agentpay/primitives';
import type { Address, Hex, Reason } from '@agentpay/protocol';
import type { Sender, SignedTransaction } from '@agentpay/evm';
import { defaultGasLimits, type GasLimits } from '../schemes/Scheme.js';
import {
  GIVEN_UP,
  type CarryingTransaction,
  type SettlementClaim,
  type Settlement,
  type SettlementKey,
} from './Settlement.js';
import {
  claimedBy,
  claimJson,
  groupByTransaction,
  inOrderOf,
  lower,
  lowerKey,
  toSettlement,
  type SettlementRow,
  type TransactionRow,
} from './settlementRows.js';

/** What all attempts to use one account nonce have in common, and who makes them. */
export interface Carrier {
  readonly id: string;
  readonly sender: Sender | undefined;
}

const COLUMNS = `id, network, asset, payer, nonce, fingerprint, scheme, amount, "authorization", signature, by_account, state,
  transaction_id, hash, reason, message, created_at`;
const SELECT = `select ${COLUMNS} from facilitator_settlements`;

/** Settlements and signed transactions in PostgreSQL. Hex is kept in lower case. */
export interface SettlementStore {
  find(key: SettlementKey): Promise<Settlement | undefined>;
  get(id: string): Promise<Settlement | undefined>;
  getAll(ids: readonly string[]): Promise<readonly Settlement[]>;
  /**
   * Claims the key, also from a claim that failed or was never sent; undefined when a sent or settled one, or another replica, holds it.
   * An id names one claim: whoever still works on an earlier one finds nothing that they could change.
   */
  claim(claim: SettlementClaim): Promise<Settlement | undefined>;
  /**
   * Makes a signed transaction durable as the carrier of these settlements, all in one step.
   * @throws ClaimsLost when some of them were given up, or claimed by another replica: then nothing is recorded
   */
  recordTransaction(
    carrier: Carrier,
    transaction: SignedTransaction,
    settlementIds: readonly string[],
  ): Promise<void>;
  settle(ids: readonly string[], hash: Hex): Promise<void>;
  fail(id: string, reason: Reason, message: string): Promise<void>;
  /** Ends claims of ours of which nothing was signed. */
  giveUp(ids: readonly string[], reason: Reason, message: string): Promise<void>;
  /**
   * Ends claims of replicas that are gone, and ours that are older than `before` (null: of any age) and not among those at work; gives
   * their number.
   */
  giveUpAbandoned(atWork: readonly string[], before: Date | null): Promise<number>;
  /** Everything that was sent and has no outcome. */
  unfinished(): Promise<readonly CarryingTransaction[]>;
  /** What was ever signed with these account nonces, with the settlements that it carries or whose money it moved. */
  signedWith(signer: Address, nonces: readonly number[]): Promise<readonly CarryingTransaction[]>;
  /** Takes settled ones back whose transfer the chain has lost; gives those that were. */
  reopen(ids: readonly string[]): Promise<readonly string[]>;
  /**
   * Of a payer with code: whether a transaction that carried a payment of theirs failed on the chain after that time, and how many of
   * their payments are claimed or sent.
   */
  ofContractPayer(payer: Address, after: Date): Promise<{ readonly failed: boolean; readonly open: number }>;
  /** First account nonce that no recorded transaction of the signer has. */
  nextNonce(signer: Address): Promise<number>;
}

/** Claims that are not ours any more, because this process was not heard of for too long. */
export class ClaimsLost extends Error {
  override readonly name = 'ClaimsLost';
  constructor(readonly ids: readonly string[]) {
    super(`${ids.length} claims were given up, or taken over by another replica of the facilitator.`);
  }
}

export interface StoreOptions {
  readonly gas?: GasLimits | undefined;
  /** Names this replica; null: it is the only one. A claim is its replica's as long as that is alive. */
  readonly holder: string | null;
  /** Refuses to record a transaction of an account that is not ours any more. */
  readonly assertHeld: (tx: Queryable, sender: Sender | undefined) => Promise<void>;
}

/** What the statements need. */
interface Tables extends StoreOptions {
  readonly db: Db;
  readonly gas: GasLimits;
  now(): Date;
  read(row: SettlementRow): Settlement;
}

export function settlementStore(
  db: Db,
  clock: Clock,
  { holder, assertHeld, gas = defaultGasLimits }: StoreOptions,
): SettlementStore {
  const now = () => new Date(clock.now());
  const read = (row: SettlementRow) => toSettlement(row, gas);
  const tables: Tables = { db, holder, assertHeld, gas, now, read };
  const getAll = async (ids: readonly string[]) =>
    (await db.query<SettlementRow>(`${SELECT} where id = any($1::text[])`, [ids])).map(read);
  return {
    find: coalesce((keys: readonly SettlementKey[]) => findSet(tables, keys)),
    claim: coalesce((claims: readonly SettlementClaim[]) => claimSet(tables, claims)),
    getAll,
    async get(id) {
      const [row] = await db.query<SettlementRow>(`${SELECT} where id = $1`, [id]);
      return row && read(row);
    },
    ...changes(tables),
    ...recovery(tables),
  };
}

async function findSet({ db, read }: Tables, keys: readonly SettlementKey[]) {
  const rows = await db.query<SettlementRow>(
    `${SELECT} where (network, asset, payer, nonce) in (
       select network, asset, payer, nonce from jsonb_to_recordset($1::jsonb) as key(network text, asset text, payer text, nonce text))`,
    [JSON.stringify(keys.map(lowerKey))],
  );
  return inOrderOf(keys, rows.map(read));
}

async function claimSet({ db, now, holder, gas }: Tables, claims: readonly SettlementClaim[]) {
  const at = now();
  const rows = await db.query<SettlementKey>(
    `insert into facilitator_settlements as held
       (network, asset, payer, nonce, id, fingerprint, scheme, amount, "authorization", signature, by_account,
        claimed_by, state, created_at, updated_at)
     select network, asset, payer, nonce, id, fingerprint, scheme, amount, "authorization", signature, by_account,
        $3, 'claimed', $2, $2
       from jsonb_to_recordset($1::jsonb) as claim(network text, asset text, payer text, nonce text, id text, fingerprint text,
         scheme text, amount text, "authorization" jsonb, signature text, by_account boolean)
      order by network, asset, payer, nonce
     on conflict (network, asset, payer, nonce) do update
       set id = excluded.id, fingerprint = excluded.fingerprint, scheme = excluded.scheme, amount = excluded.amount,
           "authorization" = excluded."authorization", signature = excluded.signature, by_account = excluded.by_account,
           claimed_by = excluded.claimed_by, state = 'claimed', transaction_id = null, hash = null, reason = null, message = null,
           updated_at = excluded.updated_at
     where held.state = 'failed' or held.state = 'claimed' and (held.claimed_by is not distinct from $3
        or not exists (select 1 from facilitator_replicas where holder = held.claimed_by and alive_until > now()))
     returning network, asset, payer, nonce`,
    [JSON.stringify(claims.map(claimJson)), at, holder],
  );
  return inOrderOf(claims, rows).map((taken, i) => taken && claimedBy(claims[i] as SettlementClaim, gas, at));
}

type Change = 'recordTransaction' | 'settle' | 'fail' | 'giveUp' | 'giveUpAbandoned' | 'reopen';

/** What is recorded of a claim. */
function changes(tables: Tables): Pick<SettlementStore, Change> {
  const { db, now, holder } = tables;
  return {
    recordTransaction: (carrier, transaction, settlementIds) =>
      db.tx((tx) => recordIn(tx, tables, { carrier, transaction, settlementIds })),
    async settle(ids, hash) {
      await db.query(
        `update facilitator_settlements set state = 'settled', hash = $2, reason = null, message = null, updated_at = $3
          where id = any($1::text[])`,
        [ids, hash, now()],
      );
    },
    async fail(id, reason, message) {
      await db.query(
        `update facilitator_settlements set state = 'failed', reason = $2, message = $3, updated_at = $4
          where id = $1 and state in ('claimed', 'sent')`,
        [id, reason, message, now()],
      );
    },
    async giveUp(ids, reason, message) {
      await db.query(
        `update facilitator_settlements set state = 'failed', reason = $2, message = $3, updated_at = $4
          where id = any($1::text[]) and state = 'claimed' and claimed_by is not distinct from $5`,
        [ids, reason, message, now(), holder],
      );
    },
    async giveUpAbandoned(atWork, before) {
      const ended = await db.query(
        `update facilitator_settlements set state = 'failed', reason = $3, message = $4, updated_at = $5
          where state = 'claimed' and case
            when claimed_by is not distinct from $6 then ($2::timestamptz is null or updated_at < $2) and id <> all($1::text[])
            else not exists (select 1 from facilitator_replicas where holder = claimed_by and alive_until > now()) end
         returning id`,
        [
          atWork,
          before,
          GIVEN_UP,
          'The process that claimed it ended before anything was sent.',
          now(),
          holder,
        ],
      );
      return ended.length;
    },
    async reopen(ids) {
      const reopened = await db.query<{ id: string }>(
        `update facilitator_settlements set state = 'sent', updated_at = $2 where id = any($1::text[]) and state = 'settled' returning id`,
        [ids, now()],
      );
      return reopened.map(({ id }) => id);
    },
  };
}

interface Signed {
  readonly carrier: Carrier;
  readonly transaction: SignedTransaction;
  readonly settlementIds: readonly string[];
}

async function recordIn(
  tx: Queryable,
  { now, holder, assertHeld }: Tables,
  { carrier: { id: transactionId, sender }, transaction, settlementIds }: Signed,
): Promise<void> {
  await assertHeld(tx, sender);
  await insertTransaction(tx, transactionId, transaction, now());
  const carried = await tx.query<{ id: string }>(
    `update facilitator_settlements set state = 'sent', transaction_id = $1, hash = $2, updated_at = $3
      where id = any($4::text[]) and (state = 'sent' or state = 'claimed' and claimed_by is not distinct from $5) returning id`,
    [transactionId, transaction.hash, now(), settlementIds, holder],
  );
  const lost = settlementIds.filter((id) => !carried.some((row) => row.id === id));
  if (lost.length > 0) throw new ClaimsLost(lost);
}

/** What was recorded, for those who go on with it. */
function recovery({ db, read }: Tables): Omit<SettlementStore, Change | 'find' | 'claim' | 'get' | 'getAll'> {
  return {
    async unfinished() {
      const settlements = await db.query<SettlementRow>(
        `${SELECT} where state = 'sent' order by created_at, id`,
      );
      const attempts = await db.query<TransactionRow>(
        `select * from facilitator_transactions
          where transaction_id in (select transaction_id from facilitator_settlements where state = 'sent') order by attempt`,
      );
      return groupByTransaction(settlements.map(read), attempts);
    },
    async signedWith(signer, nonces) {
      const attempts = await db.query<TransactionRow>(
        'select * from facilitator_transactions where signer = $1 and account_nonce = any($2::bigint[]) order by account_nonce, attempt',
        [signer, nonces],
      );
      const settlements = await db.query<SettlementRow>(
        `${SELECT} where transaction_id = any($1::text[]) and (state = 'sent' or state = 'settled' and hash = any($2::text[]))`,
        [attempts.map((row) => row.transaction_id), attempts.map(({ hash }) => hash)],
      );
      return groupByTransaction(settlements.map(read), attempts);
    },
    async ofContractPayer(payer, after) {
      // One that came too late was in no block, or it was our delay.
      const [row] = await db.query<{ failed: boolean | null; open: bigint }>(
        `select bool_or(state = 'failed' and transaction_id is not null and updated_at > $2
                  and reason not in ('validBefore', 'permit2DeadlineExpired')) as failed,
                count(*) filter (where state in ('claimed', 'sent')) as open
           from facilitator_settlements where payer = $1 and by_account and state <> 'settled'`,
        [lower(payer), after],
      );
      return { failed: row?.failed ?? false, open: Number(row?.open ?? 0) };
    },
    async nextNonce(signer) {
      const [row] = await db.query<{ next: bigint }>(
        'select coalesce(max(account_nonce) + 1, 0) as next from facilitator_transactions where signer = $1',
        [signer],
      );
      return Number(row?.next ?? 0);
    },
  };
}

async function insertTransaction(
  tx: Queryable,
  transactionId: string,
  transaction: SignedTransaction,
  at: Date,
): Promise<void> {
  const { hash, signer, nonce, to, data, gas, maxFeePerGas, maxPriorityFeePerGas, raw } = transaction;
  await tx.query(
    `insert into facilitator_transactions
       (hash, transaction_id, signer, account_nonce, to_address, data, gas, max_fee_per_gas, max_priority_fee_per_gas, raw, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (hash) do update set transaction_id = excluded.transaction_id`,
    [
      hash,
      transactionId,
      signer,
      nonce,
      to,
      data,
      String(gas),
      String(maxFeePerGas),
      String(maxPriorityFeePerGas),
      raw,
      at,
    ],
  );
}
