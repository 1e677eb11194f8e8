import { seededRandom } from '@agentpay/primitives';
import { hashSecret, isLive, kindOf, newSecret, sameSecret } from './Credential.js';
import type { Credential } from './Credential.js';

const PEPPER = 'pepper-of-the-test-pepper-of-the-test';

describe('keys', () => {
  it('carry 192 random bits after their prefix', () => {
    const random = seededRandom(7);
    expect(newSecret('runtime', random)).toMatch(/^pk_test_[0-9a-f]{48}$/);
    expect(newSecret('secret', random)).toMatch(/^sk_test_[0-9a-f]{48}$/);
    expect(newSecret('runtime', random)).not.toBe(newSecret('runtime', random));
  });

  it('are kept as a hash that depends on the pepper', () => {
    expect(hashSecret('pk_test_1', PEPPER)).toMatch(/^[0-9a-f]{64}$/);
    expect(hashSecret('pk_test_1', PEPPER)).not.toBe(hashSecret('pk_test_1', `${PEPPER}.`));
  });

  it('are recognised by the prefix of their kind', () => {
    expect(kindOf('pk_test_x')).toBe('runtime');
    expect(kindOf('sk_test_x')).toBe('secret');
    expect(kindOf('gw_live_x')).toBe('gateway');
    expect(kindOf('live_x')).toBeUndefined();
    expect(kindOf(`pk_test_${'x'.repeat(1000)}`)).toBeUndefined();
  });

  it('compare whole', () => {
    expect(sameSecret('abc', 'abc', PEPPER)).toBe(true);
    expect(sameSecret('abc', 'abcd', PEPPER)).toBe(false);
    expect(sameSecret('', 'a', PEPPER)).toBe(false);
  });

  it('live until revoked or expired', () => {
    const key = { revokedAt: null, expiresAt: null } as Credential;
    expect(isLive(key, 100)).toBe(true);
    expect(isLive({ ...key, revokedAt: new Date(50) }, 100)).toBe(false);
    expect(isLive({ ...key, expiresAt: new Date(101) }, 100)).toBe(true);
    expect(isLive({ ...key, expiresAt: new Date(100) }, 100)).toBe(false);
  });
});
