import type { WebhookPorts } from '@agentpay/core';
import type { Outbound } from '@agentpay/http';
import { OutboundError, type Clock } from '@agentpay/primitives';
import { assertAllowedBy } from './assertAllowed.js';

/** Receivers of webhooks, by the guarded way out. */
export function receivers(out: Outbound, clock: Clock): WebhookPorts['receivers'] {
  return {
    assertAllowed: assertAllowedBy(out, 'url'),
    async post({ url, headers, body, timeoutMs }) {
      try {
        // Of the response only its status matters.
        const limits = { timeoutMs, maxBytes: 1, longer: 'cut', maxRedirects: 0 } as const;
        const response = await out.fetchOut(url, { method: 'POST', headers, body, ...limits });
        return {
          status: response.status,
          retryAfterMs: millisecondsOf(response.headers['retry-after'], clock),
        };
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
