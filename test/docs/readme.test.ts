import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { eventually, freePort, spawnNode } from '@agentpay/testing';
import { agentpayFacilitator } from '../interop/agentpayFacilitator.js';
import { startInteropStack, type InteropStack } from '../interop/stack.js';
import { codeIn, root } from './codeIn.js';

const readme = readFileSync(root('README.md'), 'utf8');
const [sellerCode = '', buyerCode = ''] = codeIn('README.md');

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
});
afterAll(() => stack?.close());

test('the seller and the buyer of the README trade as written', async () => {
  const port = await freePort();
  const facilitator = await agentpayFacilitator(stack);
  // Inside the workspace, so that the packages resolve.
  const [sellerFile, buyerFile] = [
    root(`test/dist/readme-seller-${port}.js`),
    root(`test/dist/readme-buyer-${port}.js`),
  ];
  writeFileSync(
    sellerFile,
    sellerCode.replace('http://127.0.0.1:3102', facilitator).replace('3000', String(port)),
  );
  writeFileSync(
    buyerFile,
    `${buyerCode.replace('3000', String(port))}\nconsole.log('bought', response.status, await response.text());\n`,
  );
  const seller = spawnNode(sellerFile);
  try {
    await eventually(() => fetch(`http://127.0.0.1:${port}/weather`));
    const buyer = spawnNode(buyerFile, { env: { PRIVATE_KEY: stack.buyerKey } });
    await buyer.line(/^bought 200 {"weather":"sunny"}$/);
  } finally {
    await seller.kill();
    for (const file of [sellerFile, buyerFile]) rmSync(file, { force: true });
  }
});

test('the seller of the README needs ten lines', () => {
  expect(sellerCode.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
});

test('every package and example is on the map, and nothing else is', () => {
  const linked = [...readme.matchAll(/\]\(((?:packages|examples)\/[^)]+)\)/g)].map(
    (match) => match[1] as string,
  );
  for (const path of new Set(linked)) expect(readFileSync(root(`${path}/README.md`), 'utf8')).toMatch(/^# /);
  expect(new Set(linked).size).toBe(25);
});
