import type { PaywallParts } from '../PaywallState.js';
import type { PaywallConfig } from '../seller/PaywallConfig.js';

/** Opens what a dialect keeps while it runs, once for each paywall, when it is first needed. */
export function perPaywall<T>(
  open: (config: PaywallConfig) => T,
): (paywall: Pick<PaywallParts, 'config'>) => T {
  const known = new WeakMap<PaywallConfig, { readonly opened: T }>();
  return ({ config }) => {
    const found = known.get(config) ?? { opened: open(config) };
    known.set(config, found);
    return found.opened;
  };
}
