import { readdirSync, readFileSync } from 'node:fs';
import { compileContracts } from './compile.js';
import { multicall3, testUsdc, testWallet } from './index.js';

const folder = new URL('../artifacts/', import.meta.url);

describe('artefacts', () => {
  it('are exactly what the sources compile to', async () => {
    const compiled = await compileContracts();
    expect([...compiled.keys()].sort()).toEqual(['Multicall3', 'TestUSDC', 'TestWallet']);
    expect(readdirSync(folder).sort()).toEqual([...compiled.keys()].sort().map((name) => `${name}.json`));
    for (const [name, text] of compiled) expect(readFileSync(new URL(`${name}.json`, folder), 'utf8') === text).toBe(true);
  }, 60_000);

  it('hold code within the size limit of EIP-170', () => {
    for (const { runtimeBytecode } of [multicall3, testUsdc, testWallet]) {
      expect(runtimeBytecode).toMatch(/^0x(?:[0-9a-f]{2}){100,24576}$/);
    }
  });

  it('keep the selectors that wallets, servers and facilitators call', () => {
    const selectors = ['e3ee160e', 'cf092995', 'ef55bec6', '5a049a70', 'e94a0102', '3644e515', 'd505accf', '70a08231'];
    for (const selector of selectors) expect(testUsdc.runtimeBytecode).toContain(`63${selector}`);
    for (const selector of ['82ad56cb', 'bce38bd7', '174dea71']) expect(multicall3.runtimeBytecode).toContain(`63${selector}`);
  });
});
