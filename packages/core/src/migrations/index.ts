import type { Migration } from '@agentpay/primitives';
import { agents } from './003-agents.js';
import { events } from './008-events.js';
import { identity } from './002-identity.js';
import { ledger } from './001-ledger.js';
import { marketplace } from './005-marketplace.js';
import { payments } from './006-payments.js';
import { tokens } from './007-tokens.js';
import { wallets } from './004-wallets.js';

/** The schema of core, in the order in which it grows. */
export const migrations: readonly Migration[] = [
  ledger,
  identity,
  agents,
  wallets,
  marketplace,
  payments,
  tokens,
  events,
];
