import { createApiClient } from '@agentpay/sdk';
import { openBed, script, type Bed, type Measured } from './bed.js';
import { load, type Prepared } from './load.js';
import { expectStatus, failures, SECONDS } from './scenarios.js';
import { figure, markdownTable } from './table.js';

const PRICE = '0.001';
const sellerMain = script('examples/paid-api/dist/main.js');
const ROUND_SECONDS = 0.4 * SECONDS;
/** Tokens that a round may use up in a second, by how many requests there are at once. */
const SUPPLY = { 1: 60, 16: 200 };

/** Payment tokens: their whole lives over HTTP, and requests that are paid by them through a paywall. */
export async function tokens(): Promise<string> {
  const bed = await openBed(1);
  try {
    const api = await bed.start(script('packages/server/dist/bin.js'), ['serve'], {
      DATA_DIR: bed.folder(),
      LOG_LEVEL: 'warn',
    });
    const market = await openMarket(api);
    return `${await lives(market)}\n\n${await paidByToken(bed, api, market)}`;
  } finally {
    await bed.close();
  }
}

type Market = Awaited<ReturnType<typeof openMarket>>;

/** A buyer with money and a seller with a service. */
async function openMarket({ url }: Measured) {
  const anybody = createApiClient({ url });
  const [buyer, seller] = [
    await anybody.agents.create({ name: 'Buyer' }),
    await anybody.agents.create({ name: 'Seller' }),
  ];
  const [consumer, provider] = [
    createApiClient({ url, apiKey: buyer.api_key }),
    createApiClient({ url, apiKey: seller.api_key }),
  ];
  await consumer.wallets.fund({ wallet_id: buyer.wallet_id, amount: 1000, source: 'test_faucet' });
  const service = await provider.services.create({ name: 'Bench', price_per_call: PRICE });
  const authorize = () =>
    consumer.services.authorize({ service_id: service.id, from_wallet_id: buyer.wallet_id });
  return { provider, authorize, service: service.id, sellerKey: seller.api_key };
}

/** Authorize, verify, started, accepted, completed. */
async function lives({ provider, authorize }: Market): Promise<string> {
  const live = async () => {
    const { token, token_id } = await authorize();
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
      for (; performance.now() - began < ROUND_SECONDS * 1000; done++) await live();
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
    const seconds = (performance.now() - began) / 1000;
    rows.push([
      String(concurrency),
      figure(done / seconds, 1),
      figure((seconds * 1000 * concurrency) / done, 1),
    ]);
  }
  return markdownTable(['token life (5 calls), embedded database, c', 'lives/s', 'ms each'], rows);
}

/** Requests with tokens that were authorized beforehand: the paywall redeems, reports and settles each. */
async function paidByToken(
  bed: Bed,
  api: Measured,
  { authorize, service, sellerKey }: Market,
): Promise<string> {
  const account = { AGENTPAY_API_URL: api.url, AGENTPAY_API_KEY: sellerKey, AGENTPAY_SERVICE_ID: service };
  const seller = await bed.start(sellerMain, [], { ...account, PAY_TO: bed.payTo, PRICE: `$${PRICE}` });
  const rows: string[][] = [];
  for (const concurrency of [1, 16] as const) {
    const supply: Prepared[] = [];
    for (let i = 0; i < SUPPLY[concurrency] * ROUND_SECONDS; i++) {
      supply.push({
        path: '/paid',
        method: 'GET',
        headers: { 'x-payment-token': (await authorize()).token },
      });
    }
    const options = {
      next: () => supply.pop(),
      concurrency,
      seconds: ROUND_SECONDS,
      judge: expectStatus(200),
    };
    const result = await load({ ...seller, ...options });
    rows.push([
      String(concurrency),
      figure(result.perSecond, 1),
      figure(result.p50, 1),
      figure(result.p99, 1),
      failures(result),
    ]);
  }
  return markdownTable(
    ['requests paid by token, paywall + API, embedded database, c', 'ok/s', 'p50 ms', 'p99 ms', 'failed'],
    rows,
  );
}
