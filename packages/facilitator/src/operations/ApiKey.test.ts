import { seededRandom } from '@agentpay/primitives';
import { findApiKey, newApiKey, parseApiKeys, sameSecret, type ApiKey } from './ApiKey.js';

describe('API keys', () => {
  const shop = newApiKey('shop', ['verify', 'settle'], seededRandom(1));
  const boss = newApiKey('boss', ['admin'], seededRandom(2));
  const keys = parseApiKeys([shop.entry, boss.entry]) as readonly ApiKey[];

  it('are found by their text, with the scopes they were made with', () => {
    expect(findApiKey(keys, shop.text)).toMatchObject({ name: 'shop', scopes: ['verify', 'settle'] });
    expect(findApiKey(keys, boss.text)).toMatchObject({ name: 'boss', scopes: ['admin'] });
  });

  it('are not found by anything else: not the hash, nor a part, nor nothing', () => {
    const wrong = [
      shop.entry,
      shop.entry.split(':')[2] as string,
      shop.text.slice(0, -1),
      `${shop.text} `,
      shop.text.toUpperCase(),
      '',
    ];
    expect(wrong.map((text) => findApiKey(keys, text))).toEqual(wrong.map(() => undefined));
  });

  it('have entries that do not hold the key', () => {
    expect(shop.entry).toMatch(/^shop:verify\+settle:[0-9a-f]{64}$/);
    expect(shop.entry).not.toContain(shop.text.slice(3));
    expect(shop.text).toMatch(/^fk_[\w-]{43}$/);
  });

  it.each([
    '',
    'shop',
    'shop::ab',
    `shop:verify+:${'0'.repeat(64)}`,
    `:verify:${'0'.repeat(64)}`,
    `a b:verify:${'0'.repeat(64)}`,
  ])('refuse the entry %j', (entry) => {
    expect(parseApiKeys([boss.entry, entry])).toContain('(number 2)');
  });

  it('compare secrets of any length', () => {
    expect(sameSecret('a', 'a')).toBe(true);
    expect(sameSecret('a', 'ab')).toBe(false);
    expect(sameSecret('', 'x')).toBe(false);
  });
});
