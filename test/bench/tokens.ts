import { createApiClient } from '@agentpay/sdk';
import { openBed, script } from './bed.js';
import { figure, markdownTable } from './table.js';

const SECONDS = 3;

/** Whole lives of payment tokens over HTTP: authorize, verify, started, accepted, completed. */
export async function tokens(): Promise<string> {
  const bed = await openBed(1);
  try {
    const { url } = await bed.start(script('packages/server/dist/bin.js'), ['serve'], { DATA_DIR: bed.folder(), LOG_LEVEL: 'warn' });
    const anybody = createApiClient({ url });
    const [buyer, seller] = [await anybody.agents.create({ name: 'Buyer' }), await anybody.agents.create({ name: 'Seller' })];
    const [consumer, provider] = [createApiClient({ url, apiKey: buyer.api_key }), createApiClient({ url, apiKey: seller.api_key })];
    await consumer.wallets.fund({ wallet_id: buyer.wallet_id, amount: 1000, source: 'test_faucet' });
    const service = await provider.services.create({ name: 'Bench', price_per_call: '0.001' });
    const cycle = async () => {
      const { token, token_id } = await consumer.services.authorize({ service_id: service.id, from_wallet_id: buyer.wallet_id });
      await provider.tokens.verify({ token });
      await provider.tokens.callStarted({ token_id });
      await provider.tokens.callAccepted({ token_id });
      await provider.tokens.callCompleted({ token_id });
    };
    const rows: string[][] = [];
    for (const concurrency of [1, 16]) {
      let done = 0;
      const began = performance.now();
      const worker = async () => {
        for (; performance.now() - began < SECONDS * 1000; done++) await cycle();
      };
      await Promise.all(Array.from({ length: concurrency }, worker));
      const seconds = (performance.now() - began) / 1000;
      rows.push([String(concurrency), figure(done / seconds, 1), figure((seconds * 1000 * concurrency) / done, 1)]);
    }
    return markdownTable(['token life (5 calls), embedded database, c', 'lives/s', 'ms each'], rows);
  } finally {
    await bed.close();
  }
}
