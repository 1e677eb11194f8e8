import { vault } from '@agentpay/core';
import { systemRandom } from '@agentpay/primitives';
import { readConfig } from './config.js';
import { readSecrets } from './secrets.js';

const [OLD, NEW] = ['k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_', 'Zq8nT4wJ1xM6bV3cR9yK2fS7hD5gL0pA_'];
const vaultOf = async (env: Record<string, string>) => {
  const { vaultKeys } = await readSecrets(readConfig(env), systemRandom);
  return vault.createVault(vaultKeys, systemRandom);
};

describe('readSecrets', () => {
  it('opens what was sealed under a former secret, where no master key is given, and not under an unlisted one', async () => {
    const sealed = (await vaultOf({ JWT_SECRET: OLD })).seal('a key', 'its place');
    const rotated = await vaultOf({ JWT_SECRET: NEW, FORMER_JWT_SECRETS: OLD });
    expect(rotated.open(sealed, 'its place')).toBe('a key');
    const unlisted = await vaultOf({ JWT_SECRET: NEW });
    expect(() => unlisted.open(sealed, 'its place')).toThrow('cannot be read');
  });

  it('signs by the present secret, which may be listed among the former ones as well', async () => {
    const { tokens } = await readSecrets(
      readConfig({ JWT_SECRET: NEW, FORMER_JWT_SECRETS: `${NEW}, ${OLD}` }),
      systemRandom,
    );
    expect(tokens).toEqual([NEW, OLD]);
  });
});
