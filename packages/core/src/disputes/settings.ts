import { assertSetting } from '../settings.js';

export interface DisputeSettings {
  /** How long after its completion a payment can be disputed. */
  readonly windowDays: number;
}

export function disputeSettings(given: Partial<DisputeSettings>): DisputeSettings {
  const settings = { windowDays: 30, ...given };
  assertSetting(
    Number.isInteger(settings.windowDays) && settings.windowDays > 0,
    'disputes.windowDays',
    'a positive whole number',
  );
  return settings;
}
