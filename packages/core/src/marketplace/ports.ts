import type { FetchOut } from '@agentpay/primitives';

export interface MarketplacePorts {
  /** The addresses of services, out on the network. */
  readonly endpoints: {
    /** @throws AgentPayError `invalid_request` (param `endpointUrl`) for an address that is not to be asked */
    assertAllowed(url: string): void;
    readonly fetchOut: FetchOut;
  };
}
