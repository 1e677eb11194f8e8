import { devPackage } from './devCommand.js';

it('the package of agentpay dev is found where it is installed, and absent where it is not', () => {
  const installed = new URL('../../../package.json', import.meta.url).href;
  expect(devPackage(['/package.json', installed])).toMatch(/packages\/dev\/dist\/index\.js$/);
  expect(devPackage(['/package.json'])).toBeUndefined();
});
