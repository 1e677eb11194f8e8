import type { CorePorts } from '@agentpay/core';
import type { Outbound } from '@agentpay/http';
import { assertAllowedBy } from './assertAllowed.js';

/** The addresses of services, by the guarded way out. */
export function endpoints(out: Outbound): CorePorts['endpoints'] {
  return { assertAllowed: assertAllowedBy(out, 'endpointUrl'), fetchOut: out.fetchOut };
}
