import { assertSetting } from '../settings.js';

export interface DeveloperSettings {
  /** Whether developers are approved as they register. */
  readonly autoApprove: boolean;
  /** How long the former keys work after a rotation, unless they were exposed. */
  readonly keyOverlapMs: number;
}

export function developerSettings(given: Partial<DeveloperSettings>): DeveloperSettings {
  const settings = { autoApprove: false, keyOverlapMs: 24 * 60 * 60 * 1000, ...given };
  assertSetting(settings.keyOverlapMs > 0, 'developers.keyOverlapMs', 'positive');
  return settings;
}
