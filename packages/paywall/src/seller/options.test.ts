import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { paywall, type PaywallOptions } from '../index.js';
import { openState } from '../PaywallState.js';
import { headerLists } from '../rails/RailHeaders.js';
import { PAY_TO, fakeFacilitator } from '../seller.test.support.js';
import { readConfig } from './PaywallConfig.js';

const good = { payTo: PAY_TO, facilitator: 'http://127.0.0.1:3102' };
/** Whoever is made with these asks nobody on the network. */
const working = { ...good, facilitator: fakeFacilitator(), logger: false as const };
const PRIVATE_KEY = generateKeyPairSync('ed25519').privateKey;
const OTHER_KIND = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
const byHash = { transfers: { rpcUrl: 'http://x', hashes: true } };
const make = (options: object) => () => paywall(options as PaywallOptions);

describe('paywall() refuses at construction', () => {
  it.each<[string, object, RegExp]>([
    [
      'a misspelt option, with the right spelling',
      { ...good, payto: PAY_TO },
      /unknown option "payto"; did you mean "payTo"\?/,
    ],
    [
      'an unknown option, with those it knows',
      { ...good, colour: 1 },
      /unknown option "colour"; it knows payTo, network/,
    ],
    ['no recipient', { facilitator: good.facilitator }, /payTo/],
    ['a recipient with a wrong checksum', { ...good, payTo: PAY_TO.replace('a', 'A') }, /payTo .*checksum/],
    ['the zero address', { ...good, payTo: `0x${'0'.repeat(40)}` }, /payTo/],
    ['an unknown network', { ...good, network: 'moon' }, /network .*"base-sepolia"/],
    ['a facilitator that is none', { ...good, facilitator: {} }, /facilitator/],
    ['a facilitator of another scheme', { ...good, facilitator: 'ftp://x' }, /facilitator/],
    ['a short secret', { ...good, mppSecret: 'short' }, /mppSecret .*32 bytes/],
    ['a short secret in a list', { ...good, mppSecret: ['l'.repeat(32), 'short'] }, /mppSecret/],
    ['a realm that breaks the binding', { ...good, realm: 'a|b' }, /realm/],
    ['price and routes', { ...good, price: '$1', routes: {} }, /not both/],
    ['an empty table of prices', { ...good, routes: {} }, /routes names nothing that is for sale/],
    ['a price of zero', { ...good, price: '$0' }, /zero/],
    ['a price below the smallest unit', { ...good, price: '$0.0000001' }, /fraction digits/],
    ['a price with an exponent', { ...good, routes: { '/a': '1e-3' } }, /route "\/a".*plain decimal/],
    [
      'a misspelt member of a price',
      { ...good, routes: { '/a': { price: '$1', setle: 'before' } } },
      /did you mean "settle"/,
    ],
    ['an unknown timing', { ...good, price: { price: '$1', settle: 'later' } }, /settle/],
    [
      'a description over several lines',
      { ...good, price: { price: '$1', description: 'a\r\nSet-Cookie: b' } },
      /description/,
    ],
    ['a service without the token option', { ...good, price: { price: '$1', service: 'svc_1' } }, /token/],
    [
      'a misspelt token option',
      { ...good, token: { url: 'http://x', apiKey: 'k' } },
      /unknown option "apiKey"/,
    ],
    ['an offer too short to settle', { ...good, maxTimeoutSeconds: 5 }, /maxTimeoutSeconds/],
    [
      'an origin with a path',
      { ...good, cors: { origins: ['https://shop.example/'] } },
      /cors\.origins\.0 .*without a path/,
    ],
    ['a misspelt member of cors', { ...good, cors: { origin: ['https://shop.example'] } }, /cors .*origins/],
    ['a node that is none', { ...good, accepts: [{ transfers: { rpcUrl: 'ws://x' } }] }, /accepts.*rpcUrl/],
    [
      'a misspelt member of transfers',
      { ...good, accepts: [{ transfers: { rpcUrl: 'http://x', hash: true } }] },
      /transfers.*hash/,
    ],
    [
      'hashes that a restart forgets',
      { ...good, mppSecret: 'l'.repeat(32), accepts: [byHash] },
      /hashes need a store/,
    ],
    [
      'a receipt key that cannot sign',
      { ...good, receiptKey: 'hush' },
      /^paywall\(\): option receiptKey must be a private Ed25519 key/,
    ],
    ['no receipt key in a list', { ...good, receiptKey: [] }, /receiptKey must be a private Ed25519 key/],
    [
      'a former receipt key that is none',
      { ...good, receiptKey: [PRIVATE_KEY, 'hush'] },
      /receiptKey must list Ed25519 keys/,
    ],
    [
      'a former receipt key of another kind',
      { ...good, receiptKey: [PRIVATE_KEY, OTHER_KIND] },
      /receiptKey must list Ed25519 keys/,
    ],
    [
      'a receipt key that can only verify',
      { ...good, receiptKey: [createPublicKey(PRIVATE_KEY)] },
      /must be a private Ed25519 key/,
    ],
    ['no options', undefined as unknown as object, /options/],
    [
      'arguments as x402-express has them',
      PAY_TO as unknown as object,
      /one object of options: paywall\(\{ payTo/,
    ],
    [
      'a recipient that is not set',
      { ...good, payTo: undefined },
      /payTo is wrong: is missing.*environment variable/,
    ],
    ['an empty recipient', { ...good, payTo: '' }, /payTo is wrong: is missing/],
    ['a name as recipient', { ...good, payTo: 'shop.eth' }, /payTo is wrong: is a name/],
    [
      'a private key as recipient',
      { ...good, payTo: `0x${'a1'.repeat(32)}` },
      /looks like a private key(?!.*a1a1)/,
    ],
    ['a number as recipient', { ...good, payTo: 1 }, /payTo is wrong: must be an address as text/],
    [
      'a facilitator as x402-express has it',
      { ...good, facilitator: { url: 'http://x' } },
      /http URL as text/,
    ],
    [
      'a price that is a number',
      { ...good, price: 0.01 },
      /in dollars as text, such as "\$0.01", and no number/,
    ],
    [
      'such a price in the table',
      { ...good, routes: { '/a': 1 } },
      /route "\/a" must be a price in dollars as text/,
    ],
  ])('%s', (_, options, message) => {
    expect(make(options)).toThrow(TypeError);
    expect(make(options)).toThrow(message);
  });

  it('a wrong price given to charge()', () => {
    expect(() => paywall(working).charge('$-1')).toThrow(/charge\(\).*plain decimal/);
  });

  it('nothing of a right set of options', () => {
    const routes = { 'GET /a': '$0.01', '/b': 'free' };
    const wall = paywall({
      logger: false,
      ...good,
      facilitator: fakeFacilitator(),
      network: 'eip155:8453',
      baseUrl: 'https://api.example.com/',
      routes,
    });
    expect(wall.name).toBe('paywall');
    expect(wall).toHaveLength(3);
  });
});

it('paywall() without price and routes fails closed as middleware', () => {
  const errors: unknown[] = [];
  paywall(working)({} as never, {} as never, (error) => errors.push(error));
  expect(errors).toEqual([expect.any(TypeError)]);
});

describe('a paywall', () => {
  const config = () =>
    readConfig({ payTo: PAY_TO, facilitator: fakeFacilitator() }, (header) => headerLists([], header));

  it('never changes what its seller has configured', () => {
    expect(Object.isFrozen(config())).toBe(true);
  });

  it('shares nothing of what it knows with another one of the same configuration', () => {
    const same = config();
    const [one, other] = [openState(same), openState(same)];
    one.counters.count('challenges', '/weather');
    one.earnings.add('/weather', 1n);
    expect(other.counters.text(other.earnings.all())).not.toContain('/weather');
    const shared = Object.entries(one).filter(
      ([name, value]) => typeof value === 'object' && value === other[name as keyof typeof other],
    );
    expect(shared).toEqual([]);
  });
});
