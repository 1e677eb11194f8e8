import { refuse } from './Offer.js';
import type { ClientSettings } from './options.js';

/** @throws AgentPayError `offer_not_acceptable` when none of the asset's names is allowed */
export function checkAsset({ assets }: ClientSettings, ...names: readonly string[]): void {
  if (assets && !names.some((name) => assets.includes(name.toLowerCase()))) {
    throw refuse('asset_not_allowed', `Asset ${names.join(' ')} is not allowed.`);
  }
}
