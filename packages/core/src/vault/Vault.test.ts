import { systemRandom } from '@agentpay/primitives';
import fc from 'fast-check';
import { createVault } from './Vault.js';

const key = (id: string, fill: number) => ({ id, bytes: new Uint8Array(32).fill(fill) });
const vault = createVault([key('b', 2), key('a', 1)], systemRandom);
const before = createVault([key('a', 1)], systemRandom);

it('opens what it sealed, and only in its place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), fc.string(), (text, place, other) => {
      const sealed = vault.seal(text, place);
      expect(vault.open(sealed, place)).toBe(text);
      if (other !== place) expect(() => vault.open(sealed, other)).toThrow('cannot be read');
    }),
  );
});

it('refuses what was changed in any byte', () => {
  const sealed = vault.seal('secret', 'here');
  const [version, id, text = ''] = sealed.split('.');
  const bytes = Buffer.from(text, 'base64url');
  for (let i = 0; i < bytes.length; i++) {
    const forged = Buffer.from(bytes);
    forged[i] = (forged[i] as number) ^ 1;
    expect(() => vault.open([version, id, forged.toString('base64url')].join('.'), 'here')).toThrow();
  }
  expect(() => vault.open('v1.b.', 'here')).toThrow('cannot be read');
  expect(() => vault.open('nonsense', 'here')).toThrow('cannot be read');
});

it('reads what a former key sealed and says that it is to be sealed again', () => {
  const sealed = before.seal('secret', 'here');
  expect(vault.open(sealed, 'here')).toBe('secret');
  expect([vault.isCurrent(sealed), vault.isCurrent(vault.seal('secret', 'here'))]).toEqual([false, true]);
  expect(() => before.open(vault.seal('secret', 'here'), 'here')).toThrow('cannot be read');
});

it.each([
  ['no keys', []],
  ['a short key', [{ id: 'a', bytes: new Uint8Array(16) }]],
  ['one name twice', [key('a', 1), key('a', 2)]],
  ['a name with a dot', [key('a.b', 1)]],
])('is not made with %s', (_, keys) => {
  expect(() => createVault(keys, systemRandom)).toThrow('32 bytes');
});
