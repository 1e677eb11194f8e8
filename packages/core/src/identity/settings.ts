import { assertSetting } from '../settings.js';

export interface IdentitySettings {
  /** HMAC key of credential hashes, at least 32 characters. Changing it locks every key out. */
  readonly pepper: string;
  /** Key of the operator; without it nobody is admin. At least 32 characters. */
  readonly adminKey: string | undefined;
}

export function identitySettings(
  given: Pick<IdentitySettings, 'pepper'> & Partial<IdentitySettings>,
): IdentitySettings {
  const { pepper, adminKey } = given;
  assertSetting(pepper.length >= 32, 'identity.pepper', 'at least 32 characters');
  assertSetting(
    adminKey === undefined || adminKey.length >= 32,
    'identity.adminKey',
    'at least 32 characters',
  );
  return { pepper, adminKey };
}
