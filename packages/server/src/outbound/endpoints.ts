import type { CorePorts } from '@agentpay/core';
import type { Outbound } from '@agentpay/http';
import { AgentPayError, type OutboundError } from '@agentpay/primitives';

/** The addresses of services, by the guarded way out. */
export function endpoints(out: Outbound): CorePorts['endpoints'] {
  return {
    assertAllowed(url) {
      try {
        out.assertAllowed(url);
      } catch (cause) {
        const { fault, message } = cause as OutboundError;
        throw new AgentPayError('invalid_request', message, { param: 'endpointUrl', reason: fault, cause });
      }
    },
    fetchOut: out.fetchOut,
  };
}
