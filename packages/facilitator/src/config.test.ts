import { baseSepolia, seededRandom } from '@agentpay/primitives';
import { newApiKey } from './operations/ApiKey.js';
import { ConfigError } from '@agentpay/http';
import { readConfig } from './config.js';

const KEY = `0x${'51'.repeat(32)}`;
const good = { RPC_URL: 'http://127.0.0.1:8545', SIGNER_KEYS: KEY };
const shop = newApiKey('shop', ['verify', 'settle'], seededRandom(1));
const token = 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  it('needs a node and a key, and serves Base Sepolia on 3102 by default', () => {
    expect(readConfig(good)).toMatchObject({
      port: 3102,
      network: baseSepolia,
      rpcUrls: [good.RPC_URL],
      signerKeys: [KEY],
      keystore: undefined,
      databaseUrl: undefined,
      dataDir: undefined,
      redisUrl: undefined,
      apiKeys: [],
      rateLimit: undefined,
      discovery: true,
      minSignerBalance: 10n ** 14n,
      maxFeePerGas: 10n ** 10n,
      gas: { account: 500_000n, permit2Account: 600_000n, deployment: 1_500_000n },
    });
    expect(readConfig({ RPC_URL: good.RPC_URL, SIGNER_KEY: KEY }).signerKeys).toEqual([KEY]);
    expect(readConfig({ ...good, SIGNER_KEYS: `${KEY}, ${KEY}`, DATA_DIR: '' }).signerKeys).toHaveLength(2);
  });

  it('takes several nodes, keystores, keys and limits', () => {
    const config = readConfig({
      RPC_URLS: 'https://one.example/v2, https://two.example',
      KEYSTORE_FILE: '/keys/a.json,/keys/b.json',
      KEYSTORE_PASSWORD_FILE: '/run/secrets/password',
      API_KEYS: shop.entry,
      RATE_LIMIT_PER_MINUTE: '600',
      MIN_SIGNER_BALANCE: '0.05',
      MAX_FEE_GWEI: '0.25',
      MAX_GAS_ACCOUNT: '300000',
    });
    expect(config).toMatchObject({
      rpcUrls: ['https://one.example/v2', 'https://two.example'],
      signerKeys: [],
      keystore: {
        files: ['/keys/a.json', '/keys/b.json'],
        password: undefined,
        passwordFile: '/run/secrets/password',
      },
      apiKeys: [{ name: 'shop', scopes: ['verify', 'settle'] }],
      rateLimit: { perMinute: 600, burst: 100 },
      minSignerBalance: 5n * 10n ** 16n,
      maxFeePerGas: 250_000_000n,
      gas: { account: 300_000n, permit2Account: 600_000n, deployment: 1_500_000n },
    });
  });

  it('refuses real money unless it is allowed by name', () => {
    const refused = ['NETWORKS names a network with real money: set ALLOW_MAINNET=true if you mean it.'];
    expect(faultsOf({ ...good, NETWORKS: 'base' })).toEqual(refused);
    expect(faultsOf({ ...good, NETWORKS: 'eip155:8453', ALLOW_MAINNET: 'false' })).toEqual(refused);
    const kept = { DATA_DIR: 'd', API_KEYS: shop.entry };
    expect(readConfig({ ...good, ...kept, NETWORKS: 'base', ALLOW_MAINNET: 'true' }).network.chainId).toBe(
      8453,
    );
  });

  it.each<[string, Record<string, string>]>([
    ['RPC_URLS is missing; give the URL of a node of the chain.', { SIGNER_KEYS: KEY }],
    ['SIGNER_KEYS is missing; give a private key there, or KEYSTORE_FILE.', { RPC_URL: good.RPC_URL }],
    [
      'KEYSTORE_PASSWORD_FILE is missing; KEYSTORE_FILE needs it, or KEYSTORE_PASSWORD.',
      { RPC_URL: good.RPC_URL, KEYSTORE_FILE: 'a' },
    ],
    ['RPC_URL must be an http(s) URL.', { ...good, RPC_URL: 'ftp://x' }],
    ['RPC_URLS must be an http(s) URL.', { ...good, RPC_URLS: 'https://fine.example,ws://x' }],
    ['SIGNER_KEYS must be 32 bytes of hex.', { ...good, SIGNER_KEYS: '0x12' }],
    ['NETWORKS must be one of base, base-sepolia.', { ...good, NETWORKS: 'mars' }],
    ['NETWORKS must be one of base, base-sepolia.', { ...good, NETWORKS: 'base,base-sepolia' }],
    ['ALLOW_MAINNET must be true or false.', { ...good, ALLOW_MAINNET: 'yes' }],
    ['PAYTO must be a 20-byte address.', { ...good, PAYTO: '0x1' }],
    ['FACTORIES must be a 20-byte address.', { ...good, FACTORIES: 'x' }],
    ['ASSETS must hold an address.', { ...good, ASSETS: ' , ' }],
    ['DATABASE_URL must be a postgres:// URL.', { ...good, DATABASE_URL: 'mysql://x' }],
    [
      'DATABASE_URL and DATA_DIR name two databases; give one of them.',
      { ...good, DATABASE_URL: 'postgres://x', DATA_DIR: 'd' },
    ],
    ['REDIS_URL must be a redis:// URL.', { ...good, REDIS_URL: 'http://x' }],
    ['PORT must be a whole number from 0 to 65535.', { ...good, PORT: '1e3' }],
    ['HOST must be a host name or an address.', { ...good, HOST: 'a b' }],
    ['METRICS_TOKEN must have at least 32 characters.', { ...good, METRICS_TOKEN: 'short' }],
    ['METRICS_TOKEN is too uniform to be a secret.', { ...good, METRICS_TOKEN: 'a'.repeat(40) }],
    ['RATE_LIMIT_PER_MINUTE is missing; RATE_LIMIT_BURST needs it.', { ...good, RATE_LIMIT_BURST: '5' }],
    [
      'RATE_LIMIT_PER_MINUTE must be a whole number from 1 to 10000000.',
      { ...good, RATE_LIMIT_PER_MINUTE: '0' },
    ],
    [
      'MIN_SIGNER_BALANCE must be an amount of ether such as 0.001.',
      { ...good, MIN_SIGNER_BALANCE: '1 eth' },
    ],
    ['MAX_FEE_GWEI must be an amount of gwei such as 0.5.', { ...good, MAX_FEE_GWEI: '-1' }],
    ['API_KEYS names shop twice.', { ...good, API_KEYS: `${shop.entry},${shop.entry}` }],
    [
      'API_KEYS has an entry (number 1) that is not name:scope+scope:hash with the scopes verify, settle, admin and a SHA-256 in hex.',
      { ...good, API_KEYS: shop.entry.replace('settle', 'everything') },
    ],
  ])('says: %s', (sentence, env) => {
    expect(faultsOf(env)).toEqual([sentence]);
  });

  it('refuses real money without a record that lasts, or open to all without a limit', () => {
    const real = { ...good, NETWORKS: 'base', ALLOW_MAINNET: 'true' };
    const memory =
      'DATABASE_URL is missing; with real money the record of payments must outlive the process.';
    const open = 'API_KEYS is missing; with real money name who may settle, or set RATE_LIMIT_PER_MINUTE.';
    expect(faultsOf(real)).toEqual([memory, open]);
    expect(faultsOf({ ...real, DATA_DIR: 'd', RATE_LIMIT_PER_MINUTE: '60' })).toEqual([]);
  });

  it('warns of what may be meant and often is not', () => {
    const real = { ...good, NETWORKS: 'base', ALLOW_MAINNET: 'true', DATA_DIR: 'd' };
    const warningsOf = (env: Record<string, string>) => readConfig({ ...real, ...env }).warnings;
    expect(warningsOf({ API_KEYS: shop.entry, RATE_LIMIT_PER_MINUTE: '60' })).toEqual([]);
    expect(warningsOf({ RATE_LIMIT_PER_MINUTE: '60', RPC_URL: 'http://node.example' })).toEqual([
      'No key has the scope settle: everybody may have payments settled on your gas.',
      'RPC_URLS has 1 over http: whoever is on the way may lie about the chain.',
    ]);
    expect(warningsOf({ API_KEYS: shop.entry })).toEqual([
      'RATE_LIMIT_PER_MINUTE is not set: calls are not limited.',
    ]);
    expect(readConfig(good).warnings).toEqual([]);
  });

  it.each([
    ['NETWORK', 'NETWORKS'],
    ['SIGNERS_KEYS', 'SIGNER_KEYS'],
    ['PAY_TO', 'PAYTO'],
    ['ALLOWMAINNET', 'ALLOW_MAINNET'],
    ['REDIS_URI', 'REDIS_URL'],
  ])('tells that %s is not %s', (name, meant) => {
    const { SIGNER_KEYS: _, ...rest } = good;
    const env = meant === 'SIGNER_KEYS' ? { ...rest, KEYSTORE_FILE: 'f', KEYSTORE_PASSWORD: 'p' } : good;
    expect(faultsOf({ ...env, [name]: 'x' })).toEqual([
      `${name} is not read by this program; its name for that is ${meant}.`,
    ]);
  });

  it.each([
    'passw0rd1passw0rd1passw0rd1passw0rd1',
    'abcdefgh1'.repeat(4),
    'MyPassword-for-the-metrics-2026!',
  ])('takes %s for no secret', (text) =>
    expect(faultsOf({ ...good, METRICS_TOKEN: text })).toEqual([
      'METRICS_TOKEN is too easy to guess; give random characters.',
    ]),
  );

  it('names every fault at once', () => {
    expect(faultsOf({ PORT: 'x', LOG_LEVEL: 'loud', SIGNER_KEYS: KEY })).toEqual([
      'PORT must be a whole number from 0 to 65535.',
      'LOG_LEVEL must be a pino level.',
    ]);
  });

  it('never repeats a secret in a fault', () => {
    const secrets = {
      RPC_URLS: `ftp://node.example/${token}`,
      SIGNER_KEYS: `${KEY}ff`,
      API_KEYS: `shop:verify:${token}`,
      METRICS_TOKEN: token.slice(0, 20),
      DATABASE_URL: `mysql://user:${token}@db`,
      REDIS_URL: `http://:${token}@cache`,
      KEYSTORE_PASSWORD: token,
    };
    const each = Object.entries(secrets).map(([name, value]) => faultsOf({ ...good, [name]: value }));
    const text = [faultsOf(secrets), ...each].flat().join('\n');
    expect(text.split('\n').length).toBeGreaterThan(8);
    expect(text).not.toContain(token.slice(0, 20));
    expect(text).not.toContain(KEY.slice(2, 20));
  });
});
