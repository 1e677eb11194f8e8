import { assertSetting } from '../settings.js';

export interface ApprovalSettings {
  /** How long an approval waits for its owner, and how long it may be used after that. */
  readonly ttlMs: number;
}

export function approvalSettings(given: Partial<ApprovalSettings>): ApprovalSettings {
  const settings = { ttlMs: 24 * 60 * 60 * 1000, ...given };
  assertSetting(
    Number.isInteger(settings.ttlMs) && settings.ttlMs > 0,
    'approvals.ttlMs',
    'a positive whole number',
  );
  return settings;
}
