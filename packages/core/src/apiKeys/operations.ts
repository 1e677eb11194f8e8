import { AgentPayError, isId } from '@agentpay/primitives';
import { record } from '../audit/index.js';
import type { Core } from '../Core.js';
import { issue, requireParty, revoke as revokeCredential } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { newestFirst } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { lock } from '../parties/index.js';
import { checkText } from '../text.js';
import type { UserKey } from './UserKey.js';
import * as store from './UserKeyStore.js';

const MOST_LIVE = 100;

/**
 * Makes a key for the signed-in user. The secret is shown this once; what is kept of it is a hash, and a sealed copy for its user.
 * @throws AgentPayError `invalid_request` for a name that is none, `conflict` for more than 100 live keys
 */
export async function create(
  core: Core,
  { principal, name = 'default' }: { principal: Principal; name?: string | undefined },
): Promise<UserKey & { secret: string }> {
  const userId = requireParty(principal, 'user');
  const checked = checkText('name', name);
  return core.db.tx(async (tx) => {
    await lock(tx, { partyId: userId });
    if ((await store.countLive(tx, userId)) >= MOST_LIVE)
      throw new AgentPayError('conflict', `A user has at most ${MOST_LIVE} API keys.`);
    const party = { id: userId, kind: 'user' } as const;
    const { credential, secret } = await issue(core, tx, { party, kind: 'apiKey' });
    const { id, createdAt } = credential;
    const key = { id, userId, name: checked, revokedAt: null, createdAt };
    await store.apiKeys.insert(tx, { ...key, sealedKey: core.ports.vault.seal(secret, id) });
    await record(core, tx, { principal, act: 'keys.issue', subject: id, tenants: [userId], after: { name } });
    return { ...key, secret };
  });
}

/** The keys of the signed-in user, newest first. */
export async function list(
  core: Core,
  request: { principal: Principal } & PageRequest,
): Promise<{ keys: UserKey[] } & Counted> {
  const { rows, ...counted } = await store.apiKeys.page(core.db, {
    where: 'user_id = $1',
    params: [requireParty(request.principal, 'user')],
    order: newestFirst,
    ...page(request),
  });
  return { keys: rows.map(({ sealedKey: _sealed, ...key }) => key), ...counted };
}

/** Whether a credential is an API key, and no session. */
export async function isKey(core: Core, { keyId }: { keyId: string }): Promise<boolean> {
  return (await store.apiKeys.find(core.db, { id: keyId })) !== undefined;
}

/** Ends a key at once; again changes nothing. @throws AgentPayError `credential_not_found` */
export async function revoke(
  core: Core,
  { principal, keyId }: { principal: Principal; keyId: string },
): Promise<void> {
  const userId = requireParty(principal, 'user');
  await core.db.tx(async (tx) => {
    const key = isId('credential', keyId) ? await store.apiKeys.lock(tx, { id: keyId, userId }) : undefined;
    if (!key)
      throw new AgentPayError('credential_not_found', 'You have no API key with this id.', {
        param: 'key_id',
      });
    if (key.revokedAt !== null) return;
    await revokeCredential(core, tx, { partyId: userId, kind: 'apiKey', credentialId: keyId });
    await store.apiKeys.update(tx, { id: keyId }, { revokedAt: new Date(core.clock.now()) });
    await record(core, tx, { principal, act: 'keys.revoke', subject: keyId, tenants: [userId] });
  });
}
