import type { Outbound } from '@agentpay/http';
import { AgentPayError, type OutboundError } from '@agentpay/primitives';

/** Refuses a URL that the way out refuses, in the name of the field that holds it. */
export function assertAllowedBy(out: Outbound, param: string): (url: string) => void {
  return (url) => {
    try {
      out.assertAllowed(url);
    } catch (cause) {
      const { fault, message } = cause as OutboundError;
      throw new AgentPayError('invalid_request', message, { param, reason: fault, cause });
    }
  };
}
