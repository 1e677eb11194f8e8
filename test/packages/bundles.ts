import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { x402v2 } from '@agentpay/protocol';
import { baseSepolia } from '@agentpay/primitives';
import { build } from 'esbuild';

/** Bytes of the SDK in one minified file, as a page loads it before compression. */
const MOST_BYTES = 390_000;
/** Of the buying client alone, which carries two families of the API instead of all. */
const MOST_BYTES_TO_BUY = 285_000;

const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const PRIVATE_KEY = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';

/** What browsers, workers and edge runtimes have; nothing of Node. */
const platform = () => ({
  AbortController,
  AbortSignal,
  Blob,
  DOMException,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  atob,
  btoa,
  clearTimeout,
  console,
  crypto: globalThis.crypto,
  queueMicrotask,
  setTimeout,
});

async function bundle(project: string, program: string, conditions: string[]) {
  const entry = join(project, 'entry.js');
  writeFileSync(entry, program);
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    platform: 'browser',
    conditions,
    format: 'iife',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  return { text: outputFiles[0]?.text ?? '', imported };
}

const names = [
  'createClient',
  'createPayingFetch',
  'createApiClient',
  'localAccount',
  'walletAccount',
  'paymentOf',
];
const shop = `import { ${names.join(', ')} } from '@agentpay/sdk'; Object.assign(globalThis, { ${names.join(', ')} });`;
const buyer = "import { createClient } from '@agentpay/sdk'; globalThis.createClient = createClient;";

/** A seller as a fetch. */
async function seller(_: unknown, init: RequestInit): Promise<Response> {
  const proof = new Headers(init.headers).get(x402v2.PAYMENT_SIGNATURE);
  if (proof === null) {
    const { id: network, usdc } = baseSepolia;
    const asked = {
      scheme: 'exact',
      network,
      amount: '10000',
      asset: usdc.address,
      payTo: PAY_TO,
      maxTimeoutSeconds: 300,
      extra: usdc.eip712,
    };
    const required = { x402Version: 2, resource: { url: 'https://shop.test/' }, accepts: [asked] };
    const header = Buffer.from(JSON.stringify(required)).toString('base64');
    return new Response('{}', { status: 402, headers: { 'payment-required': header } });
  }
  const { payer } = {
    payer: (x402v2.decodePaymentPayload(proof).payload as { authorization: { from: string } }).authorization
      .from,
  };
  const settled = { success: true, transaction: `0x${'ab'.repeat(32)}`, network: baseSepolia.id, payer };
  return new Response('goods', { headers: { 'payment-response': x402v2.encodeSettleResponse(settled) } });
}

const runtimes: [string, string[]][] = [
  ['a browser', ['browser']],
  ['a worker', ['workerd', 'worker']],
  ['an edge runtime', ['edge-light']],
];

/** @param projectOf the project in which the package is installed, once it is */
export function describeBundles(projectOf: () => string): void {
  describe.each(runtimes)('the SDK in %s', (_, conditions) => {
    it('is one small file that asks for nothing of Node, and buys', async () => {
      const { text, imported } = await bundle(projectOf(), shop, conditions);
      expect(imported.filter((path) => path.startsWith('node:'))).toEqual([]);
      expect(text).not.toMatch(/\bBuffer\.(from|alloc|concat)|\bprocess\.(env|version)/);
      expect(text.length).toBeLessThan(MOST_BYTES);
      const buying = await bundle(projectOf(), buyer, conditions);
      expect(buying.text.length).toBeLessThan(MOST_BYTES_TO_BUY);
      const world = createContext({ ...platform(), seller, privateKey: PRIVATE_KEY });
      runInContext(text, world);
      const bought: unknown = await runInContext(
        `(async () => {
          const client = createClient({ privateKey, fetch: seller });
          const response = await client.fetch('https://shop.test/');
          return JSON.stringify([response.status, await response.text(), String(paymentOf(response).amount), client.spent().length]);
        })()`,
        world,
      );
      expect(JSON.parse(String(bought))).toEqual([200, 'goods', '10000', 1]);
    });
  });
}
