import {
  buyer,
  fetchPaidByKey,
  MAX_SHOWN_BYTES,
  pay,
  showFetched,
  type Family,
  type PaymentShown,
} from '@agentpay/api';
import { agents, purchases, type Core, type Principal } from '@agentpay/core';
import { AgentPayError, newId } from '@agentpay/primitives';
import type { EndpointCall, EndpointRoute } from './implement.js';

/** Kinds of credentials whose wallets pay on chains, with the family that words errors for them. */
const payers: Readonly<Record<'agentKey' | 'apiKey', Family>> = { agentKey: buyer, apiKey: pay };

type Call = EndpointCall<typeof fetchPaidByKey>;

/** `fetch_paid` by the wallets of whoever calls: what `POST /api/agents/{id}/pay` buys, and what costs nothing. */
export function fetchPaidRoute(core: Core, kind: keyof typeof payers): EndpointRoute {
  const within = (own: Core) => (call: Call) => fetchFor(own, call);
  const route = { family: payers[kind], endpoint: fetchPaidByKey, handle: within(core), within };
  return route as unknown as EndpointRoute;
}

async function fetchFor(core: Core, { principal, body, repeatable }: Call) {
  const { url, method, headers, body: text, max_amount: maxAmount } = body;
  const newKey = repeatable === undefined;
  const idempotencyKey = repeatable?.key ?? newId('purchase', core);
  try {
    const got = await purchases.fetchPaid(core, {
      ...(await payerOf(core, principal)),
      principal,
      idempotencyKey,
      newKey,
      url,
      method,
      headers,
      body: text,
      maxAmount,
      early: true,
    });
    const { status, contentType, body: bytes } = got.response;
    const shown = bytes.length < MAX_SHOWN_BYTES ? bytes : undefined;
    const payment = got.purchase && paymentOf(got.purchase);
    return showFetched({ status, contentType, body: shown, payment });
  } catch (error) {
    throw withKey(error, idempotencyKey);
  }
}

/** Whose wallets pay, and who may approve it. */
async function payerOf(core: Core, { party, credentialId }: Principal) {
  if (party.kind === 'user') return { holder: credentialId };
  return agents.assertActive(core.db, { agentId: party.id });
}

function paymentOf({ terms, reference, claim, transactionId }: purchases.Purchase): PaymentShown {
  const { dialect, amount, asset, network, payTo } = terms as purchases.PurchaseTerms;
  const transaction = reference ?? claim;
  return {
    dialect,
    amount,
    asset,
    network,
    pay_to: payTo,
    ...(transaction !== null && { transaction }),
    ...(transactionId !== null && { transaction_id: transactionId }),
  };
}

/** What has the same call repeated says under which key. */
function withKey(error: unknown, idempotencyKey: string): unknown {
  if (!(error instanceof AgentPayError)) return error;
  const { kind, message, reason, param, retryAfter, details, cause } = error;
  if (kind !== 'payment_unresolved' && kind !== 'payment_in_progress' && reason !== 'approval_required')
    return error;
  return new AgentPayError(kind, message, {
    ...(reason !== undefined && { reason }),
    ...(param !== undefined && { param }),
    ...(retryAfter !== undefined && { retryAfter }),
    details: { ...details, idempotencyKey },
    cause,
  });
}
