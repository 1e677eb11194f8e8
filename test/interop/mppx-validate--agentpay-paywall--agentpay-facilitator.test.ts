import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { paywall } from '@agentpay/paywall';
import { spawned } from '@agentpay/testing';
import express from 'express';
import { z } from 'zod';
import { agentpayPaywall, buyWithAgentpay } from './agentpay.js';
import { agentpayFacilitator } from './agentpayFacilitator.js';
import { buyWithMppx } from './peerClients.js';
import { expectPurchase, PRICE, startInteropStack, type InteropStack } from './stack.js';

let stack: InteropStack;
beforeAll(async () => {
  stack = await startInteropStack();
});
afterAll(() => stack?.close());

const mppx = createRequire(import.meta.url)
  .resolve('mppx')
  .replace(/index\.js$/, 'bin.js');
const redirect = fileURLToPath(new URL('./redirectRpc.js', import.meta.url));

/** Runs mppx's own command line as a process of its own, with the buyer's key and the local chain for its node. */
async function runMppx(...args: string[]): Promise<{ code: number | null; output: string }> {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    MPPX_PRIVATE_KEY: stack.buyerKey,
    LOCAL_RPC_URL: stack.rpcUrl,
  };
  const run = spawned(process.execPath, ['--import', redirect, mppx, ...args], { env });
  const { code } = await run.ended;
  return { code, output: run.output() };
}

async function openShop(): Promise<string> {
  const pay = paywall({
    logger: false,
    payTo: stack.payTo,
    facilitator: await agentpayFacilitator(stack),
    realm: '127.0.0.1',
  });
  const report = z.object({ city: z.string() });
  const app = express();
  app.use(pay.discovery({ app, title: 'Weather' }));
  app.get('/weather', pay.charge('$0.01'), (_req, res) => void res.json({ weather: 'sunny' }));
  app.post(
    '/report',
    pay.charge({ price: '$0.01', schemas: { body: report } }),
    (_req, res) => void res.json({ report: 'sunny' }),
  );
  return stack.serve(app);
}

test('mppx validate passes in full: discovery, challenges, errors, and a payment of each route on the chain', async () => {
  const [url, before] = [await openShop(), await stack.usdc(stack.payTo)];
  const { code, output } = await runMppx('validate', url, '--yes', '--outputJson');
  const { summary, endpoints } = JSON.parse(output.slice(output.indexOf('{\n'), output.lastIndexOf('}') + 1));
  expect(summary).toEqual({ passed: 52, failed: 0, warnings: 0, suggested: 0, skipped: 0 });
  const successful = { label: 'Payment: successful', detail: 'HTTP 200', severity: 'pass' };
  for (const { payment } of endpoints) expect(payment).toContainEqual(successful);
  expect(code).toBe(0);
  expect((await stack.usdc(stack.payTo)) - before).toBe(2n * PRICE);
});

test('mppx discover validate finds nothing to object to', async () => {
  const { code, output } = await runMppx('discover', 'validate', `${await openShop()}/openapi.json`);
  expect(output).not.toMatch(/error|warning/i);
  expect(code).toBe(0);
});

test('mppx and our client pay by authorization where transactions and hashes are taken as well', async () => {
  const accepts = [{ transfers: { rpcUrl: stack.rpcUrl, hashes: true } }];
  const { url, served } = await agentpayPaywall(stack, await agentpayFacilitator(stack), {
    price: '$0.01',
    accepts,
  });
  await expectPurchase(stack, served, () => buyWithMppx(stack, url));
  await expectPurchase(stack, served, () => buyWithAgentpay(stack, url, 'mpp'));
});
