import { baseSepolia } from '@agentpay/primitives';
import { ConfigError, readConfig } from './config.js';

const KEY = `0x${'51'.repeat(32)}`;
const good = { RPC_URL: 'http://127.0.0.1:8545', SIGNER_KEYS: KEY };

describe('configuration', () => {
  it('needs a node and a key, and serves Base Sepolia on 3102 by default', () => {
    const defaults = { port: 3102, network: baseSepolia, signerKeys: [KEY], databaseUrl: undefined, dataDir: undefined };
    expect(readConfig(good)).toMatchObject(defaults);
    expect(readConfig({ RPC_URL: good.RPC_URL, SIGNER_KEY: KEY }).signerKeys).toEqual([KEY]);
    expect(readConfig({ ...good, SIGNER_KEYS: `${KEY}, ${KEY}`, DATA_DIR: '' }).signerKeys).toHaveLength(2);
  });

  it('refuses real money unless it is allowed by name', () => {
    expect(() => readConfig({ ...good, NETWORKS: 'base' })).toThrow(/^NETWORKS names a network with real money: set ALLOW_MAINNET=true/);
    expect(() => readConfig({ ...good, NETWORKS: 'eip155:8453', ALLOW_MAINNET: 'false' })).toThrow(ConfigError);
    expect(readConfig({ ...good, NETWORKS: 'base', ALLOW_MAINNET: 'true' }).network.chainId).toBe(8453);
  });

  it.each<[string, Record<string, string>]>([
    ['RPC_URL is missing.', { SIGNER_KEYS: KEY }],
    ['SIGNER_KEYS is missing.', { RPC_URL: good.RPC_URL }],
    ['RPC_URL must be an http(s) URL.', { ...good, RPC_URL: 'ftp://x' }],
    ['SIGNER_KEYS must be 32 bytes of hex.', { ...good, SIGNER_KEYS: '0x12' }],
    ['NETWORKS must be one of base, base-sepolia.', { ...good, NETWORKS: 'mars' }],
    ['NETWORKS must be one of base, base-sepolia.', { ...good, NETWORKS: 'base,base-sepolia' }],
    ['PAYTO must be a 20-byte address.', { ...good, PAYTO: '0x1' }],
  ])('says: %s', (sentence, env) => {
    expect(() => readConfig(env)).toThrow(new ConfigError(sentence));
  });

  it('never repeats a key in an error', () => {
    const secret = `${KEY}ff`;
    expect.assertions(1);
    try {
      readConfig({ ...good, SIGNER_KEYS: secret });
    } catch (error) {
      expect((error as Error).message).not.toContain(secret.slice(2, 20));
    }
  });
});
