import { AgentPayError, newId } from '@agentpay/primitives';
import { create as createAgent } from '../agents/index.js';
import type { Core } from '../Core.js';
import { hashSecret, requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { platform } from '../parties/index.js';
import { create as createRule, remove as removeRule, rulesOf } from '../policies/index.js';
import { within } from '../within.js';
import * as store from './ExplorerStore.js';
import type { ExplorerRole, ExplorerSession } from './Session.js';

/** A session with a token that opens it. */
export interface Admission {
  readonly session: ExplorerSession;
  readonly role: ExplorerRole;
  readonly accessToken: string;
  /** When the token ends; the session may go on. */
  readonly expiresAt: Date;
}

/**
 * Makes a session with a demo agent of its own, which pays by the allowed rails and within the allowed amount. Its keys are shown to
 * nobody: whoever uses it does so by access tokens.
 * @throws AgentPayError `forbidden` (no sandbox), `unavailable` (as many sessions as there may be)
 */
export async function open(core: Core): Promise<Admission> {
  const { enabled, maxSessions, sessionTtlMs } = core.settings.explorer;
  if (!enabled)
    throw new AgentPayError('forbidden', 'There is no public sandbox here.', { reason: 'no_sandbox' });
  const now = core.clock.now();
  if ((await store.countLive(core.db, new Date(now))) >= maxSessions)
    throw new AgentPayError('unavailable', 'There are too many sessions at this moment.', { retryAfter: 60 });
  const session = await core.db.tx((tx) =>
    within(core, tx, async (inner) => {
      const { agent, wallet } = await createAgent(inner, { name: 'Demo agent', restricted: true });
      const made: ExplorerSession = {
        id: newId('explorer_session', core),
        agentId: agent.id,
        walletId: wallet.id,
        createdAt: new Date(now),
        expiresAt: new Date(now + sessionTtlMs),
      };
      await store.sessions.insert(tx, made);
      return made;
    }),
  );
  return admission(core, session, 'host');
}

/**
 * Makes an invite to the caller's session; its code is shown this once.
 * @throws AgentPayError `demo_read_only` unless the host asks
 */
export async function invite(
  core: Core,
  { principal }: { principal: Principal },
): Promise<{ code: string; expiresAt: Date }> {
  if (roleOf(principal) !== 'host') throw readOnly('Only the host invites guests.');
  const session = await sessionOf(core, principal);
  const { inviteTtlMs, inviteUses } = core.settings.explorer;
  const expiresAt = new Date(Math.min(core.clock.now() + inviteTtlMs, session.expiresAt.getTime()));
  const code = `inv_code_${Buffer.from(core.random.bytes(24)).toString('hex')}`;
  await store.invites.insert(core.db, {
    id: newId('invite', core),
    sessionId: session.id,
    hash: hashSecret(code, core.settings.identity.pepper),
    expiresAt,
    usesLeft: inviteUses,
  });
  return { code, expiresAt };
}

/**
 * Lets a guest in.
 * @throws AgentPayError `invite_not_found` for a code that is unknown, used up or expired
 */
export async function exchange(core: Core, { code }: { code: string }): Promise<Admission> {
  const at = new Date(core.clock.now());
  const taken = await store.takeInvite(core.db, hashSecret(code, core.settings.identity.pepper), at);
  const session = taken && (await findLive(core, taken.sessionId));
  if (!session) throw new AgentPayError('invite_not_found', 'The invite is unknown, used up or expired.');
  return admission(core, session, 'guest');
}

/** A new token for the caller's role, before the present one ends. @throws AgentPayError `unauthorized` */
export async function renew(core: Core, { principal }: { principal: Principal }): Promise<Admission> {
  return admission(core, await sessionOf(core, principal), roleOf(principal));
}

/**
 * Who presents an access token: the session's demo agent, with the scopes `demo`, the role, and `write` where the role may write.
 * @throws AgentPayError `unauthorized` for a token that is forged or expired, and for a session that has ended
 */
export async function admit(core: Core, { token }: { token: string }): Promise<Principal<'agent'>> {
  const claims = await core.ports.accessTokens.verify(token);
  const session = claims && (await findLive(core, claims.sessionId));
  if (!claims || !session) throw ended();
  const { hostWrites, guestWrites } = core.settings.explorer;
  const writes = claims.role === 'host' ? hostWrites : guestWrites;
  return {
    party: { id: session.agentId, kind: 'agent' },
    scopes: ['demo', claims.role, ...(writes ? ['write'] : [])],
    credentialId: session.id,
  };
}

/** The caller's session and role. @throws AgentPayError `unauthorized` */
export async function read(
  core: Core,
  { principal }: { principal: Principal },
): Promise<{ session: ExplorerSession; role: ExplorerRole }> {
  return { session: await sessionOf(core, principal), role: roleOf(principal) };
}

/** Refuses what changes something to those who only look on. @throws AgentPayError `demo_read_only` */
export function assertMayWrite(principal: Principal): void {
  if (!principal.scopes.includes('demo') || principal.scopes.includes('write')) return;
  throw readOnly('This session is read-only for you.');
}

/** Every live session, newest first. For the operator. @throws AgentPayError `forbidden` */
export function list(core: Core, { principal }: { principal: Principal }): Promise<ExplorerSession[]> {
  requireParty(principal, 'platform');
  const rest = 'where expires_at > $1 order by created_at desc, id limit 1000';
  return store.sessions.select(core.db, rest, [new Date(core.clock.now())]);
}

/** Whether all spending is switched off. */
export async function killSwitch(core: Core): Promise<boolean> {
  const rules = await rulesOf(core.db, { partyId: platform.id });
  return rules.some(({ kind }) => kind === 'kill_switch');
}

/** Switches all spending off, or on again: a rule of the platform. @throws AgentPayError `forbidden` unless the operator asks */
export async function setKillSwitch(
  core: Core,
  { principal, enabled }: { principal: Principal; enabled: boolean },
): Promise<void> {
  requireParty(principal, 'platform');
  const of = { principal, partyId: platform.id };
  const rules = (await rulesOf(core.db, of)).filter(({ kind }) => kind === 'kill_switch');
  if (enabled && rules.length === 0) await createRule(core, { ...of, terms: { kind: 'kill_switch' } });
  if (!enabled) for (const { id } of rules) await removeRule(core, { ...of, ruleId: id });
}

async function admission(core: Core, session: ExplorerSession, role: ExplorerRole): Promise<Admission> {
  const ends = Math.min(core.clock.now() + core.settings.explorer.accessTtlMs, session.expiresAt.getTime());
  // A token counts in whole seconds.
  const expiresAt = new Date(Math.floor(ends / 1000) * 1000);
  const accessToken = await core.ports.accessTokens.sign({ sessionId: session.id, role, expiresAt });
  return { session, role, accessToken, expiresAt };
}

async function sessionOf(core: Core, principal: Principal): Promise<ExplorerSession> {
  const session = await findLive(core, principal.credentialId);
  if (!session) throw ended();
  return session;
}

async function findLive(core: Core, id: string): Promise<ExplorerSession | undefined> {
  const session = await store.sessions.find(core.db, { id });
  return session && core.clock.now() < session.expiresAt.getTime() ? session : undefined;
}

function roleOf(principal: Principal): ExplorerRole {
  return principal.scopes.includes('host') ? 'host' : 'guest';
}

function readOnly(message: string): AgentPayError {
  return new AgentPayError('demo_read_only', message);
}

function ended(): AgentPayError {
  return new AgentPayError('unauthorized', 'The session has ended, or the access token is no longer valid.');
}
