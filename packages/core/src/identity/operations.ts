import { AgentPayError, newId } from '@agentpay/primitives';
import type { Queryable, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { lock, platform } from '../parties/index.js';
import type { Party } from '../parties/index.js';
import { credentialKinds, hashSecret, isLive, kindOf, newSecret, sameSecret } from './Credential.js';
import type { Credential, CredentialKind, StoredCredentialKind } from './Credential.js';
import * as store from './CredentialStore.js';
import type { Principal } from './Principal.js';

/** A new credential with its secret, which is shown this once and kept only as a hash. */
export interface Issued {
  readonly credential: Credential;
  readonly secret: string;
}

/**
 * Finds out who presents a secret.
 * @param accepts the kinds that the place it was presented in is for; a secret of another kind does not authenticate there
 * @throws AgentPayError `unauthorized`, the same for unknown, revoked and expired credentials
 */
export async function authenticate(
  core: Core,
  { accepts, secret }: { accepts: readonly CredentialKind[]; secret: string },
): Promise<Principal> {
  const { adminKeys, demoAdminKeys, pepper } = core.settings.identity;
  for (const [kind, keys] of Object.entries({ admin: adminKeys, demoAdmin: demoAdminKeys })) {
    if (accepts.includes(kind as CredentialKind) && keys.some((key) => sameSecret(secret, key, pepper)))
      return { party: platform, scopes: [], credentialId: kind };
  }
  const kind = kindOf(secret);
  if (kind === undefined || !accepts.includes(kind)) throw unauthorized();
  const credential = await store.findByHash(core.db, hashSecret(secret, pepper));
  if (credential?.kind !== kind || !isLive(credential, core.clock.now())) throw unauthorized();
  if (credential.rotation !== null) await settleRotation(core, credential, credential.rotation);
  const { partyId, partyKind, scopes, id } = credential;
  return { party: { id: partyId, kind: partyKind }, scopes, credentialId: id };
}

/**
 * Gives a party a new credential; those it has keep working.
 * @throws AgentPayError `internal_error` for a kind of credential that such a party cannot have
 */
export async function issue(
  core: Core,
  tx: Tx,
  request: {
    party: Party;
    kind: StoredCredentialKind;
    scopes?: readonly string[];
    expiresAt?: Date;
    rotation?: string;
    /** One that was chosen, in place of a random one. */
    secret?: string;
  },
): Promise<Issued> {
  const { party, kind, scopes = [], expiresAt = null, rotation = null } = request;
  const parties: readonly string[] = credentialKinds[kind].parties;
  if (!parties.includes(party.kind))
    throw new AgentPayError('internal_error', `A party of kind ${party.kind} has no ${kind} credential.`);
  const { secret = newSecret(kind, core.random) } = request;
  const credential: Credential = {
    id: newId('credential', core),
    hash: hashSecret(secret, core.settings.identity.pepper),
    kind,
    partyId: party.id,
    scopes,
    rotation,
    expiresAt,
    revokedAt: null,
    createdAt: new Date(core.clock.now()),
  };
  await store.credentials.insert(tx, credential);
  return { credential, secret };
}

/**
 * Gives a party new credentials in place of those it has of these kinds. The old ones work until a new one is used, so that a lost
 * response locks nobody out; the same rotation again ends those that came of the first one.
 */
export async function rotate<Kind extends StoredCredentialKind>(
  core: Core,
  tx: Tx,
  { party, kinds }: { party: Party; kinds: readonly Kind[] },
): Promise<Record<Kind, Issued>> {
  await lock(tx, { partyId: party.id });
  await store.revokeUnused(tx, party.id, kinds, new Date(core.clock.now()));
  const rotation = newId('credential', core);
  const issued: [Kind, Issued][] = [];
  for (const kind of kinds) issued.push([kind, await issue(core, tx, { party, kind, rotation })]);
  return Object.fromEntries(issued) as Record<Kind, Issued>;
}

/**
 * Gives a party a new credential; those that it has of this kind end after `overlapMs`, whether or not the new one is used: many
 * processes can be moved to it one by one. With an overlap of 0 they end at once.
 */
export async function replace(
  core: Core,
  tx: Tx,
  { party, kind, overlapMs }: { party: Party; kind: StoredCredentialKind; overlapMs: number },
): Promise<Issued> {
  await lock(tx, { partyId: party.id });
  await store.endBy(tx, { partyId: party.id, kind, at: new Date(core.clock.now() + overlapMs) });
  return issue(core, tx, { party, kind });
}

/** Whether there is, or was, a credential with this secret. */
export async function isKnown(core: Core, db: Queryable, secret: string): Promise<boolean> {
  const hash = hashSecret(secret, core.settings.identity.pepper);
  return (await store.credentials.find(db, { hash })) !== undefined;
}

/** Ends every credential of a party. */
export async function endAll(core: Core, tx: Tx, { partyId }: { partyId: string }): Promise<void> {
  await lock(tx, { partyId });
  await store.endBy(tx, { partyId, kind: null, at: new Date(core.clock.now()) });
}

/** Which credentials of a party. */
interface OfParty {
  readonly partyId: string;
  readonly kind: StoredCredentialKind;
}

/** The live credentials of one kind that a party has, oldest first. */
export async function liveOf(core: Core, db: Queryable, of: OfParty): Promise<Credential[]> {
  const kept = await store.selectKept(db, of.partyId, of.kind);
  const now = core.clock.now();
  return kept.filter((credential) => isLive(credential, now));
}

/** Ends the credentials of one kind that a party has, or one of them, at once. Gives how many ended. */
export async function revoke(
  core: Core,
  tx: Tx,
  { partyId, kind, credentialId }: OfParty & { credentialId?: string },
): Promise<number> {
  const which = { partyId, kind, revokedAt: null, ...(credentialId !== undefined && { id: credentialId }) };
  return (await store.credentials.update(tx, which, { revokedAt: new Date(core.clock.now()) })).length;
}

/** Whose credential a secret is, also one that works no more; undefined when it is nobody's. */
export async function findSecret(
  core: Core,
  db: Queryable,
  { kind, secret }: { kind: StoredCredentialKind; secret: string },
): Promise<{ partyId: string; credentialId: string } | undefined> {
  if (kindOf(secret) !== kind) return undefined;
  const found = await store.findByHash(db, hashSecret(secret, core.settings.identity.pepper));
  return found?.kind === kind ? { partyId: found.partyId, credentialId: found.id } : undefined;
}

/** Forgets credentials of a kind that ended before a moment. Gives how many. */
export function purge(
  db: Queryable,
  { kind, before }: { kind: StoredCredentialKind; before: Date },
): Promise<number> {
  return store.deleteEnded(db, kind, before);
}

/** A key of a rotation is used: those that it replaces end. */
async function settleRotation(core: Core, { id, partyId }: Credential, rotation: string): Promise<void> {
  await core.db.tx(async (tx) => {
    await lock(tx, { partyId });
    const now = core.clock.now();
    const credential = await store.credentials.find(tx, { id });
    // Another rotation may have ended it meanwhile.
    if (!credential || !isLive(credential, now)) throw unauthorized();
    if (credential.rotation !== null) await store.settleRotation(tx, partyId, rotation, new Date(now));
  });
}

function unauthorized(): AgentPayError {
  return new AgentPayError('unauthorized', 'The key is missing, wrong or no longer valid.');
}
