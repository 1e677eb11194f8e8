import { createHmac } from 'node:crypto';

/** What Stripe sends when the money of a funding came, signed at this moment. */
export function cardEvent({
  fundingId,
  cents,
  secret,
}: {
  readonly fundingId: string;
  readonly cents: number;
  readonly secret: string;
}) {
  const object = { amount: cents, currency: 'usd', metadata: { funding_id: fundingId } };
  const body = JSON.stringify({ id: `evt_${fundingId}`, type: 'charge.succeeded', data: { object } });
  const time = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  return {
    headers: { 'stripe-signature': `t=${time},v1=${signature}` },
    line: 'POST /stripe/webhook',
    body,
  };
}
