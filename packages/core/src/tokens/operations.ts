import { AgentPayError, isId, newId } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { approvalRows, useIn, withApproval } from '../approvals/index.js';
import type { Scene, Want } from '../batch/index.js';
import type { Core } from '../Core.js';
import { emitIn } from '../events/index.js';
import { requireParty } from '../identity/index.js';
import type { Principal } from '../identity/index.js';
import { holds } from '../ledger/index.js';
import { get as getService, serviceRows } from '../marketplace/index.js';
import type { Service } from '../marketplace/index.js';
import { reserveIn, wantsOf } from '../spending/index.js';
import { walletRows } from '../wallets/index.js';
import { advance, eventData, partiesOf } from './advance.js';
import { tokenReserved } from './events.js';
import type { TokenClaims } from './ports.js';
import { decide, refusal } from './Token.js';
import type { Token, TokenEvent } from './Token.js';
import * as store from './TokenStore.js';
import { redeemHint, track } from './tracking.js';

/** Reserves the price of one call and gives the token that buys it, in its signed form and as it is kept. */
export interface TokenAuthorization {
  /** `x402_tok_...`: what the consumer sends to the provider. Not kept; it cannot be had again. */
  readonly signed: string;
  readonly token: Token;
}

type OfToken = { principal: Principal; tokenId: string };

/**
 * Reserves the price of one call of a service. The price, the SLA window and the deadline are fixed here.
 * @param request.maxAmount the most the caller would pay, in micro-units
 * @param request.approvalId an approval that its owner gave, where the rules ask for one
 * @throws AgentPayError in this order: `forbidden`, `service_not_found`, `service_not_active`, `price_above_limit`, `wallet_not_found`,
 * `currency_mismatch`, `approval_not_found`, `policy_denied`, `insufficient_funds`
 */
export async function authorize(core: Core, request: AuthorizeRequest): Promise<TokenAuthorization> {
  const consumerId = requireParty(request.principal, 'agent');
  const { serviceId, walletId, approvalId: named } = request;
  const wants: Want[] = wantsOf({ payer: consumerId, walletId, asset: 'USD' });
  const terms = async () => approvedTerms(await getService(core, { serviceId }), consumerId);
  const token = await withApproval(core, { approvalId: named, idempotencyKey: null, terms }, (approvalId) =>
    core.batch.run({
      wants: [
        [serviceRows, [serviceId]],
        [walletRows, [walletId]],
        ...wants,
        ...(approvalId === undefined ? [] : [[approvalRows, [approvalId]] as const]),
      ],
      lane: walletId,
      decide: (scene) => buy(core, scene, { ...request, consumerId, approvalId }),
    }),
  );
  await track(core, token);
  return { signed: core.ports.tokenCodec.sign(claimsOf(token)), token };
}

interface AuthorizeRequest {
  readonly principal: Principal;
  readonly serviceId: string;
  readonly walletId: string;
  readonly maxAmount?: Amount | undefined;
  readonly approvalId?: string | undefined;
}

function buy(
  core: Core,
  scene: Scene,
  request: Omit<AuthorizeRequest, 'principal'> & { readonly consumerId: string },
): Token {
  const { serviceId, walletId, maxAmount, consumerId, approvalId } = request;
  const service = isId('service', serviceId) ? scene.find(serviceRows, serviceId) : undefined;
  if (!service) throw new AgentPayError('service_not_found', 'There is no service with this id.');
  assertBuyable(service, maxAmount);
  const wallet = isId('wallet', walletId) ? scene.find(walletRows, walletId) : undefined;
  if (wallet?.ownerId !== consumerId)
    throw new AgentPayError('wallet_not_found', 'You have no wallet with this id.');
  if (wallet.currency === service.currency)
    return reserve(core, scene, { service, consumerId, walletId, approvalId });
  throw new AgentPayError(
    'currency_mismatch',
    `The service is paid in ${service.currency}; the wallet holds ${wallet.currency}.`,
  );
}

/** What an approval of a call is about. */
function approvedTerms({ id: payee, price: amount, currency }: Service, payerId: string) {
  return { payerId, subject: 'token', payee, rail: 'x402', currency, amount };
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
  return applyEvent(
    core,
    'verify',
    {
      tokenId: claims.tokenId,
      concerns: (kept) => isProvider(kept, request.principal) && isClaimed(kept, claims),
    },
    (scene, token) => ({ token, service: scene.find(serviceRows, token.serviceId) as Service }),
  );
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
  const concerns = (token: Token) => token.consumerId === consumerId;
  return applyEvent(core, 'cancel', { tokenId, concerns }, (_scene, token) => token);
}

/**
 * A token the caller bought or sells.
 * @throws AgentPayError `token_not_found`
 */
export async function get(core: Core, { principal, tokenId }: OfToken): Promise<Token> {
  const agentId = requireParty(principal, 'agent');
  const token = isId('token', tokenId) ? await store.paymentTokens.find(core.db, { id: tokenId }) : undefined;
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

function reserve(
  core: Core,
  scene: Scene,
  {
    service,
    consumerId,
    walletId,
    approvalId,
  }: { service: Service; consumerId: string; walletId: string; approvalId: string | undefined },
): Token {
  const id = newId('token', core);
  if (approvalId !== undefined)
    useIn(core, scene, { ...approvedTerms(service, consumerId), approvalId, usedBy: id });
  const hold = reserveIn(core, scene, {
    payer: consumerId,
    walletId,
    amount: service.price,
    asset: service.currency,
    payee: [service.providerId, service.payoutWalletId, service.id],
    rail: 'x402',
    purpose: 'token',
    approved: approvalId !== undefined,
  });
  const issuedAt = new Date(core.clock.now());
  const expiresAt = new Date(issuedAt.getTime() + core.settings.tokens.ttlMs);
  const token: Token = {
    id,
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
  scene.insert(store.tokenRows, token);
  emitIn(core, scene, tokenReserved, {
    subject: token.id,
    audience: partiesOf(token),
    object: eventData(token),
  });
  return token;
}

/** Applies an event to a token that `concerns` the caller; to everybody else it does not exist. */
async function applyEvent<Result>(
  core: Core,
  event: TokenEvent,
  { tokenId, concerns }: { tokenId: string; concerns: (token: Token) => boolean },
  answer: (scene: Scene, token: Token) => Result,
): Promise<Result> {
  if (!isId('token', tokenId)) throw notFound();
  const { token, refused, result } = await core.batch
    .run({
      wants: [[store.tokenRows, [tokenId]]],
      lane: tokenId,
      decide(scene) {
        const found = scene.find(store.tokenRows, tokenId);
        if (!found || !concerns(found)) throw notFound();
        const nowMs = core.clock.now();
        const decision = decide(found, event, nowMs);
        if (decision.kind === 'refuse') throw new RefusedStep(found);
        if (decision.kind === 'repeat') return { token: found, refused: false, result: answer(scene, found) };
        assertReserved(scene, found);
        const token = advance(core, scene, found, decision.to, nowMs);
        return { token, refused: decision.kind === 'lapse', result: answer(scene, token) };
      },
    })
    .catch((error: unknown) => {
      if (!(error instanceof RefusedStep)) throw error;
      return { token: error.token, refused: true, result: undefined };
    });
  await track(core, token);
  // Thrown after the commit: a lapse is refused to the caller, but stands.
  if (refused) throw refusal(token.state, event);
  return result as Result;
}

/** A step that the token's state does not allow. */
class RefusedStep extends Error {
  override readonly name = 'RefusedStep';
  constructor(readonly token: Token) {
    super(token.state);
  }
}

/** A token whose money is gone was tampered with: nobody delivers for it. */
function assertReserved(scene: Scene, token: Token): void {
  if (scene.find(holds, token.holdId)?.state !== 'open')
    throw new AgentPayError('internal_error', `Token ${token.id} is open, its hold is not.`);
}

function happenToProvider(core: Core, event: TokenEvent, { principal, tokenId }: OfToken): Promise<Token> {
  const concerns = (token: Token) => isProvider(token, principal);
  return applyEvent(core, event, { tokenId, concerns }, (_scene, token) => token);
}

/** The tracker knows of a replay before PostgreSQL is asked to lock anything; only PostgreSQL may confirm it. */
async function refuseReplay(core: Core, principal: Principal, { tokenId }: TokenClaims): Promise<void> {
  if ((await redeemHint(core, tokenId)) !== 'replayed') return;
  const token = await store.paymentTokens.find(core.db, { id: tokenId });
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
