import { ADMIN_KEY, closeBalanced, testApi, type TestApi } from '../families/testApi.js';
import { curlShell } from './curl.js';

/**
 * The lines of the API documentation about organizations, billing and administration, in its order, but for who has to be there first.
 */
let api: TestApi;
const variables: Record<string, string> = { ADMIN_KEY };

beforeAll(async () => {
  api = await testApi({ SANDBOX_AUTO_APPROVE: 'true' });
  variables['BASE'] = api.url;
  const made = await post('/developers/register', '', '{"email":"dev@example.com","name":"Dev Co"}');
  keep('DEV_KEY', made['developer_key']);
  for (const name of ['AGENT_A', 'AGENT_B']) {
    const body = '{"name":"DataBot","category":"analytics"}';
    keep(name, (await post('/marketplace/agents', DEVELOPER, body))['agent_id']);
    await post(`/admin/marketplace/agents/$${name}/approve`, ADMIN, '{}');
  }
});

afterAll(() => closeBalanced(api));

const DEVELOPER = '-H "X-Developer-Key: $DEV_KEY"';
const ADMIN = '-H "X-Admin-Key: $ADMIN_KEY"';

const { curl, keep, post, get } = curlShell(variables);
const remove = (path: string) => curl(`curl -X DELETE $BASE${path} \\\n  ${DEVELOPER}`);
const id = (prefix: string) => expect.stringMatching(new RegExp(`^${prefix}[0-9a-z]{26}$`));

it('subscribes to seats of a plan, and has an invoice that is marked paid', async () => {
  const made = await post('/subscriptions', DEVELOPER, '{"plan":"pro","seat_count":5}');
  expect(made).toMatchObject({ subscription_id: id('sub_'), status: 'active' });
  expect(await get('/subscriptions', DEVELOPER)).toMatchObject({
    subscriptions: [{ id: made['subscription_id'], status: 'active' }],
  });
  const { invoices } = (await get('/invoices', DEVELOPER)) as { invoices: { id: string }[] };
  expect(invoices).toMatchObject([{ id: id('inv_'), status: 'open', amount_usdc: '145.00' }]);
  keep('INVOICE', invoices[0]?.id);
  expect(await post('/invoices/$INVOICE/mark-paid', ADMIN, '{"note":"paid via ACH"}')).toMatchObject({
    status: 'paid',
  });
  keep('SUBSCRIPTION', made['subscription_id']);
  expect(await remove('/subscriptions/$SUBSCRIPTION')).toEqual({ status: 'canceled' });
  expect(await get('/subscriptions', DEVELOPER)).toEqual({ subscriptions: [], total: 0 });
  expect(await get('/subscriptions?status=canceled', DEVELOPER)).toMatchObject({
    subscriptions: [{ id: variables['SUBSCRIPTION'], status: 'canceled' }],
  });
});

it('makes an organization with members, contracts and purchase orders', async () => {
  const { org_id } = await post('/orgs', DEVELOPER, '{"name":"Acme Labs"}');
  keep('ORG', org_id);
  expect(await get('/orgs', DEVELOPER)).toMatchObject({ orgs: [{ id: org_id, name: 'Acme Labs' }] });
  expect(await get('/orgs/$ORG', DEVELOPER)).toMatchObject({ id: org_id, members: 1 });
  const invited = await post('/orgs/$ORG/members', DEVELOPER, '{"email":"dev@example.com","role":"admin"}');
  expect(invited).toMatchObject({
    status: 'invited',
    invite_url: expect.stringContaining('/orgs/invitations?token=mem_'),
  });
  keep('MEMBER', invited['member_id']);
  expect(await remove('/orgs/$ORG/members/$MEMBER')).toEqual({ status: 'removed' });
  const contract = await post('/orgs/$ORG/contracts', DEVELOPER, '{"title":"SLA 99.9%","terms":"..."}');
  expect(contract).toEqual({ contract_id: id('ct_'), status: 'draft' });
  expect(await get('/orgs/$ORG/contracts', DEVELOPER)).toMatchObject({
    contracts: [{ id: contract['contract_id'], status: 'draft' }],
  });
  const order = await post(
    '/orgs/$ORG/purchase-orders',
    DEVELOPER,
    '{"amount_usdc":"1000.00","memo":"Q2 credits"}',
  );
  expect(order).toEqual({ po_id: id('po_'), status: 'open' });
  expect(await get('/orgs/$ORG/purchase-orders', DEVELOPER)).toMatchObject({
    purchase_orders: [{ id: order['po_id'], status: 'open' }],
  });
});

it('foretells usage, watches a budget, and has a private marketplace and a policy', async () => {
  expect(await get('/usage/forecast', DEVELOPER)).toMatchObject({ next_30_days_usdc: '0.00' });
  const alert = await post('/alerts', DEVELOPER, '{"type":"budget","threshold_usdc":"100.00"}');
  expect(alert).toEqual({ alert_id: id('al_'), status: 'active' });
  expect(await get('/alerts', DEVELOPER)).toMatchObject({
    alerts: [{ id: alert['alert_id'], type: 'budget' }],
  });
  keep('ALERT', alert['alert_id']);
  expect(await remove('/alerts/$ALERT')).toEqual({ status: 'deleted' });
  const { marketplace_id } = await post(
    '/orgs/$ORG/private-marketplaces',
    DEVELOPER,
    '{"name":"Acme Internal"}',
  );
  keep('PM', marketplace_id);
  expect(await get('/orgs/$ORG/private-marketplaces', DEVELOPER)).toMatchObject({
    private_marketplaces: [{ id: id('pm_') }],
  });
  const agents = '/orgs/$ORG/private-marketplaces/$PM/agents';
  expect(await post(agents, DEVELOPER, `{"agent_id":"${variables['AGENT_A']}"}`)).toEqual({
    status: 'added',
  });
  expect(await get(agents, DEVELOPER)).toEqual({ agents: [{ id: variables['AGENT_A'], name: 'DataBot' }] });
  const policy = await post(
    '/orgs/$ORG/policies',
    DEVELOPER,
    '{"name":"Budget Cap","rules":{"monthly_usdc":"500"}}',
  );
  expect(policy).toEqual({ policy_id: id('pol_'), status: 'active' });
  expect(await get('/orgs/$ORG/policies', DEVELOPER)).toMatchObject({
    policies: [{ id: policy['policy_id'], name: 'Budget Cap', rules: { monthly_usdc: '500.00' } }],
  });
});

it('disputes an invoice, is told of events, and reads receipts', async () => {
  expect(
    await post('/disputes', DEVELOPER, `{"invoice_id":"${variables['INVOICE']}","reason":"overcharge"}`),
  ).toEqual({
    dispute_id: id('dp_'),
    status: 'open',
  });
  const { disputes } = (await get('/disputes', DEVELOPER)) as { disputes: { id: string }[] };
  keep('DISPUTE', disputes[0]?.id);
  expect(await get('/admin/disputes', ADMIN)).toMatchObject({
    disputes: [{ id: disputes[0]?.id, status: 'open' }],
  });
  expect(await post('/disputes/$DISPUTE/resolve', ADMIN, '{"resolution":"approved"}')).toEqual({
    status: 'resolved',
  });
  const hook = await post(
    '/webhooks',
    DEVELOPER,
    '{"url":"https://example.com/hook","events":["invoice.paid"]}',
  );
  expect(hook).toMatchObject({ webhook_id: id('wh_'), status: 'active' });
  keep('WEBHOOK', hook['webhook_id']);
  expect(await get('/webhooks', DEVELOPER)).toMatchObject({
    webhooks: [{ url: 'https://example.com/hook' }],
  });
  expect(await remove('/webhooks/$WEBHOOK')).toEqual({ status: 'deleted' });
  const { receipts } = (await get('/receipts', DEVELOPER)) as { receipts: { id: string }[] };
  expect(receipts).toMatchObject([{ id: id('rcpt_'), amount_usdc: '145.00' }]);
  keep('RECEIPT', receipts[0]?.id);
  expect(await get('/receipts/$RECEIPT', DEVELOPER)).toMatchObject({ line_items: [{ amount: '145.00' }] });
});

it('an organization with a grant subscribes to a bundle, whose developers earn by it', async () => {
  const { AGENT_A, AGENT_B, ORG } = variables;
  expect(await post('/admin/grants', ADMIN, `{"org_id":"${ORG}","amount_usdc":"500.00"}`)).toEqual({
    grant_id: id('gr_'),
    status: 'issued',
  });
  const bundle = await post(
    '/bundles',
    DEVELOPER,
    `{"name":"Starter","agent_ids":["${AGENT_A}","${AGENT_B}"]}`,
  );
  expect(bundle).toEqual({ bundle_id: id('bndl_'), status: 'active' });
  keep('BUNDLE', bundle['bundle_id']);
  expect(await get('/bundles')).toMatchObject({ bundles: [{ id: bundle['bundle_id'], name: 'Starter' }] });
  expect(await get('/bundles/$BUNDLE')).toMatchObject({ agents: [AGENT_A, AGENT_B], price_usdc: '20.00' });
  const made = await post('/bundles/$BUNDLE/subscribe', DEVELOPER, `{"org_id":"${ORG}","plan":"monthly"}`);
  expect(made).toMatchObject({ subscription_id: id('sub_bndl_'), status: 'active' });
  keep('BILL', made['invoice_id']);
  expect(await post('/invoices/$BILL/pay', DEVELOPER, '{}')).toEqual({ status: 'paid' });
  expect(await get('/developers/earnings', DEVELOPER)).toMatchObject({ total_usdc: '19.00' });
  expect(await get('/orgs/$ORG', DEVELOPER)).toMatchObject({ available_usdc: '480.00' });
});

it('the operator reads wallets and figures, and runs the tools', async () => {
  expect(await get('/admin/tools', ADMIN)).toEqual({ tools: ['reconcile', 'replay', 'adopt'] });
  expect(await post('/admin/tools/reconcile', ADMIN, '{}')).toMatchObject({
    status: 'completed',
    report: { journals: expect.any(Number), differences: 0, broken_chains: 0 },
    findings: [],
  });
  expect(await post('/admin/tools/replay', ADMIN, '{}')).toMatchObject({
    status: 'completed',
    report: { deliveries: 0 },
  });
  const { wallets } = (await get('/admin/wallets', ADMIN)) as { wallets: { balance_usdc: string }[] };
  expect(wallets.map(({ balance_usdc }) => balance_usdc).sort()).toEqual(['164.00', '480.00']);
  expect(await get('/admin/stats', ADMIN)).toMatchObject({ active_orgs: 1, monthly_usdc: '20.00' });
  expect(await get('/admin/reliability', ADMIN)).toEqual({ uptime: '100%', p95_ms: 0, calls: 0 });
});

it('everything that the operator did stands in the audit log', async () => {
  const { entries } = (await get('/v1/admin/audit-log?limit=100', ADMIN)) as { entries: { act: string }[] };
  const acts = new Set(entries.map(({ act }) => act));
  for (const act of ['invoice.mark_paid', 'dispute.refund', 'org.grant', 'tool.reconcile', 'tool.replay'])
    expect(acts).toContain(act);
});

it('pages are JSON with html unless HTML is asked for', async () => {
  expect(await get('/health')).toMatchObject({ status: 'ok' });
  for (const [path, headers, shown] of [
    ['/storefront', '', 'DataBot'],
    ['/docs', '', 'href="/docs/api"'],
    ['/dashboard.html', DEVELOPER, 'Acme Labs'],
  ] as const)
    expect((await get(path, headers))['html']).toContain(shown);
  const page = await api.http.get('/storefront').set('accept', 'text/html').expect(200);
  expect(page.headers['content-type']).toMatch(/^text\/html/);
});
