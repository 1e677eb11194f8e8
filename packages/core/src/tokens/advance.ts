import { AgentPayError, formatDecimal } from '@agentpay/primitives';
import type { Tx } from '@agentpay/primitives';
import type { Core } from '../Core.js';
import { emit } from '../events/index.js';
import { available, captureHold, REVENUE_PAYMENT } from '../ledger/index.js';
import { adjustTrust } from '../marketplace/index.js';
import type { Party } from '../parties/index.js';
import { callFee, paymentCompleted, paymentObject, recordCompleted } from '../payments/index.js';
import { tokenReleased } from './events.js';
import { giveBack } from '../spending/index.js';
import type { Token, TokenState } from './Token.js';
import * as store from './TokenStore.js';

const TRUST_SETTLED = 1;
const TRUST_BREACHED = -5;

/**
 * Takes a locked token into a state that the table allows: its row, its money, the trust it earns and the event, all in the
 * caller's transaction.
 */
export async function advance(
  core: Core,
  tx: Tx,
  token: Token,
  to: TokenState,
  nowMs: number,
): Promise<Token> {
  const now = new Date(nowMs);
  switch (to) {
    case 'redeemed':
      return save(tx, token, {
        state: to,
        redeemedAt: now,
        deadline: new Date(nowMs + core.settings.tokens.ttlMs),
      });
    case 'in_flight':
      return save(tx, token, {
        state: to,
        startedAt: now,
        deadline: new Date(nowMs + token.slaSeconds * 1000),
      });
    case 'accepted':
      return save(tx, token, { state: to, acceptedAt: now });
    case 'settled':
      return settle(core, tx, token, now);
    case 'sla_breached':
    case 'expired':
    case 'cancelled':
    case 'failed':
      return release(core, tx, token, to, now);
    case 'reserved':
    case 'refunded':
      throw new AgentPayError('internal_error', `No operation takes a token to ${to}.`);
  }
}

async function settle(core: Core, tx: Tx, token: Token, now: Date): Promise<Token> {
  const fee = callFee(token.amount, core.settings.payments.callFeePpm);
  await captureHold(core, tx, {
    holdId: token.holdId,
    credits: [
      { account: available(token.payoutWalletId), amount: token.amount - fee },
      { account: REVENUE_PAYMENT, amount: fee },
    ],
  });
  const payment = await recordCompleted(core, tx, {
    payerId: token.consumerId,
    payerWalletId: token.walletId,
    payeeId: token.providerId,
    payeeWalletId: token.payoutWalletId,
    amount: token.amount,
    fee,
    currency: token.currency,
    serviceId: token.serviceId,
    createdAt: token.issuedAt,
  });
  const settled = await save(tx, token, {
    state: 'settled',
    deadline: null,
    endedAt: now,
    paymentId: payment.id,
  });
  const object = { ...paymentObject(payment), ...facts(settled) };
  await emit(core, tx, paymentCompleted, { subject: payment.id, audience: partiesOf(token), object });
  await adjustTrust(tx, { serviceId: token.serviceId, points: TRUST_SETTLED });
  return settled;
}

async function release(
  core: Core,
  tx: Tx,
  token: Token,
  to: keyof typeof tokenReleased,
  now: Date,
): Promise<Token> {
  const { consumerId: payer, providerId: payee, amount, issuedAt: at } = token;
  await giveBack(core, tx, { holdId: token.holdId, reason: to, spent: { payer, payee, amount, at } });
  const released = await save(tx, token, { state: to, deadline: null, endedAt: now });
  await emit(core, tx, tokenReleased[to], {
    subject: token.id,
    audience: partiesOf(token),
    object: facts(released),
  });
  if (to === 'sla_breached') await adjustTrust(tx, { serviceId: token.serviceId, points: TRUST_BREACHED });
  return released;
}

/** Who is told of a token. */
export function partiesOf(token: Token): Party[] {
  return [
    { id: token.consumerId, kind: 'agent' },
    { id: token.providerId, kind: 'agent' },
  ];
}

/** What every event about a token tells. */
export function facts(token: Token) {
  return {
    token_id: token.id,
    service_id: token.serviceId,
    consumer_id: token.consumerId,
    provider_id: token.providerId,
    amount: formatDecimal(token.amount),
    currency: token.currency,
  };
}

async function save(tx: Tx, token: Token, change: Partial<Token>): Promise<Token> {
  const changed = { ...token, ...change };
  if (await store.updateToken(tx, changed, token.state)) return changed;
  throw new AgentPayError('internal_error', `Token ${token.id} changed while it was locked.`);
}
