import { jobs, migrations as core } from '@agentpay/core';
import type { Migration } from '@agentpay/primitives';
import { jobMigrations } from './jobs/schema.js';
import { pepperMigration } from './pepperCheck.js';
import { gasMigration } from './treasury/GasStore.js';

/** The whole schema of the server. */
export const migrations: readonly Migration[] = [
  ...core,
  pepperMigration,
  gasMigration,
  ...jobMigrations(jobs),
];
