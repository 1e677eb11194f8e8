import { assertSetting } from '../settings.js';

export interface GatewaySettings {
  /** How long a call may take where neither the listing nor a contract says so. */
  readonly callSeconds: number;
  /** How long the former keys work after a rotation, unless they were exposed. */
  readonly keyOverlapMs: number;
}

export function gatewaySettings(given: Partial<GatewaySettings>): GatewaySettings {
  const settings = { callSeconds: 60, keyOverlapMs: 24 * 60 * 60 * 1000, ...given };
  assertSetting(settings.callSeconds > 0, 'gateways.callSeconds', 'positive');
  assertSetting(settings.keyOverlapMs > 0, 'gateways.keyOverlapMs', 'positive');
  return settings;
}
