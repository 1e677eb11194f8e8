import type { Migration } from '@agentpay/primitives';

/** The facilitator's tables. */
export const migrations: readonly Migration[] = [
  {
    name: 'facilitator/001-settlements',
    sql: `
      create table facilitator_settlements (
        id text primary key,
        network text not null,
        asset text not null,
        payer text not null,
        nonce text not null,
        fingerprint text not null,
        "authorization" jsonb not null,
        signature text not null,
        by_account boolean not null,
        state text not null check (state in ('claimed', 'sent', 'settled', 'failed')),
        transaction_id text,
        hash text,
        reason text,
        message text,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        unique (network, asset, payer, nonce),
        check (state not in ('sent', 'settled') or hash is not null),
        check (state <> 'failed' or reason is not null)
      );
      create index facilitator_settlements_unfinished on facilitator_settlements (transaction_id) where state = 'sent';

      create table facilitator_transactions (
        hash text primary key,
        transaction_id text not null,
        attempt bigint generated always as identity,
        signer text not null,
        account_nonce bigint not null,
        to_address text not null,
        data text not null,
        gas text not null,
        max_fee_per_gas text not null,
        max_priority_fee_per_gas text not null,
        raw text not null,
        created_at timestamptz not null
      );
      create index facilitator_transactions_group on facilitator_transactions (transaction_id, attempt);
    `,
  },
  {
    name: 'facilitator/002-account-nonces',
    sql: `
      create index facilitator_transactions_nonce on facilitator_transactions (signer, account_nonce);
      create index facilitator_settlements_transaction on facilitator_settlements (transaction_id);
    `,
  },
  {
    name: 'facilitator/003-schemes',
    sql: `
      alter table facilitator_settlements add column scheme text not null default 'exact-eip3009', add column amount text;
      update facilitator_settlements set amount = "authorization" ->> 'value';
      alter table facilitator_settlements alter column scheme drop default, alter column amount set not null;
    `,
  },
  {
    name: 'facilitator/004-operations',
    sql: `
      create index facilitator_settlements_payer on facilitator_settlements (payer, id);
      create index facilitator_settlements_open on facilitator_settlements (id) where state <> 'settled';

      create table facilitator_gas (
        hash text primary key,
        gas_used bigint not null,
        payments integer not null,
        success boolean not null,
        mined_at timestamptz not null
      );
      create index facilitator_gas_mined on facilitator_gas (mined_at);

      create table facilitator_payment_ids (
        scope text not null,
        id text not null,
        payment text not null,
        expires_at timestamptz not null,
        primary key (scope, id)
      );

      create table facilitator_resources (
        key text primary key,
        resource text not null,
        type text not null,
        pay_to text not null,
        scheme text not null,
        network text not null,
        requirements jsonb not null,
        description text,
        mime_type text,
        bazaar jsonb not null,
        words text not null,
        updated_at timestamptz not null
      );
      create index facilitator_resources_recent on facilitator_resources (updated_at desc, key);
      create index facilitator_resources_payee on facilitator_resources (pay_to, updated_at desc, key);
    `,
  },
  {
    name: 'facilitator/005-payment-id-expiry',
    sql: 'create index facilitator_payment_ids_expiry on facilitator_payment_ids (expires_at);',
  },
  {
    name: 'facilitator/006-replicas',
    sql: `
      create table facilitator_replicas (
        holder text primary key,
        alive_until timestamptz not null
      );
      create table facilitator_signers (
        address text primary key,
        holder text not null,
        held_until timestamptz not null
      );
      alter table facilitator_settlements add column claimed_by text;
    `,
  },
  {
    name: 'facilitator/007-claims',
    sql: `create index facilitator_settlements_claimed on facilitator_settlements (updated_at) where state = 'claimed';`,
  },
  {
    // A batch is tens of kilobytes of digits that do not repeat: to compress them costs more than to keep them.
    name: 'facilitator/008-transactions-as-they-are',
    sql: `
      alter table facilitator_transactions alter column data set storage external;
      alter table facilitator_transactions alter column raw set storage external;
    `,
  },
  {
    // A holder that slept learns from the tenure that another had its account meanwhile; an account that is free keeps its row for that.
    name: 'facilitator/009-tenure',
    sql: `
      alter table facilitator_signers alter column holder drop not null;
      alter table facilitator_signers add column tenure bigint not null default 1;
    `,
  },
  {
    name: 'facilitator/010-contract-payers',
    sql: `create index facilitator_settlements_contract_payer on facilitator_settlements (payer) where by_account and state <> 'settled';`,
  },
  {
    name: 'facilitator/011-catalogue',
    sql: `
      alter table facilitator_resources
        add column url text,
        add column name text not null default 'GET',
        add column proved_at timestamptz,
        add column probed_at timestamptz,
        add column misses integer not null default 0,
        add column score double precision not null default 0,
        add column delisted boolean not null default false;
      update facilitator_resources set url = resource, name = coalesce(
        bazaar->'info'->'input'->>'method', bazaar->'info'->'input'->>'toolName', 'GET');
      alter table facilitator_resources alter column url set not null;
      create index facilitator_resources_ranked on facilitator_resources (score desc, updated_at desc, key);
      create index facilitator_resources_probed on facilitator_resources (probed_at nulls first);
      drop index facilitator_resources_recent;

      create table facilitator_resource_payers (
        key text not null references facilitator_resources on delete cascade,
        payer text not null,
        amount numeric not null,
        primary key (key, payer)
      );
    `,
  },
  {
    name: 'facilitator/012-grants',
    sql: `
      create table facilitator_grants (
        key text primary key,
        digest text not null,
        hash text not null,
        purchase text not null default '',
        created_at timestamptz not null,
        taken_at timestamptz
      );
    `,
  },
  {
    name: 'facilitator/013-holds',
    sql: `
      create table facilitator_holds (
        id text primary key,
        caller text not null,
        created_at timestamptz not null
      );
    `,
  },
];
