import { AgentPayError, newId } from '@agentpay/primitives';
import type { Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { hashSecret, isLive, looksLikeKey, newKey, sameSecret } from './Credential.js';
import type { CredentialKind, KeyKind } from './Credential.js';
import * as store from './CredentialStore.js';
import type { Principal } from './Principal.js';

/** The two keys of an agent, in clear: shown once, kept only as hashes. */
export interface AgentKeys {
  readonly apiKey: string;
  readonly secretKey: string;
}

// An agent's secret key works wherever its runtime key does.
const accepted: Record<KeyKind, readonly KeyKind[]> = { runtime: ['runtime', 'secret'], secret: ['secret'] };

/**
 * Finds out who presents a secret.
 * @param kind what the place it was presented in is for; a key of another kind does not authenticate there
 * @throws AgentPayError `unauthorized`, the same for unknown, revoked and expired keys
 */
export async function authenticate(
  core: Core,
  { kind, secret }: { kind: CredentialKind; secret: string },
): Promise<Principal> {
  const { adminKey, pepper } = core.settings;
  if (kind === 'admin') {
    if (adminKey === undefined || !sameSecret(secret, adminKey, pepper)) throw unauthorized();
    return { type: 'admin', id: 'admin', scopes: [] };
  }
  if (!looksLikeKey(secret, accepted[kind])) throw unauthorized();
  const credential = await store.findByHash(core.db, hashSecret(secret, pepper));
  if (!credential || !accepted[kind].includes(credential.kind) || !isLive(credential, core.clock.now()))
    throw unauthorized();
  return { type: 'agent', id: credential.principalId, scopes: credential.scopes };
}

/** Gives an agent a new pair of keys; those it has keep working. */
export async function issueKeys(core: Core, tx: Tx, { agentId }: { agentId: string }): Promise<AgentKeys> {
  return {
    apiKey: await issue(core, tx, 'runtime', agentId),
    secretKey: await issue(core, tx, 'secret', agentId),
  };
}

/** Ends every key of the agent. */
export async function revokeKeys(core: Core, tx: Tx, { agentId }: { agentId: string }): Promise<void> {
  await store.revokeLive(tx, agentId, new Date(core.clock.now()));
}

async function issue(core: Core, tx: Tx, kind: KeyKind, agentId: string): Promise<string> {
  const key = newKey(kind, core.random);
  await store.insertCredential(tx, {
    id: newId('credential', core),
    hash: hashSecret(key, core.settings.pepper),
    kind,
    principalId: agentId,
    scopes: [],
    expiresAt: null,
    revokedAt: null,
    createdAt: new Date(core.clock.now()),
  });
  return key;
}

function unauthorized(): AgentPayError {
  return new AgentPayError('unauthorized', 'The key is missing, wrong or no longer valid.');
}
