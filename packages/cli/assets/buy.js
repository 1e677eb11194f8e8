import { createClient, paymentOf } from '@agentpay/sdk';

const { PRIVATE_KEY, SELLER_URL, MAX_PRICE, NETWORK } = process.env;

const client = createClient({
  privateKey: PRIVATE_KEY,
  budget: { perRequest: MAX_PRICE, total: '$1' },
  allow: { networks: [NETWORK] },
});

try {
  const response = await client.fetch(SELLER_URL);
  console.log(response.status, await response.text());
  const payment = paymentOf(response);
  if (payment)
    console.log(`paid ${payment.amount} base units to ${payment.payTo}, transaction ${payment.transaction}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
