import { assertSetting } from '../settings.js';

export interface IdentitySettings {
  /** HMAC key of credential hashes, at least 32 characters. Changing it locks every key out. */
  readonly pepper: string;
  /** Key of the operator; without it nobody is admin. At least 32 characters. */
  readonly adminKey: string | undefined;
  /** Key of the operator of the public demo; without it nobody is. At least 32 characters. */
  readonly demoAdminKey: string | undefined;
}

export function identitySettings(
  given: Pick<IdentitySettings, 'pepper'> & Partial<IdentitySettings>,
): IdentitySettings {
  const { pepper, adminKey, demoAdminKey } = given;
  assertSetting(pepper.length >= 32, 'identity.pepper', 'at least 32 characters');
  for (const [name, key] of Object.entries({ adminKey, demoAdminKey }))
    assertSetting(key === undefined || key.length >= 32, `identity.${name}`, 'at least 32 characters');
  return { pepper, adminKey, demoAdminKey };
}
