import { agents, marketplace, wallets, type Core, type Principal } from '@agentpay/core';
import { ConfigError } from '@agentpay/http';
import { formatDecimal } from '@agentpay/primitives';
import { startFault } from '@agentpay/storage';
import type { Called } from '@agentpay/http/commands';
import { orUnavailable, withStoredCore } from './onStored.js';
import { readStoredConfig } from './storedConfig.js';

/** What `GET /v1/services` finds the demo services by. */
const CATEGORY = 'demo';
const services = [
  { name: 'MarketDataFeed', description: 'Prices of a market, a call each', pricePerCall: 5_000n },
  { name: 'WeatherAPI', description: 'The weather at a place', pricePerCall: 2_000n },
  { name: 'Summarizer', description: 'A text in three sentences', pricePerCall: 10_000n },
];
/** Play money of the demo buyer. */
const FUNDS = 100_000_000n;

/**
 * `agentpay seed`: puts a demo seller with services, and a demo buyer with play money, into the database that the environment names;
 * nothing when it has them. Their keys are printed this once.
 * @returns the exit code
 * @throws ConfigError, outside a sandbox too, or CommandFault when the database cannot be used, with exit code 2
 */
export async function seedCommand({ flags, around: { env, print } }: Called): Promise<number> {
  const work = async () => {
    const config = readStoredConfig(env);
    if (!config.sandbox) throw new ConfigError(['Demo data is for a sandbox: SANDBOX is not true here.']);
    const lines = await withStoredCore(config, seed);
    print(flags['json'] ? JSON.stringify({ ok: true, said: lines }, null, 2) : lines.join('\n'));
    return 0;
  };
  return orUnavailable(work, (error) => `No demo data: ${startFault(error)}`);
}

async function seed(core: Core): Promise<string[]> {
  const { total } = await marketplace.list(core, { category: CATEGORY, limit: 1 });
  if (total > 0) return ['The demo data is there already.'];
  const [seller, buyer] = [
    await agents.create(core, { name: 'Demo seller' }),
    await agents.create(core, { name: 'Demo buyer' }),
  ];
  const [sells, buys] = [asItself(seller.agent.id), asItself(buyer.agent.id)];
  await wallets.fund(core, {
    principal: buys,
    walletId: buyer.wallet.id,
    amount: FUNDS,
    source: wallets.TEST_FAUCET,
  });
  const lines = [
    `Demo seller  ${seller.agent.id}  key ${seller.apiKey}`,
    `Demo buyer   ${buyer.agent.id}  key ${buyer.apiKey}  wallet ${buyer.wallet.id} with $${formatDecimal(FUNDS)}`,
  ];
  for (const details of services) {
    const { id, name, price } = await marketplace.register(core, {
      principal: sells,
      category: CATEGORY,
      ...details,
    });
    lines.push(`Service      ${id}  ${name}  $${formatDecimal(price)} a call`);
  }
  return lines;
}

function asItself(id: string): Principal {
  return { party: { id, kind: 'agent' }, scopes: [], credentialId: 'seed' };
}
