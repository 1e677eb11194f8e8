/// <reference lib="dom" />
import { runtime } from '@agentpay/api';
import type { Page } from 'playwright-core';

interface Holding {
  post(path: string, body: object, headers?: object): Promise<Record<string, string>>;
  /** The key of a developer who is new. */
  developerKey(): Promise<string>;
  readonly adminKey: string;
  /** Of what is made. */
  readonly name: string;
}

/** Gives the tab a key of every area, with something to see by each; and the ids that stand in addresses. */
export async function holdKeys(
  page: Page,
  { post, developerKey, adminKey, name }: Holding,
): Promise<Record<string, string>> {
  const agent = await post('/v1/agents', { name });
  const auth = { authorization: `Bearer ${agent['api_key']}` };
  await post(`/v1/wallets/${agent['wallet_id']}/fund`, { amount: 50, source: 'test_faucet' }, auth);
  const payment = { from_wallet_id: agent['wallet_id'], to_external: name.slice(0, 30), amount: 5 };
  const paid = await post('/v1/payments', { ...payment, currency: 'USD', rail: 'internal' }, auth);
  await post('/v1/services', { name, price_per_call: 0.01 }, auth);
  const bought = await somethingOf(post, agent, auth);
  const gateway = await post('/admin/gateways', { name: 'Gateway' }, { 'x-admin-key': adminKey });
  const developer = await developerKey();
  const { org_id: org } = await post('/orgs', { name }, { 'x-developer-key': developer });
  const plan = { plan: 'pro', seat_count: 1 };
  const { invoice_id: invoice } = await post('/subscriptions', plan, { 'x-developer-key': developer });
  const keys = { agent: agent['api_key'], gateway: gateway['gateway_key'], developer, operator: adminKey };
  await page.evaluate((held) => {
    for (const [area, key] of Object.entries(held))
      sessionStorage.setItem(`agentpay.key.${area}`, key as string);
  }, keys);
  return { ...bought, payment: paid['id'], org, invoice } as Record<string, string>;
}

/** A token, a payout and a disputed payment of an agent. */
async function somethingOf(post: Holding['post'], agent: Record<string, string>, auth: object) {
  const other = await post('/v1/agents', { name: 'Other' });
  const otherAuth = { authorization: `Bearer ${other['api_key']}` };
  const service = await post('/v1/services', { name: 'Of another', price_per_call: 0.01 }, otherAuth);
  const from = { from_wallet_id: agent['wallet_id'] };
  const { token_id: token } = await post(`/v1/services/${service['id']}/authorize`, from, auth);
  const destination = runtime.nouns.payouts.create.example.body;
  const { id: payout } = await post('/v1/payouts', { ...destination, ...from, amount: 1 }, auth);
  const order = { ...from, to_wallet_id: other['wallet_id'], amount: 1 };
  const { id: payment_id } = await post('/v1/payments', order, auth);
  const complaint = { payment_id, reason: 'service_not_delivered' };
  const { id: dispute } = await post('/v1/disputes', complaint, auth);
  return { token, payout, dispute };
}
