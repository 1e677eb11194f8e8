import type { WebhookPorts } from '@agentpay/core';
import { OutboundError, type Outbound } from '@agentpay/outbound';
import type { Clock } from '@agentpay/primitives';

/** Of the response only its status matters. */
const MAX_RESPONSE_BYTES = 64 * 1024;

/** Receivers of webhooks, by the guarded client. */
export function receivers(outbound: Outbound, clock: Clock): WebhookPorts['receivers'] {
  return {
    assertAllowed: (url) => outbound.assertAllowed(url),
    async post({ url, headers, body, timeoutMs }) {
      try {
        const response = await outbound.request({
          url,
          method: 'POST',
          headers,
          body,
          timeoutMs,
          maxBytes: MAX_RESPONSE_BYTES,
        });
        const retryAfterMs = millisecondsOf(response.headers['retry-after'], clock);
        return { status: response.status, retryAfterMs };
      } catch (error) {
        return { error: error instanceof OutboundError ? error.message : 'The call failed.' };
      }
    },
  };
}

/** `Retry-After`: seconds, or an HTTP date. */
function millisecondsOf(value: string | undefined, clock: Clock): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,6}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - clock.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
