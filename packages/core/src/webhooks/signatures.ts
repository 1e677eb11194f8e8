import { createHmac } from 'node:crypto';

/** What a receiver checks a delivery by. */
export interface SignedDelivery {
  /** `evt_...`: the same in every attempt and every replay. */
  readonly eventId: string;
  readonly deliveryId: string;
  /** Unix seconds. */
  readonly timestamp: number;
  /** The body as it is sent. */
  readonly body: string;
}

const PREFIX = 'whsec_';

/** A new secret: `whsec_` and 32 random bytes in base64. */
export function newSecret(bytes: Uint8Array): string {
  return PREFIX + Buffer.from(bytes).toString('base64');
}

/**
 * The headers of a delivery. `X-AgentPay-Signature` and `X-Webhook-Signature`: hex HMAC-SHA256 of the body with the whole text of the
 * secret as key. `webhook-*`: Standard Webhooks 1.0, by the decoded bytes of the secret;
 * while a former secret is still good, one more by it.
 */
export function signatureHeaders(
  { eventId, deliveryId, timestamp, body }: SignedDelivery,
  secret: string,
  former?: string,
): Record<string, string> {
  const hex = createHmac('sha256', secret).update(body).digest('hex');
  const standard = [secret, ...(former ? [former] : [])].map((key) =>
    standardSignature(key, `${eventId}.${timestamp}.${body}`),
  );
  return {
    'x-agentpay-signature': hex,
    'x-webhook-signature': hex,
    'x-agentpay-delivery': deliveryId,
    'x-agentpay-timestamp': String(timestamp),
    'webhook-id': eventId,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': standard.join(' '),
  };
}

function standardSignature(secret: string, text: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
}
