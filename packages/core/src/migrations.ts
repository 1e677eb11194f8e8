import type { Migration } from '@agentpay/primitives';
import { migrations as agents } from './agents/migrations.js';
import { migrations as events } from './events/migrations.js';
import { migrations as idempotency } from './idempotency/migrations.js';
import { migrations as identity } from './identity/migrations.js';
import { migrations as ledger } from './ledger/migrations.js';
import { migrations as marketplace } from './marketplace/migrations.js';
import { migrations as parties } from './parties/migrations.js';
import { migrations as payments } from './payments/migrations.js';
import { migrations as tokens } from './tokens/migrations.js';
import { migrations as wallets } from './wallets/migrations.js';

/** The schema of core: each slice declares its tables; a slice stands after those whose tables it refers to. */
export const migrations: readonly Migration[] = [
  ...parties,
  ...identity,
  ...agents,
  ...wallets,
  ...marketplace,
  ...ledger,
  ...payments,
  ...tokens,
  ...events,
  ...idempotency,
];
