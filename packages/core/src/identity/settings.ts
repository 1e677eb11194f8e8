import { assertSetting } from '../settings.js';

export interface IdentitySettings {
  /** HMAC key of credential hashes, at least 32 characters. Changing it locks every key out. */
  readonly pepper: string;
  /** Keys of the operator, any of which will do; without one nobody is admin. At least 32 characters each. */
  readonly adminKeys: readonly string[];
  /** Keys of the operator of the public demo; without one nobody is. At least 32 characters each. */
  readonly demoAdminKeys: readonly string[];
}

export function identitySettings(
  given: Pick<IdentitySettings, 'pepper'> & Partial<IdentitySettings>,
): IdentitySettings {
  const { pepper, adminKeys = [], demoAdminKeys = [] } = given;
  assertSetting(pepper.length >= 32, 'identity.pepper', 'at least 32 characters');
  for (const [name, keys] of Object.entries({ adminKeys, demoAdminKeys }))
    assertSetting(
      keys.every((key) => key.length >= 32),
      `identity.${name}`,
      'at least 32 characters each',
    );
  return { pepper, adminKeys, demoAdminKeys };
}
