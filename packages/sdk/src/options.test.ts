import { createApiClient } from './ApiClient.js';
import { createClient } from './Client.js';
import type { ClientOptions } from './options.js';
import { BUYER, BUYER_KEY, WALLET } from './seller.test.support.js';

const good = { privateKey: BUYER_KEY };
const agentpay = { url: 'http://127.0.0.1:3100', apiKey: 'pk_test_1', walletId: WALLET };
const made = (options: unknown) => () => createClient(options as ClientOptions);

function refuses(make: () => unknown, param: string, message: RegExp): void {
  expect(make).toThrow(
    expect.objectContaining({ kind: 'invalid_request', param, message: expect.stringMatching(message) }),
  );
}

describe('createClient() refuses what nobody would read', () => {
  it.each<[param: string, options: object, message: RegExp]>([
    ['privatekey', { privatekey: BUYER_KEY }, /unknown option "privatekey"; did you mean "privateKey"\?/],
    ['budgets', { ...good, budgets: {} }, /did you mean "budget"\?/],
    ['perRequest', { ...good, perRequest: '$1' }, /it knows account, privateKey/],
    [
      'budget.perRequst',
      { ...good, budget: { perRequst: '$0.001' } },
      /"perRequst" in budget; did you mean "perRequest"\?/,
    ],
    ['budget.Total', { ...good, budget: { Total: '$1' } }, /did you mean "total"\?/],
    ['allow.host', { ...good, allow: { host: ['api.example.com'] } }, /did you mean "hosts"\?/],
    ['allow.network', { ...good, allow: { network: 'base' } }, /did you mean "networks"\?/],
    [
      'agentpay.walletID',
      { ...good, agentpay: { ...agentpay, walletID: WALLET } },
      /did you mean "walletId"\?/,
    ],
  ])('%s', (param, options, message) => refuses(made(options), param, message));
});

describe('createClient() refuses an option of another type', () => {
  it.each<[param: string, options: object | undefined | string, message: RegExp]>([
    ['', undefined, /needs an object of options with account, privateKey/],
    ['', BUYER_KEY, /needs an object of options/],
    [
      'budget',
      { ...good, budget: '$5' },
      /option budget must be an object with perRequest, perHost, perDay, total\./,
    ],
    ['budget', { ...good, budget: ['$5'] }, /must be an object/],
    ['budget', { ...good, budget: null }, /must be an object/],
    ['budget.perRequest', { ...good, budget: { perRequest: 0.1 } }, /must be text such as "\$0\.10"/],
    ['budget.total', { ...good, budget: { total: null } }, /must be text/],
    ['allow', { ...good, allow: ['api.example.com'] }, /must be an object with networks, assets, hosts/],
    ['allow.hosts', { ...good, allow: { hosts: 'api.example.com' } }, /must be a list/],
    [
      'allow.hosts',
      { ...good, allow: { hosts: ['https://api.example.com/'] } },
      /allow\.hosts\.0 must be a host such as/,
    ],
    ['allow.networks', { ...good, allow: { networks: [84532] } }, /allow\.networks\.0 must be text/],
    ['allow.assets', { ...good, allow: { assets: {} } }, /must be a list/],
    ['agentpay', { agentpay: 'pk_test_1' }, /must be an object with url, apiKey, walletId/],
    ['agentpay.url', { agentpay: { ...agentpay, url: 'api.example.com' } }, /must be a URL/],
    ['agentpay.apiKey', { agentpay: { ...agentpay, apiKey: undefined } }, /must be text/],
    ['account', { account: BUYER }, /must have signTypedData\(\)/],
    ['account', { account: { address: 'me', signTypedData: async () => '0x' } }, /must have an address/],
    ['privateKey', { privateKey: 12 }, /must be text of 0x and 64 hex digits/],
    ['prefer', { ...good, prefer: 'mpp' }, /must be a list/],
    ['maxAttempts', { ...good, maxAttempts: '6' }, /whole number above zero/],
    ['attemptTimeoutMs', { ...good, attemptTimeoutMs: 0.5 }, /whole number above zero/],
    ['maxBodyBytes', { ...good, maxBodyBytes: -1 }, /whole number above zero/],
    ['journal', { ...good, journal: { save: async () => undefined } }, /must have save\(\) and load\(\)/],
    ['fetch', { ...good, fetch: 'fetch' }, /must be a function/],
    ['clock', { ...good, clock: {} }, /must have now\(\) and timer\(\)/],
  ])('%s', (param, options, message) => refuses(made(options), param, message));

  it('without showing what may be a secret', () => {
    const secret = 'do not print me';
    for (const options of [{ agentpay: secret }, { privateKey: secret }, { ...good, budget: secret }])
      expect(made(options)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(secret) }),
      );
  });
});

it('createApiClient() refuses the same', () => {
  const url = 'http://127.0.0.1:3100';
  refuses(() => createApiClient({ url, apikey: 'k' } as never), 'apikey', /did you mean "apiKey"\?/);
  refuses(
    () => createApiClient({ url, keys: { gatway: 'k' } } as never),
    'keys.gatway',
    /did you mean "gateway"\?/,
  );
  refuses(() => createApiClient({ url, keys: 'k' } as never), 'keys', /must be an object with/);
  refuses(() => createApiClient({} as never), 'url', /must be a URL/);
  refuses(() => createApiClient({ url, timeoutMs: '1' } as never), 'timeoutMs', /whole number/);
  refuses(() => createApiClient(url as never), '', /needs an object of options/);
});

it('options that are undefined are as if they were not there', () => {
  const none = { perRequest: undefined, total: undefined };
  const allow = { networks: undefined, assets: undefined, hosts: undefined };
  expect(made({ ...good, account: undefined, budget: none, allow, journal: undefined })).not.toThrow();
});
