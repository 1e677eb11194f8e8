import type { PaywallOptions } from '@agentpay/paywall';

/** Where the money of the demo seller goes, and who settles it. */
export type DemoSellerOptions = Pick<
  PaywallOptions,
  'payTo' | 'network' | 'facilitator' | 'mppSecret' | 'clock' | 'random' | 'onError' | 'logger'
>;
