import { readdirSync, readFileSync } from 'node:fs';
import { compileContracts } from './compile.js';
import * as contracts from './index.js';

const folder = new URL('../artifacts/', import.meta.url);

describe('artefacts', () => {
  it('are exactly what the sources compile to', async () => {
    const compiled = await compileContracts();
    expect(compiled.size).toBe(Object.keys(contracts).length);
    expect(readdirSync(folder).sort()).toEqual([...compiled.keys()].sort().map((name) => `${name}.json`));
    for (const [name, text] of compiled)
      expect(readFileSync(new URL(`${name}.json`, folder), 'utf8') === text).toBe(true);
  });

  it('hold code within the size limit of EIP-170', () => {
    for (const { runtimeBytecode } of Object.values(contracts)) {
      expect(runtimeBytecode).toMatch(/^0x(?:[0-9a-f]{2}){100,24576}$/);
    }
  });

  it.each([
    [
      'testUsdc',
      ['e3ee160e', 'cf092995', 'ef55bec6', '5a049a70', 'e94a0102', '3644e515', 'd505accf', '70a08231'],
    ],
    ['multicall3', ['82ad56cb', 'bce38bd7', '174dea71']],
    ['permit2', ['137c29fe', 'fe8ec1a7', '4fe02b44', '3ff9dcb1', '3644e515']],
    ['x402ExactPermit2Proxy', ['13cd3b53', 'fa340378', '6afdd850', '2c03ae6a', '156e2152']],
    ['x402UptoPermit2Proxy', ['ff11e7b4', '016c1748', '6afdd850', '2c03ae6a', '156e2152']],
  ] as const)('keep the selectors of %s that wallets, servers and facilitators call', (name, selectors) => {
    for (const selector of selectors) expect(contracts[name].runtimeBytecode).toContain(`63${selector}`);
  });
});
