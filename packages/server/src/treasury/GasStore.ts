import type { Db, Migration } from '@agentpay/primitives';
import type { Address, Hex } from '@agentpay/protocol';
import type { SignedTransaction } from '@agentpay/evm';

/** Calls of accounts that pay their own gas, and every transaction that was signed for them. */
export const gasMigration: Migration = {
  name: 'server/gas-1',
  sql: `
    create table gas_calls (
      name text primary key,
      signer text not null,
      account_nonce bigint,
      failure text,
      ended boolean not null,
      unique (signer, account_nonce),
      check ((account_nonce is null) = (failure is not null))
    );
    create index gas_calls_unended on gas_calls (signer, account_nonce) where not ended;
    create table gas_attempts (
      hash text primary key,
      name text not null references gas_calls (name) on delete cascade,
      attempt bigint generated always as identity,
      to_address text not null,
      data text not null,
      gas text not null,
      max_fee_per_gas text not null,
      max_priority_fee_per_gas text not null,
      raw text not null
    );
    create index gas_attempts_name on gas_attempts (name, attempt);
  `,
};

/** Another replica has used the nonce, or the name. Nothing was broadcast. */
export class NonceTaken extends Error {
  override readonly name = 'NonceTaken';
}

/** A call as it is kept. */
export interface KeptCall {
  readonly nonce: number;
  /** Why there never was one. */
  readonly failure: string | null;
  readonly ended: boolean;
  /** Oldest first. */
  readonly attempts: readonly SignedTransaction[];
}

/** What is kept of the calls of one account. */
export interface GasStore {
  find(name: string): Promise<KeptCall | undefined>;
  /** @throws NonceTaken */
  record(name: string, transaction: SignedTransaction): Promise<void>;
  giveUp(name: string, reason: string): Promise<void>;
  end(name: string): Promise<void>;
  /** Its nonce was used by something else: the name is free again. */
  forget(name: string): Promise<void>;
  nameOf(nonce: number): Promise<string | undefined>;
  /** First nonce that no call has. */
  nextNonce(): Promise<number>;
  /** Names of calls whose outcome is not known, in the order of their nonces. */
  unended(): Promise<string[]>;
}

const MOST_UNENDED = 1_000;

export function gasStore(db: Db, signer: Address): GasStore {
  return {
    find: (name) => find(db, signer, name),
    record: (name, transaction) =>
      db.tx(async (tx) => {
        const { nonce } = transaction;
        const [fresh] = await tx.query(
          `insert into gas_calls (name, signer, account_nonce, ended) values ($1, $2, $3, false) on conflict do nothing returning 1`,
          [name, signer, nonce],
        );
        const [kept] = fresh
          ? [fresh]
          : await tx.query(
              'select 1 from gas_calls where name = $1 and signer = $2 and account_nonce = $3 for share',
              [name, signer, nonce],
            );
        if (!kept) throw new NonceTaken(`Nonce ${nonce} of ${signer}, or the name ${name}, is taken.`);
        const { hash, to, data, gas, maxFeePerGas, maxPriorityFeePerGas, raw } = transaction;
        const numbers = [gas, maxFeePerGas, maxPriorityFeePerGas].map(String);
        await tx.query(
          `insert into gas_attempts (hash, name, to_address, data, gas, max_fee_per_gas, max_priority_fee_per_gas, raw)
           values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
          [hash, name, to, data, ...numbers, raw],
        );
      }),
    async giveUp(name, reason) {
      await db.query(
        'insert into gas_calls (name, signer, failure, ended) values ($1, $2, $3, true) on conflict do nothing',
        [name, signer, reason],
      );
    },
    async end(name) {
      await db.query('update gas_calls set ended = true where name = $1', [name]);
    },
    async forget(name) {
      await db.query('delete from gas_calls where name = $1 and not ended', [name]);
    },
    async nameOf(nonce) {
      const sql = 'select name from gas_calls where signer = $1 and account_nonce = $2';
      return (await db.query<{ name: string }>(sql, [signer, nonce]))[0]?.name;
    },
    async nextNonce() {
      const sql = 'select coalesce(max(account_nonce) + 1, 0) as next from gas_calls where signer = $1';
      return Number((await db.query<{ next: bigint }>(sql, [signer]))[0]?.next);
    },
    async unended() {
      const rows = await db.query<{ name: string }>(
        'select name from gas_calls where signer = $1 and not ended order by account_nonce limit $2',
        [signer, MOST_UNENDED],
      );
      return rows.map(({ name }) => name);
    },
  };
}

interface AttemptRow {
  readonly hash: Hex;
  readonly to: Address;
  readonly data: Hex;
  readonly gas: string;
  readonly maxFee: string;
  readonly maxPriorityFee: string;
  readonly raw: Hex;
}

async function find(db: Db, signer: Address, name: string): Promise<KeptCall | undefined> {
  const [call] = await db.query<{ nonce: bigint | null; failure: string | null; ended: boolean }>(
    'select account_nonce as nonce, failure, ended from gas_calls where name = $1',
    [name],
  );
  if (!call) return undefined;
  const rows = await db.query<AttemptRow>(
    `select hash, to_address as "to", data, gas, max_fee_per_gas as "maxFee", max_priority_fee_per_gas as "maxPriorityFee", raw
     from gas_attempts where name = $1 order by attempt`,
    [name],
  );
  const nonce = Number(call.nonce ?? -1);
  const attempts = rows.map(({ hash, to, data, gas, maxFee, maxPriorityFee, raw }) => ({
    signer,
    nonce,
    hash,
    to,
    data,
    raw,
    gas: BigInt(gas),
    maxFeePerGas: BigInt(maxFee),
    maxPriorityFeePerGas: BigInt(maxPriorityFee),
  }));
  return { nonce, failure: call.failure, ended: call.ended, attempts };
}
