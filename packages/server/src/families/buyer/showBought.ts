import { custody, purchases, type Core } from '@agentpay/core';
import { formatMoney, isAgentPayError } from '@agentpay/primitives';

/** Buys for an agent; what its owner has to approve first waits. @throws AgentPayError as `purchases.buy` */
export async function buy(core: Core, request: purchases.BuyRequest) {
  try {
    return showBought(core, await purchases.buy(core, request));
  } catch (error) {
    const { approvalId, amount, expiresAt } = waitsFor(error) ?? {};
    if (approvalId === undefined || amount === undefined || expiresAt === undefined) throw error;
    return {
      success: false as const,
      status: 'pending_approval' as const,
      approval_id: approvalId,
      amount: formatMoney(amount),
      expiresAt,
    };
  }
}

function waitsFor(error: unknown) {
  if (!isAgentPayError(error, 'policy_denied') || error.reason !== 'approval_required') return undefined;
  return error.details as { approvalId?: string; amount?: bigint; expiresAt?: Date } | undefined;
}

/** A purchase that succeeded, on the wire. */
export function showBought(core: Core, { purchase, response }: purchases.Purchased) {
  const terms = purchase.terms as purchases.PurchaseTerms;
  const { network } = custody.chainOf(core, terms.network);
  const txHash = purchase.reference ?? purchase.claim;
  return {
    success: true as const,
    sellerResponse: readable(response),
    payment: {
      protocol: purchases.railOf(terms.dialect),
      txHash,
      amount: formatMoney(purchases.amountOf(terms), network.asset.decimals),
      explorer: txHash === null ? null : `${network.explorer}/tx/${txHash}`,
      transactionId: purchase.transactionId as string,
    },
    agent: { address: terms.payer },
  };
}

/** JSON as it is, text as text, anything else in base64 with its type. */
function readable({ body, contentType }: purchases.SellerResponse): unknown {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^text\/|[/+]json$|[/+]xml$/.test(type) && body.length > 0)
    return { base64: Buffer.from(body).toString('base64'), contentType };
  const text = Buffer.from(body).toString('utf8');
  if (!/[/+]json$/.test(type)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
