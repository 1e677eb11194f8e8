import { DAY_MS } from '../calendar.js';
import { assertSetting } from '../settings.js';

export interface UserSettings {
  /** How long a session lasts after its sign-in. */
  readonly sessionTtlMs: number;
  /** Sessions that a user has at a time; the oldest ends when there is one more. */
  readonly maxSessions: number;
}

export function userSettings(given: Partial<UserSettings>): UserSettings {
  const settings = { sessionTtlMs: 7 * DAY_MS, maxSessions: 20, ...given };
  for (const [name, value] of Object.entries(settings))
    assertSetting(Number.isInteger(value) && value > 0, `users.${name}`, 'a positive whole number');
  return settings;
}
