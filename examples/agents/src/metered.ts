import { createApiClient } from '@agentpay/sdk';

/** A metered agreement: the money is set aside once, usage is counted against it, and what was not used comes back. */
const url = process.env['AGENTPAY_URL'] ?? 'http://127.0.0.1:3100';
const anybody = createApiClient({ url });
const [desk, traveller] = [
  await anybody.agents.create({ name: 'Weather desk' }),
  await anybody.agents.create({ name: 'Traveller' }),
];
const seller = createApiClient({ url, apiKey: desk.api_key });
const buyer = createApiClient({ url, apiKey: traveller.api_key });
await buyer.wallets.fund({ wallet_id: traveller.wallet_id, amount: 5, source: 'test_faucet' });
const service = await seller.services.create({ name: `Forecast ${desk.wallet_id}`, price_per_call: 0.01 });

const { agreement_id } = await buyer.agreements.agreements.create({
  service_id: service.id,
  terms: { cap: '0.50' },
});
await seller.agreements.agreements.accept({ agreement_id });
await buyer.agreements.agreements.activate({ agreement_id });
const usage = (units: number, event_id: string) =>
  seller.agreements.agreements.recordUsage({ agreement_id, units, event_id });
await usage(3, 'batch-1');
await usage(3, 'batch-1'); // sent twice, counted once
await usage(2, 'batch-2');
const escrow = await buyer.agreements.agreements.escrowStatus({ agreement_id });
console.log(`used      ${dollars(escrow.used)}, left ${dollars(escrow.remaining)}`);
const { status } = await buyer.agreements.agreements.complete({ agreement_id });
console.log(`status    ${status}`);

function dollars(microUnits: bigint): string {
  return `$${(Number(microUnits) / 1e6).toFixed(2)}`;
}
