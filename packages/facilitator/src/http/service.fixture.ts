import { createLogger } from '@agentpay/http';
import { systemClock, systemRandom, type Db } from '@agentpay/primitives';
import { memoryRateLimiter } from '@agentpay/tracker';
import { createFeeGauge, type Chain } from '@agentpay/evm';
import type { RequestListener } from 'node:http';
import { newApiKey, parseApiKeys, type ApiKey } from '../operations/ApiKey.js';
import { createApp } from './app.js';
import { catalogue, type Catalogue } from '../extensions/Catalogue.js';
import type { Ownership } from '../extensions/ownership.js';
import type { RunningFacilitator } from '../engine/Facilitator.js';
import { createAccess } from './access.js';
import { createMetrics, measuredChain } from '../operations/Metrics.js';
import { gasPayer, network, openBed, type Bed } from '../engine/payment.fixture.js';
import { paymentIdentifiers } from '../extensions/PaymentIdentifiers.js';
import { createReadiness, type Readiness } from '../operations/Readiness.js';
import { settlementBook } from '../operations/SettlementBook.js';

export const METRICS_TOKEN = 'metrics-token-0123456789-0123456789';

const made = {
  shop: newApiKey('shop', ['verify', 'settle'], systemRandom),
  reader: newApiKey('reader', ['verify'], systemRandom),
  boss: newApiKey('boss', ['admin'], systemRandom),
};
export type KeyName = keyof typeof made;

/** The header by which the holder of a key calls. */
export const as = (name: KeyName): string => `Bearer ${made[name].text}`;
export const keyTexts = Object.values(made).map(({ text }) => text);

/** Limits do not refill while a test runs, however slow the machine. */
const stillClock = { ...systemClock, now: () => 1_700_000_000_000 };

/** A facilitator with every part of the service, on a simulated chain. */
export interface ServiceBed extends Bed {
  readonly app: RequestListener;
  readonly facilitator: RunningFacilitator;
  readonly readiness: Readiness;
  readonly listings: Catalogue;
  /** What resources say of themselves, by URL; the others are their payee's own. */
  readonly owners: Map<string, Ownership>;
  logged(): string;
}

export interface ServiceOptions {
  readonly keys?: readonly KeyName[];
  readonly rate?: { readonly perMinute: number; readonly burst: number };
  readonly trustProxyHops?: number;
  readonly repairEveryMs?: number;
  /** Another view of the bed's chain. */
  readonly chain?: Chain;
}

export async function openService(db: Db, options: ServiceOptions = {}): Promise<ServiceBed> {
  const { keys = ['boss'], rate, repairEveryMs = 20 } = options;
  const clock = systemClock;
  const bed = await openBed(db);
  await db.exec('truncate facilitator_gas, facilitator_payment_ids, facilitator_resources cascade');
  let logged = '';
  const log = createLogger('info', {
    write: (line: string) => ((logged += line), true),
  } as NodeJS.WritableStream);
  const book = settlementBook(db, { clock, network });
  const metrics = createMetrics({
    balances: () => readiness.balances(),
    fees: { asked: () => fees.asked() },
    queue: book.queue,
  });
  const chain = measuredChain(options.chain ?? bed.chain, clock, metrics);
  const fees = createFeeGauge({ chain, clock, maxFeePerGas: 3_000_000_000n });
  const limits = { minSignerBalance: 10n ** 14n, maxQueueAgeSeconds: 120 };
  const readiness = createReadiness({
    db,
    chain,
    clock,
    network,
    signers: [gasPayer.address],
    fees,
    queue: book.queue,
    ...limits,
  });
  const facilitator = await bed.start({
    chain,
    fees,
    repairEveryMs,
    onTransaction(mined) {
      metrics.mined(mined);
      void book.mined(mined);
    },
  });
  const held = parseApiKeys(keys.map((name) => made[name].entry)) as readonly ApiKey[];
  const owners = new Map<string, Ownership>();
  const listings = catalogue({ db, clock, ask: async ({ url }) => owners.get(url) ?? 'own' });
  const app = createApp({
    facilitator,
    clock,
    log,
    book,
    metrics,
    readiness,
    random: systemRandom,
    metricsToken: METRICS_TOKEN,
    access: createAccess({
      keys: held,
      limiter: memoryRateLimiter(stillClock),
      rate,
      trustProxyHops: options.trustProxyHops,
    }),
    catalogue: listings,
    identifiers: paymentIdentifiers(db, clock),
  });
  return { ...bed, app, facilitator, readiness, listings, owners, logged: () => logged };
}
