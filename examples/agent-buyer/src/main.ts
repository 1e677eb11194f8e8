import { PaymentError, createClient, paymentOf } from '@agentpay/sdk';
import { formatUnits } from 'viem';

const { SELLER_URL, PRIVATE_KEY, AGENTPAY_API_URL, AGENTPAY_API_KEY, AGENTPAY_WALLET_ID } = process.env;

async function main(): Promise<void> {
  if (!SELLER_URL)
    throw new Error('Set SELLER_URL to what is to be bought, such as http://127.0.0.1:3101/paid.');
  const wallet = AGENTPAY_API_URL && AGENTPAY_API_KEY && AGENTPAY_WALLET_ID;
  const client = createClient({
    ...(PRIVATE_KEY && { privateKey: PRIVATE_KEY as `0x${string}` }),
    ...(wallet && {
      agentpay: { url: AGENTPAY_API_URL, apiKey: AGENTPAY_API_KEY, walletId: AGENTPAY_WALLET_ID },
    }),
    budget: { perRequest: '$0.10', total: '$0.10' },
  });

  const response = await client.fetch(SELLER_URL);
  const payment = paymentOf(response);
  console.log(`status       ${response.status}`);
  console.log(`dialect      ${payment?.dialect ?? 'not paid'}`);
  if (payment) console.log(`price        $${formatUnits(payment.amount, 6)}`);
  if (payment) console.log(`transaction  ${payment.transaction ?? payment.tokenId ?? 'no receipt'}`);
  console.log(`answer       ${await response.text()}`);
  if (!response.ok) process.exitCode = 1;
}

main().catch((error: unknown) => {
  const { message } = error as Error;
  console.error(error instanceof PaymentError ? `${error.kind}: ${message} ${error.hint}` : message);
  process.exitCode = 1;
});
