import { formatDecimal, newId } from '@agentpay/primitives';
import type { Queryable } from '@agentpay/primitives';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import type { Principal } from '../identity/index.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { within } from '../within.js';
import type { AuditEntry } from './AuditEntry.js';
import * as store from './AuditStore.js';
import type { AuditFilter } from './AuditStore.js';

/** An act as the slice that does it tells it. Amounts may be bigint. */
export interface AuditedAct {
  readonly principal: Principal;
  readonly act: string;
  readonly subject: string;
  /** The parties that it concerns; null: nobody. */
  readonly tenants: readonly (string | null)[];
  readonly before?: object | undefined;
  readonly after?: object | undefined;
}

/** Writes an act down, inside the transaction that does it: both happen or neither. */
export async function record(
  core: Pick<Core, 'clock' | 'random'>,
  tx: Queryable,
  act: AuditedAct,
): Promise<void> {
  await store.entries.insert(tx, entryOf(core, act));
}

/** {@link record} inside a batch. */
export function recordIn(core: Pick<Core, 'clock' | 'random'>, scene: Scene, act: AuditedAct): void {
  scene.append(store.entries, entryOf(core, act));
}

/**
 * Carries an act out in one transaction with its entry. What `work` writes down itself says more, and stands instead.
 * @param describe the entry, by what `work` gave
 * @throws whatever `work` throws; nothing is written then
 */
export function recorded<T>(
  core: Core,
  describe: (result: T) => AuditedAct,
  work: (core: Core) => Promise<T>,
): Promise<T> {
  return core.db.tx((tx) =>
    within(core, tx, async (inner) => {
      const result = await work(inner);
      const act = describe(result);
      if (!(await store.isWritten(tx, act.principal.requestId))) await record(inner, tx, act);
      return result;
    }),
  );
}

/**
 * What was done, newest first: to the caller, or to anybody for the operator of the platform.
 * @throws AgentPayError `invalid_request` for a page outside the limits
 */
export function list(
  core: Core,
  wanted: AuditFilter & {
    principal: Principal;
  } & PageRequest,
): Promise<{ entries: AuditEntry[] } & Counted> {
  const { party } = wanted.principal;
  const { actorId, act, subject } = wanted;
  const tenantId = party.kind === 'platform' ? wanted.tenantId : party.id;
  return store.selectEntries(core.db, { tenantId, actorId, act, subject }, page(wanted));
}

function entryOf(core: Pick<Core, 'clock' | 'random'>, of: AuditedAct): AuditEntry {
  const { principal, act, subject, tenants, before, after } = of;
  return {
    id: newId('audit', core),
    at: new Date(core.clock.now()),
    credentialId: principal.credentialId,
    actorId: principal.party.id,
    tenantIds: tenants.filter((id) => id !== null),
    act,
    subject,
    before: summaryOf(before),
    after: summaryOf(after),
    requestId: principal.requestId ?? null,
  };
}

function summaryOf(part: object | undefined): AuditEntry['before'] {
  if (part === undefined) return null;
  const text = JSON.stringify(part, (_key, value: unknown) =>
    typeof value === 'bigint' ? formatDecimal(value) : value,
  );
  return JSON.parse(text) as AuditEntry['before'];
}
