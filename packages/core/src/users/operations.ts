import { AgentPayError, newId } from '@agentpay/primitives';
import type { Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { findSecret, issue, liveOf, requireParty, revoke } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { create as createParty } from '../parties/index.js';
import { checkText } from '../text.js';
import type { SignInAccount, User } from './User.js';
import * as store from './UserStore.js';

/** A session that has begun. */
export interface SignedIn {
  readonly user: User;
  /** `ses_...`: the value of the cookie. Shown this once and kept as a hash. */
  readonly secret: string;
  readonly expiresAt: Date;
}

/**
 * Begins a session of whoever owns an account; the first time it makes the user. The session always gets a new secret, and the one that
 * the browser came with ends: nobody who knew that one is signed in with it.
 * @param request.former secret of the session that the browser has
 */
export async function signIn(
  core: Core,
  { account, former }: { account: SignInAccount; former?: string | undefined },
): Promise<SignedIn> {
  const { sessionTtlMs, maxSessions } = core.settings.users;
  const expiresAt = new Date(core.clock.now() + sessionTtlMs);
  return core.db.tx(async (tx) => {
    await store.lockAccount(tx, account);
    const user = await findOrCreate(core, tx, account);
    const party = { id: user.id, kind: 'user' } as const;
    const replaced = former && (await findSecret(core, tx, { kind: 'session', secret: former }));
    if (replaced) await revoke(core, tx, { kind: 'session', ...replaced });
    const open = await liveOf(core, tx, { partyId: user.id, kind: 'session' });
    for (const { id: credentialId } of open.slice(0, Math.max(0, open.length + 1 - maxSessions)))
      await revoke(core, tx, { partyId: user.id, kind: 'session', credentialId });
    const { secret } = await issue(core, tx, { party, kind: 'session', expiresAt });
    return { user, secret, expiresAt };
  });
}

/** Who is signed in, and until when. @throws AgentPayError `unauthorized` when the session has ended */
export async function session(
  core: Core,
  { principal }: { principal: Principal },
): Promise<{ user: User; expiresAt: Date }> {
  const userId = requireParty(principal, 'user');
  const open = await liveOf(core, core.db, { partyId: userId, kind: 'session' });
  const expiresAt = open.find(({ id }) => id === principal.credentialId)?.expiresAt;
  const user = await store.users.find(core.db, { id: userId });
  if (!user || !expiresAt) throw new AgentPayError('unauthorized', 'The session has ended.');
  return { user, expiresAt };
}

/** Ends the session, or with `everywhere` all sessions of its user. Gives how many ended. */
export function signOut(
  core: Core,
  { principal, everywhere }: { principal: Principal; everywhere: boolean },
): Promise<number> {
  const partyId = requireParty(principal, 'user');
  const of = { partyId, kind: 'session' } as const;
  return core.db.tx((tx) =>
    revoke(core, tx, everywhere ? of : { ...of, credentialId: principal.credentialId }),
  );
}

/** What the provider says now replaces what it said at an earlier sign-in. */
async function findOrCreate(core: Core, tx: Tx, account: SignInAccount): Promise<User> {
  const { provider, accountId } = account;
  const login = checkText('name', account.login);
  const shown = { login, name: account.name, image: account.image };
  const [known] = await store.users.update(tx, { provider, accountId }, shown);
  if (known) return known;
  const id = newId('user', core);
  const user: User = { ...account, id, createdAt: new Date(core.clock.now()) };
  await createParty(tx, { id, kind: 'user' });
  await store.users.insert(tx, user);
  return user;
}
