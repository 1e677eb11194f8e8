import type { Amount } from '@agentpay/primitives';
import { assertSetting } from '../settings.js';

export interface WalletSettings {
  /** Whether play money may be issued. */
  readonly sandbox: boolean;
  /** Most play money that one call of the faucet gives, in micro-units. */
  readonly faucetMax: Amount;
}

export function walletSettings(given: Partial<WalletSettings>): WalletSettings {
  const settings = { sandbox: false, faucetMax: 10_000_000_000n, ...given };
  assertSetting(settings.faucetMax > 0n, 'wallets.faucetMax', 'positive');
  return settings;
}
