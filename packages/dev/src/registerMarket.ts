import { createHmac } from 'node:crypto';
import { formatDecimal, unixSeconds, type Clock } from '@agentpay/primitives';
import { createApiClient, type ApiClient } from '@agentpay/sdk';
import { DevFault } from './DevFault.js';
import type { StackDeveloper, StackState } from './DataDir.js';

/** What the gateway has at least at each start, and what it is given when it has less, in micro-units. */
const GATEWAY_LEAST = 2_000_000_000n;
const GATEWAY_FUNDS = 5_000_000_000n;
/** What the developer has earned at least. */
const EARNED_LEAST = 200_000_000n;
/** What the developer owes at least, and has paid. */
const OPEN_INVOICES = ['12.00', '30.00'];
const PAID_INVOICE = '5.00';
const QUOTA = '1000.00';
const WAIT_SECONDS = 25;

/** The agents of the example developer; both are answered by the example seller. */
const agents = [
  {
    name: 'DataBot',
    description: 'Reads what it is given and says what matters.',
    category: 'analytics',
    methods: [
      { name: 'summarize', price_usdc: '0.01' },
      { name: 'audit', price_usdc: '250.00' },
    ],
  },
  {
    name: 'Translator',
    description: 'Says it in another language.',
    category: 'language',
    methods: [{ name: 'translate', price_usdc: '0.02' }],
  },
];

interface MarketOptions {
  readonly apiUrl: string;
  /** Where the agents are called. */
  readonly agentUrl: string;
  readonly clock: Clock;
}

const clientOf = (state: StackState, url: string): ApiClient =>
  createApiClient({
    url,
    adminKey: state.adminKey,
    keys: { gateway: state.gatewayKey, ...(state.developer && { developer: state.developer.key }) },
  });

/** Makes a developer with two agents that can be called, unless the folder knows them, and sees that the gateway has money and quotas. */
export async function registerMarket(state: StackState, options: MarketOptions): Promise<StackDeveloper> {
  const developer = state.developer ?? (await registerDeveloper(state, options));
  const { gateway } = clientOf(state, options.apiUrl);
  const { available_usdc: available } = await gateway.gateways.balance();
  if (available < GATEWAY_LEAST) await fundGateway(state, options);
  const { tools } = await gateway.gateways.tools();
  for (const agent_id of developer.listings.filter((id) => !tools.some((tool) => tool.agent_id === id)))
    await gateway.gateways.provision({ agent_id, quota_usdc: QUOTA });
  await invoice({ ...state, developer }, options);
  return developer;
}

/** Sees that the developer has invoices to pay, and a receipt of one that was paid. */
async function invoice(
  state: StackState & { readonly developer: StackDeveloper },
  { apiUrl }: MarketOptions,
): Promise<void> {
  const { gateway } = clientOf(state, apiUrl);
  const { developerId: developer_id } = state.developer;
  const make = (amount_usdc: string, description: string) =>
    gateway.invoices.create({ developer_id, amount_usdc, description });
  const { total: open } = await gateway.invoices.list({ status: 'open' });
  for (const amount of OPEN_INVOICES.slice(open)) await make(amount, 'Support');
  const { total: paid } = await gateway.invoices.list({ status: 'paid' });
  if (paid > 0) return;
  const { invoice_id } = await make(PAID_INVOICE, 'Set-up');
  await gateway.invoices.markPaid({ invoice_id, note: 'paid via ACH' });
}

async function registerDeveloper(
  state: StackState,
  { apiUrl, agentUrl }: MarketOptions,
): Promise<StackDeveloper> {
  const registered = await clientOf(state, apiUrl).gateway.developers.register({
    email: 'dev@example.com',
    name: 'Dev Co',
  });
  const { developer_id: developerId, developer_key: key } = registered;
  if (key === undefined) throw new DevFault('The API did not approve the example developer.');
  const { gateway } = clientOf({ ...state, developer: { developerId, key, listings: [] } }, apiUrl);
  const listings: string[] = [];
  for (const agent of agents) {
    const { agent_id } = await gateway.listings.create({ ...agent, endpoint_url: agentUrl });
    await gateway.listings.approve({ agent_id });
    listings.push(agent_id);
  }
  return { developerId, key, listings };
}

/** Asks for money by card, and says in the place of Stripe that it came. */
async function fundGateway(state: StackState, { apiUrl, clock }: MarketOptions): Promise<void> {
  const funding = await clientOf(state, apiUrl).gateway.fundings.create({
    amount_usdc: formatDecimal(GATEWAY_FUNDS),
    source: 'stripe',
  });
  const object = {
    amount: Number(GATEWAY_FUNDS / 10_000n),
    currency: 'usd',
    metadata: { funding_id: funding.funding_id },
  };
  const body = JSON.stringify({
    id: `evt_${funding.funding_id}`,
    type: 'charge.succeeded',
    data: { object },
  });
  const time = unixSeconds(clock);
  const signature = createHmac('sha256', state.stripeWebhookSecret).update(`${time}.${body}`).digest('hex');
  const response = await fetch(`${apiUrl}/stripe/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'stripe-signature': `t=${time},v1=${signature}` },
    body,
  });
  if (!response.ok) throw new DevFault(`The API did not take the event of the card: ${response.status}.`);
}

/** Has the gateway call the developer's dearest method, unless the developer has earned enough. */
export async function earn(
  state: StackState & { readonly developer: StackDeveloper },
  apiUrl: string,
): Promise<void> {
  const { gateway } = clientOf(state, apiUrl);
  const { available_usdc: available, total_usdc: ofMonth } = await gateway.developers.earnings();
  if (available >= EARNED_LEAST && ofMonth >= EARNED_LEAST) return;
  const [agent_id = ''] = state.developer.listings;
  const { call_id } = await gateway.calls.create({ agent_id, input: { task: 'audit' } });
  const { status, failure } = await gateway.calls.get({ call_id, wait: WAIT_SECONDS });
  if (status !== 'completed') throw new DevFault(`The call of the example agent is ${status}: ${failure}.`);
}

/** What the treasury was given is the platform's own money, and booked as such. */
export async function adoptTreasury(
  { adminKey }: Pick<StackState, 'adminKey'>,
  apiUrl: string,
): Promise<void> {
  await createApiClient({ url: apiUrl, adminKey }).gateway.admin.adopt({});
}
