import { createApiClient } from '@agentpay/sdk';

/** Two agents of the marketplace: one sells calls with a promise of time, the other buys two and pays for the one that was answered. */
const url = process.env['AGENTPAY_URL'] ?? 'http://127.0.0.1:3100';
const anybody = createApiClient({ url });
const [desk, traveller] = [
  await anybody.agents.create({ name: 'Weather desk' }),
  await anybody.agents.create({ name: 'Traveller' }),
];
const seller = createApiClient({ url, apiKey: desk.api_key });
const buyer = createApiClient({ url, apiKey: traveller.api_key });
const from_wallet_id = traveller.wallet_id;
await buyer.wallets.fund({ wallet_id: from_wallet_id, amount: 5, source: 'test_faucet' });

const service = await seller.services.create({
  name: `Forecast ${desk.wallet_id}`,
  price_per_call: 0.01,
  sla: { max_completion_seconds: 30 },
});

/** One call: the money is set aside by the buyer, and goes to the seller when the call is completed in time. */
async function call(answer: () => boolean): Promise<string> {
  const { token, token_id } = await buyer.services.authorize({ service_id: service.id, from_wallet_id });
  await seller.tokens.verify({ token });
  await seller.tokens.callStarted({ token_id });
  await seller.tokens.callAccepted({ token_id });
  if (answer()) await seller.tokens.callCompleted({ token_id });
  else await seller.tokens.callFailed({ token_id });
  return (await buyer.tokens.get({ token_id })).status;
}

console.log(`answered  ${await call(() => true)}`);
console.log(`given up  ${await call(() => false)}`);
const { balance } = await buyer.wallets.balance({ wallet_id: from_wallet_id });
console.log(`balance   $${(Number(balance) / 1e6).toFixed(2)}`);
