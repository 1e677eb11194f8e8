import { AgentPayError, formatDecimal } from '@agentpay/primitives';
import type { Scene } from '../batch/index.js';
import type { Core } from '../Core.js';
import { feeOn } from '../fees.js';
import { emitIn } from '../events/index.js';
import { available, movements } from '../ledger/index.js';
import { adjustTrustIn } from '../marketplace/index.js';
import type { Party } from '../parties/index.js';
import { paidCall, paymentCompleted, paymentObject, paymentRows } from '../payments/index.js';
import { captureIn, giveBackIn } from '../spending/index.js';
import { tokenRefunded, tokenReleased, tokenSettled } from './events.js';
import type { Token, TokenState } from './Token.js';
import { tokenRows } from './TokenStore.js';

const TRUST_SETTLED = 1;
const TRUST_BREACHED = -5;
const TRUST_REFUNDED = -10;

/** Takes a token into a state that the table allows: its row, its money, the trust it earns and the event, all in one batch. */
export function advance(core: Core, scene: Scene, token: Token, to: TokenState, nowMs: number): Token {
  const now = new Date(nowMs);
  switch (to) {
    case 'redeemed':
      return scene.update(tokenRows, token, {
        state: to,
        redeemedAt: now,
        deadline: new Date(nowMs + core.settings.tokens.ttlMs),
      });
    case 'in_flight':
      return scene.update(tokenRows, token, {
        state: to,
        startedAt: now,
        deadline: new Date(nowMs + token.slaSeconds * 1000),
      });
    case 'accepted':
      return scene.update(tokenRows, token, { state: to, acceptedAt: now });
    case 'settled':
      return settle(core, scene, token, now);
    case 'sla_breached':
    case 'expired':
    case 'cancelled':
    case 'failed':
      return release(core, scene, token, to, now);
    case 'refunded':
      return takeBack(core, scene, token);
    case 'reserved':
      throw new AgentPayError('internal_error', `No operation takes a token to ${to}.`);
  }
}

function settle(core: Core, scene: Scene, token: Token, now: Date): Token {
  const { amount, currency, walletId, payoutWalletId } = token;
  const fee = feeOn(amount, core.settings.fees.call);
  const payee = available(payoutWalletId);
  captureIn(core, scene, {
    holdId: token.holdId,
    reason: 'capture',
    postings: () => movements.settleCall({ walletId, payee, asset: currency, amount, fee }),
  });
  const payment = paidCall(core, {
    payerId: token.consumerId,
    payerWalletId: walletId,
    payeeId: token.providerId,
    payeeWalletId: payoutWalletId,
    amount,
    fee,
    currency,
    serviceId: token.serviceId,
    createdAt: token.issuedAt,
  });
  scene.insert(paymentRows, payment);
  const change = { state: 'settled', deadline: null, endedAt: now, paymentId: payment.id } as const;
  const settled = scene.update(tokenRows, token, change);
  const [audience, about] = [partiesOf(token), eventData(settled)];
  const object = { ...paymentObject(payment), ...about };
  emitIn(core, scene, paymentCompleted, { subject: payment.id, audience, object });
  const paid = { ...about, payment_id: payment.id };
  emitIn(core, scene, tokenSettled, { subject: token.id, audience, object: paid });
  adjustTrustIn(scene, { serviceId: token.serviceId, points: TRUST_SETTLED });
  return settled;
}

function release(core: Core, scene: Scene, token: Token, to: keyof typeof tokenReleased, now: Date): Token {
  const { consumerId: payer, providerId, payoutWalletId, serviceId, amount, issuedAt: at } = token;
  const payee = [providerId, payoutWalletId, serviceId];
  giveBackIn(core, scene, { holdId: token.holdId, reason: to, spent: { payer, payee, amount, at } });
  const released = scene.update(tokenRows, token, { state: to, deadline: null, endedAt: now });
  emitIn(core, scene, tokenReleased[to], {
    subject: token.id,
    audience: partiesOf(token),
    object: eventData(released),
  });
  if (to === 'sla_breached') adjustTrustIn(scene, { serviceId: token.serviceId, points: TRUST_BREACHED });
  return released;
}

/** The money of its payment goes back by the decision that asks for this. */
function takeBack(core: Core, scene: Scene, token: Token): Token {
  const refunded = scene.update(tokenRows, token, { state: 'refunded' });
  const object = { ...eventData(refunded), payment_id: token.paymentId as string };
  emitIn(core, scene, tokenRefunded, { subject: token.id, audience: partiesOf(token), object });
  adjustTrustIn(scene, { serviceId: token.serviceId, points: TRUST_REFUNDED });
  return refunded;
}

/** Who is told of a token. */
export function partiesOf(token: Token): Party[] {
  return [
    { id: token.consumerId, kind: 'agent' },
    { id: token.providerId, kind: 'agent' },
  ];
}

/** What every event about a token tells. */
export function eventData(token: Token) {
  return {
    token_id: token.id,
    service_id: token.serviceId,
    consumer_id: token.consumerId,
    provider_id: token.providerId,
    amount: formatDecimal(token.amount),
    currency: token.currency,
  };
}
