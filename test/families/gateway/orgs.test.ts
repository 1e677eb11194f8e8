import { policies } from '@agentpay/core';
import { listed } from './listings.calls.js';
import { newOrg } from './orgs.calls.js';
import { newWorld, type RequestHeaders, type World } from '../world.js';

let world: World;

beforeAll(async () => {
  world = await newWorld();
});
afterAll(() => world.api.close());

it('a payment above the budget of the organization is refused, and the organization reads it in the log of its policy', async () => {
  const { api, agent } = world;
  const developer = world.credential('developer');
  const { org_id } = (await newOrg(world)).params;
  await api.composition.core.db.tx((tx) => policies.setOrgs(tx, { partyId: agent.id, orgs: [org_id] }));
  const policy = { name: 'Budget Cap', rules: { monthly_usdc: '10' } };
  const made = await api.http.post(`/orgs/${org_id}/policies`).set(developer).send(policy).expect(200);
  const pay = (amount: number) =>
    api.http
      .post('/v1/payments')
      .set({ ...agent.auth, 'idempotency-key': `pay-${amount}` })
      .send({ from_wallet_id: agent.wallet, to_external: 'seller', amount });
  await pay(6).expect(201);
  const refused = await pay(5).expect(403);
  expect(refused.body).toMatchObject({ code: 'AP-1002', error: { reason: 'org_monthly_limit' } });
  const { body } = await api.http.get(`/orgs/${org_id}/policies/logs`).set(developer).expect(200);
  expect(body).toMatchObject({
    total: 1,
    logs: [
      {
        policy_id: made.body.policy_id,
        action: 'enforced',
        reason: 'org_monthly_limit',
        spender_id: agent.id,
        limit_usdc: '10.00',
        spent_usdc: '6.00',
      },
    ],
  });
});

it('a call above the budget of its organization stands once in the log', async () => {
  const { api } = world;
  const developer = world.credential('developer');
  const { org_id } = (await newOrg(world)).params;
  const policy = { name: 'Budget Cap', rules: { monthly_usdc: '0.001' } };
  await api.http.post(`/orgs/${org_id}/policies`).set(developer).send(policy).expect(200);
  const { body: made } = await api.http
    .post('/admin/gateways')
    .set(world.credential('admin'))
    .send({ name: 'Acme Gateway', org_id })
    .expect(201);
  const gateway = { 'x-gateway-key': made.gateway_key as string };
  const agent_id = await listed(world);
  const quota = { agent_id, quota_usdc: '50.00' };
  await api.http.post('/gateway/provision').set(gateway).send(quota).expect(200);
  const call = { agent_id, input: { task: 'summarize' } };
  const refused = await api.http.post('/gateway/call').set(gateway).send(call).expect(403);
  expect(refused.body.error).toMatchObject({ reason: 'org_monthly_limit' });
  const { body } = await api.http.get(`/orgs/${org_id}/policies/logs`).set(developer).expect(200);
  expect(body).toMatchObject({ total: 1, logs: [{ spender_id: made.gateway_id }] });
});

it('an invitation is a link to a page that says what it offers, and shows names as text', async () => {
  const { api } = world;
  const developer = world.credential('developer');
  const { body: org } = await api.http
    .post('/orgs')
    .set(developer)
    .send({ name: 'A & <b>B</b>' })
    .expect(200);
  const invited = await api.http
    .post(`/orgs/${org.org_id}/members`)
    .set(developer)
    .send({ email: 'dev@example.com', role: 'billing' })
    .expect(200);
  const { pathname, search } = new URL(invited.body.invite_url as string);
  const page = await api.http
    .get(pathname + search)
    .set('accept', 'text/html')
    .expect(200);
  expect(page.headers['content-type']).toMatch(/^text\/html/);
  expect(page.text).toContain('A &amp; &lt;b&gt;B&lt;/b&gt; invites you');
  const json = await api.http.get(pathname + search).expect(200);
  expect(json.body.html).toBe(page.text);
});

it('a private agent is found, read and called by those of an organization that has it, and by nobody else', async () => {
  const { api } = world;
  const [developer, stranger] = [world.credential('developer'), world.foreign('developer')];
  const agent_id = await listed(world, { name: 'Secret', visibility: 'private' });
  const finds = async (headers: RequestHeaders) => {
    const path = 'x-gateway-key' in headers ? '/gateway/discover' : '/marketplace/agents';
    const { body } = await api.http.get(path).query({ q: 'Secret' }).set(headers).expect(200);
    const { status } = await api.http.get(`/marketplace/agents/${agent_id}`).set(headers);
    return [(body.agents as { id: string }[]).map(({ id }) => id), status];
  };
  const [seen, unseen] = [
    [[agent_id], 200],
    [[], 404],
  ];
  const { org_id } = (await newOrg(world)).params;
  const { body: made } = await api.http
    .post('/admin/gateways')
    .set(world.credential('admin'))
    .send({ name: 'Acme Gateway', org_id })
    .expect(201);
  const gateway = { 'x-gateway-key': made.gateway_key as string };
  const quota = { agent_id, quota_usdc: '50.00' };
  const provision = (headers: RequestHeaders) => api.http.post('/gateway/provision').set(headers).send(quota);
  for (const headers of [{}, stranger, gateway]) expect(await finds(headers)).toEqual(unseen);
  await provision(gateway).expect(404);
  expect(await finds(developer)).toEqual(seen);

  const marketplaceOf = async (org: string, headers: RequestHeaders) => {
    const at = `/orgs/${org}/private-marketplaces`;
    const { body } = await api.http.post(at).set(headers).send({ name: 'Internal' }).expect(200);
    return api.http.post(`${at}/${body.marketplace_id}/agents`).set(headers).send({ agent_id });
  };
  const { body: other } = await api.http.post('/orgs').set(stranger).send({ name: 'Other' }).expect(200);
  expect((await marketplaceOf(other.org_id as string, stranger)).status).toBe(404);
  expect((await marketplaceOf(org_id, developer)).status).toBe(200);
  expect(await finds(gateway)).toEqual(seen);
  for (const headers of [{}, stranger, world.credential('gateway')])
    expect(await finds(headers)).toEqual(unseen);
  await provision(gateway).expect(200);
  await provision(world.credential('gateway')).expect(404);

  const invited = await api.http
    .post(`/orgs/${org_id}/members`)
    .set(developer)
    .send({ email: 'dev@example.com', role: 'member' })
    .expect(200);
  const token = new URL(invited.body.invite_url as string).searchParams.get('token');
  await api.http.post('/orgs/invitations/accept').set(stranger).send({ token }).expect(200);
  expect(await finds(stranger)).toEqual(seen);
});

it("the operator's lists show what they are asked for, page by page", async () => {
  const { api } = world;
  const admin = world.credential('admin');
  const { org_id } = (await newOrg(world)).params;
  for (const amount_usdc of ['1.00', '2.00']) {
    // Of two of one moment nobody knows which is the newer.
    api.clock.advance(1_000);
    await api.http.post('/admin/grants').set(admin).send({ org_id, amount_usdc }).expect(200);
  }
  await api.http.post('/admin/gateways').set(admin).send({ name: 'Ours', org_id }).expect(201);
  await api.http.post('/developers/register').send({ email: 'new@example.com', name: 'New' }).expect(200);
  const list = async (path: string, query: object) =>
    (await api.http.get(path).set(admin).query(query).expect(200)).body;
  expect(await list('/admin/grants', { org_id, limit: 1 })).toMatchObject({
    grants: [{ org_id, amount_usdc: '2.00' }],
    total: 2,
  });
  expect(await list('/admin/gateways', { org_id })).toMatchObject({
    gateways: [{ name: 'Ours', org_id, callback_url: null }],
    total: 1,
  });
  expect(await list('/admin/gateways', { org_id, kind: 'address' })).toMatchObject({
    gateways: [],
    total: 0,
  });
  const waiting = { status: 'pending', email: 'new@example.com' };
  expect(await list('/admin/developers', waiting)).toMatchObject({
    developers: [{ name: 'New', ...waiting }],
    total: 1,
  });
  expect(await list('/admin/developers', { ...waiting, status: 'active' })).toMatchObject({ total: 0 });
});

it('an invoice and its receipt are PDF documents that say what they are for, to their customer alone', async () => {
  const { api } = world;
  const [admin, developer] = [world.credential('admin'), world.credential('developer')];
  const { body: profile } = await api.http.get('/developers/profile').set(developer).expect(200);
  const asked = { developer_id: profile.id, amount_usdc: '1234.5', description: 'Café für 北京 – 3 €' };
  const { body: made } = await api.http.post('/admin/invoices').set(admin).send(asked).expect(201);
  const textOf = async (path: string) => {
    const response = await api.http.get(path).set(developer).responseType('blob').expect(200);
    expect(response.headers['content-type']).toBe('application/pdf');
    expect((response.body as Buffer).subarray(0, 5).toString()).toBe('%PDF-');
    return shownIn(response.body as Buffer);
  };
  const path = `/invoices/${made.invoice_id}.pdf`;
  const invoice = await textOf(path);
  for (const part of [
    'Invoice',
    made.invoice_id,
    profile.id,
    'Café für ?? \x96 3 \x80',
    '1234.50',
    'open',
    '2026-',
  ])
    expect(invoice).toContain(part);
  expect(await textOf(path)).toBe(invoice);
  await api.http.get(path).set(world.foreign('developer')).expect(404);
  await api.http.get(path).expect(401);
  await api.http.post(`/invoices/${made.invoice_id}/mark-paid`).set(admin).send({ note: 'ACH' }).expect(200);
  expect(await textOf(path)).toContain('paid');
  const { body } = await api.http.get('/receipts').set(developer).expect(200);
  const receipt = (body.receipts as { id: string; invoice_id: string }[]).find(
    (each) => each.invoice_id === made.invoice_id,
  );
  const shown = await textOf(`/receipts/${receipt?.id}.pdf`);
  for (const part of ['Receipt', receipt?.id, made.invoice_id, '1234.50']) expect(shown).toContain(part);
});

/** The text of an uncompressed PDF in the standard fonts: its glyphs are codes of Windows-1252, in hex. */
function shownIn(pdf: Buffer): string {
  const runs = [...pdf.toString('latin1').matchAll(/\[([^\]]*)\] TJ/g)].map(([, run = '']) => run);
  const bytes = (run: string) =>
    [...run.matchAll(/<([0-9a-f]*)>/g)]
      .map(([, hex = '']) => Buffer.from(hex, 'hex').toString('latin1'))
      .join('');
  return runs.map(bytes).join('\n');
}

it('what the operator decides about agents and gateways stands in the audit log', async () => {
  const { api } = world;
  const admin = world.credential('admin');
  const agent_id = await listed(world);
  const at = `/marketplace/agents/${agent_id}`;
  await api.http
    .post(`${at}/certifications`)
    .set(world.credential('developer'))
    .send({ certification: 'SOC2' })
    .expect(200);
  await api.http
    .post(`/admin${at}/certifications`)
    .set(admin)
    .send({ certification: 'SOC2', decision: 'approved' })
    .expect(200);
  await api.http.post(`/admin${at}/suspend`).set(admin).expect(200);
  const { body: made } = await api.http.post('/admin/gateways').set(admin).send({ name: 'Acme' }).expect(201);
  const acts = async (subject: string) => {
    const { body } = await api.http.get('/v1/admin/audit-log').query({ subject }).set(admin).expect(200);
    return (body.entries as { act: string }[]).map(({ act }) => act);
  };
  expect(await acts(agent_id)).toEqual(['listing.suspend', 'listing.certify', 'listing.approve']);
  expect(await acts(made.gateway_id as string)).toEqual(['gateways.create']);
});
