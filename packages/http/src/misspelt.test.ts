import { misspeltVariables } from './misspelt.js';

const known = ['NETWORKS', 'RPC_URLS', 'RPC_URL', 'PORT', 'HOST', 'PAYTO', 'DATABASE_URL', 'ALLOW_MAINNET'];

describe('names of variables', () => {
  it.each([
    ['NETWORK', 'NETWORKS'],
    ['networks', 'NETWORKS'],
    ['NETWROKS', 'NETWORKS'],
    ['NETWORKSS', 'NETWORKS'],
    ['PAY_TO', 'PAYTO'],
    ['RPCURLS', 'RPC_URLS'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['ALLOW_MAINET', 'ALLOW_MAINNET'],
    ['Port', 'PORT'],
  ])('%s is told to be %s', (name, meant) => {
    expect(misspeltVariables(known, { [name]: 'x' })).toEqual([
      `${name} is not read by this program; its name for that is ${meant}.`,
    ]);
  });

  it('of other programs are left alone, and so are those beside which the right one is set', () => {
    const others = { PATH: 'x', HOSTNAME: 'x', HOME: 'x', POST: 'x', NODE_ENV: 'x', TZ: 'x', SPORT: 'x' };
    expect(misspeltVariables(known, { ...others, NETWORKS: 'base', NETWORK: 'x', PAY_TO: '' })).toEqual([]);
  });
});
