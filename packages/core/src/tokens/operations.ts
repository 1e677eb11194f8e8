import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount, Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { emit } from '../events/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { find } from '../marketplace/index.js';
import type { Service } from '../marketplace/index.js';
import { reserve as reserveMoney } from '../spending/index.js';
import { owned } from '../wallets/index.js';
import { advance, facts, partiesOf } from './advance.js';
import { tokenReserved } from './events.js';
import type { TokenClaims } from './ports.js';
import { decide, refusal } from './Token.js';
import type { Token, TokenEvent } from './Token.js';
import * as store from './TokenStore.js';
import { redeemHint, track } from './tracking.js';

/** Reserves the price of one call and gives the token that buys it, in its signed form and as it is kept. */
export interface Authorization {
  /** `x402_tok_...`: what the consumer sends to the provider. Not kept; it cannot be had again. */
  readonly signed: string;
  readonly token: Token;
}

type OfToken = { principal: Principal; tokenId: string };

/**
 * Reserves the price of one call of a service. The price, the SLA window and the deadline are fixed here.
 * @param request.maxAmount the most the caller would pay, in micro-units
 * @throws AgentPayError in this order: `forbidden`, `service_not_found`, `service_not_active`, `price_above_limit`, `wallet_not_found`,
 * `currency_mismatch`, `insufficient_funds`
 */
export async function authorize(
  core: Core,
  request: { principal: Principal; serviceId: string; walletId: string; maxAmount?: Amount | undefined },
): Promise<Authorization> {
  const consumerId = requireParty(request.principal, 'agent');
  const token = await core.db.tx(
    async (tx) => {
      const service = await find(tx, { serviceId: request.serviceId });
      assertBuyable(service, request.maxAmount);
      const wallet = await owned(tx, { principal: request.principal, walletId: request.walletId });
      if (wallet.currency !== service.currency) {
        throw new AgentPayError(
          'currency_mismatch',
          `The service is paid in ${service.currency}; the wallet holds ${wallet.currency}.`,
        );
      }
      return reserve(core, tx, { service, consumerId, walletId: wallet.id });
    },
    { lane: consumerId },
  );
  await track(core, token);
  return { signed: core.ports.tokenCodec.sign(claimsOf(token)), token };
}

/**
 * Redeems a token: the provider of its service may do it once, before the token expires.
 * @throws AgentPayError `token_invalid` (not signed by this platform), `token_not_found` (not a token for a service of the caller),
 * `token_expired`, `token_already_redeemed`, `token_wrong_state` (cancelled)
 */
export async function verify(
  core: Core,
  request: { principal: Principal; token: string },
): Promise<{ token: Token; service: Service }> {
  requireParty(request.principal, 'agent');
  const claims = core.ports.tokenCodec.verify(request.token);
  await refuseReplay(core, request.principal, claims);
  let service: Service | undefined;
  const token = await happen(core, 'verify', {
    tokenId: claims.tokenId,
    concerns: (kept) => isProvider(kept, request.principal) && isClaimed(kept, claims),
    // Nothing is read after the commit: a token that is redeemed gets its response.
    before: async (tx) => void (service = await find(tx, { serviceId: claims.serviceId })),
  });
  return { token, service: service as Service };
}

/**
 * The provider begins the call: the SLA clock starts.
 * @throws AgentPayError `token_not_found`, `token_expired`, `token_wrong_state`
 */
export function callStarted(core: Core, request: OfToken): Promise<Token> {
  return happenToProvider(core, 'call_started', request);
}

/**
 * The provider took the request on.
 * @throws AgentPayError `token_not_found`, `token_expired`, `token_wrong_state` (reason `sla_breached` when the deadline has passed)
 */
export function callAccepted(core: Core, request: OfToken): Promise<Token> {
  return happenToProvider(core, 'call_accepted', request);
}

/**
 * The provider delivered: the reserved money is paid to it, less the fee. After the SLA deadline the consumer is refunded instead,
 * whether or not a sweep came first.
 * @throws AgentPayError `token_not_found`, `token_expired`, `token_wrong_state` (reason `sla_breached` when the deadline has passed)
 */
export function callCompleted(core: Core, request: OfToken): Promise<Token> {
  return happenToProvider(core, 'call_completed', request);
}

/**
 * The provider could not deliver: the reserved money returns to the consumer at once, without loss of trust.
 * @throws AgentPayError `token_not_found`, `token_expired`, `token_wrong_state`
 */
export function callFailed(core: Core, request: OfToken): Promise<Token> {
  return happenToProvider(core, 'call_failed', request);
}

/**
 * The consumer gives an unused token back: the reserved money is released.
 * @throws AgentPayError `token_not_found`, `token_expired`, `token_wrong_state`
 */
export async function cancel(core: Core, { principal, tokenId }: OfToken): Promise<Token> {
  const consumerId = requireParty(principal, 'agent');
  return happen(core, 'cancel', { tokenId, concerns: (token) => token.consumerId === consumerId });
}

/**
 * A token the caller bought or sells.
 * @throws AgentPayError `token_not_found`
 */
export async function get(core: Core, { principal, tokenId }: OfToken): Promise<Token> {
  const agentId = requireParty(principal, 'agent');
  const token = isId('token', tokenId) ? await store.findToken(core.db, tokenId) : undefined;
  if (!token || (token.consumerId !== agentId && token.providerId !== agentId)) throw notFound();
  return token;
}

function assertBuyable(service: Service, maxAmount: Amount | undefined): void {
  if (service.status !== 'active')
    throw new AgentPayError('service_not_active', 'The service is not active.');
  if (maxAmount !== undefined && service.price > maxAmount) {
    throw new AgentPayError(
      'price_above_limit',
      'The price of the service is above the most that you would pay.',
      {
        param: 'maxAmount',
      },
    );
  }
}

async function reserve(
  core: Core,
  tx: Tx,
  deal: { service: Service; consumerId: string; walletId: string },
): Promise<Token> {
  const { service, consumerId, walletId } = deal;
  const hold = await reserveMoney(core, tx, {
    payer: consumerId,
    walletId,
    amount: service.price,
    asset: service.currency,
    payee: service.providerId,
    rail: 'x402',
    purpose: 'token',
  });
  const issuedAt = new Date(core.clock.now());
  const expiresAt = new Date(issuedAt.getTime() + core.settings.tokens.ttlMs);
  const token: Token = {
    id: newId('token', core),
    serviceId: service.id,
    providerId: service.providerId,
    payoutWalletId: service.payoutWalletId,
    consumerId,
    walletId,
    holdId: hold.id,
    paymentId: null,
    amount: service.price,
    currency: service.currency,
    slaSeconds: service.slaSeconds ?? core.settings.tokens.defaultSlaSeconds,
    state: 'reserved',
    deadline: expiresAt,
    issuedAt,
    expiresAt,
    redeemedAt: null,
    startedAt: null,
    acceptedAt: null,
    endedAt: null,
  };
  await store.insertToken(tx, token);
  await emit(core, tx, tokenReserved, {
    subject: token.id,
    audience: partiesOf(token),
    object: facts(token),
  });
  return token;
}

/** Lets an event happen to a token that `concerns` the caller; to everybody else it does not exist. */
async function happen(
  core: Core,
  event: TokenEvent,
  request: {
    tokenId: string;
    concerns: (token: Token) => boolean;
    /** Runs in the transaction, before anything is changed. */
    before?: (tx: Tx) => Promise<void>;
  },
): Promise<Token> {
  const { tokenId, concerns, before } = request;
  if (!isId('token', tokenId)) throw notFound();
  const { token, refused } = await core.db.tx(async (tx) => {
    const found = await store.lockToken(tx, tokenId);
    if (!found || !concerns(found)) throw notFound();
    await before?.(tx);
    // Read after the lock: time passed while waiting for it.
    const nowMs = core.clock.now();
    const decision = decide(found, event, nowMs);
    if (decision.kind === 'refuse') return { token: found, refused: true };
    if (decision.kind === 'repeat') return { token: found, refused: false };
    return { token: await advance(core, tx, found, decision.to, nowMs), refused: decision.kind === 'lapse' };
  });
  await track(core, token);
  // Thrown after the commit: a lapse is refused to the caller, but stands.
  if (refused) throw refusal(token.state, event);
  return token;
}

function happenToProvider(core: Core, event: TokenEvent, { principal, tokenId }: OfToken): Promise<Token> {
  return happen(core, event, { tokenId, concerns: (token) => isProvider(token, principal) });
}

/** The tracker knows of a replay before PostgreSQL is asked to lock anything; only PostgreSQL may confirm it. */
async function refuseReplay(core: Core, principal: Principal, { tokenId }: TokenClaims): Promise<void> {
  if ((await redeemHint(core, tokenId)) !== 'replayed') return;
  const token = await store.findToken(core.db, tokenId);
  if (token && isProvider(token, principal) && token.state !== 'reserved')
    throw refusal(token.state, 'verify');
}

function isProvider(token: Token, principal: Principal): boolean {
  return token.providerId === requireParty(principal, 'agent');
}

function isClaimed(token: Token, claims: TokenClaims): boolean {
  return (
    token.serviceId === claims.serviceId &&
    token.walletId === claims.walletId &&
    token.amount === claims.amount &&
    token.currency === claims.currency
  );
}

function claimsOf(token: Token): TokenClaims {
  const { id: tokenId, serviceId, walletId, amount, currency } = token;
  return {
    tokenId,
    serviceId,
    walletId,
    amount,
    currency,
    issuedAtMs: token.issuedAt.getTime(),
    expiresAtMs: token.expiresAt.getTime(),
  };
}

function notFound(): AgentPayError {
  return new AgentPayError('token_not_found', 'You have no token with this id.');
}
