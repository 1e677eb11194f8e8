import { buyer, gateway, type Endpoint } from '@agentpay/api';
import { callables, named } from '../calls.js';
import { ADMIN_KEY, newAgent } from '../testApi.js';
import { newWorld, send, type World } from '../world.js';

/** Whatever the operator does, and whoever changes keys, is in the log with the request that asked for it. */
let world: World;
const admin = { 'x-admin-key': ADMIN_KEY };

beforeAll(async () => {
  world = await newWorld({ provoked: /audit_log/ });
});
afterAll(() => world.api.close());

interface Entry {
  readonly act: string;
  readonly actor_id: string;
  readonly tenant_ids: string[];
  readonly subject: string;
  readonly before: object | null;
  readonly after: object | null;
  readonly request_id: string;
}

async function log(query: object = {}, headers: Record<string, string> = admin): Promise<Entry[]> {
  const response = await world.api.http
    .get('/v1/admin/audit-log')
    .query({ limit: 100, ...query })
    .set(headers)
    .expect(200);
  return (response.body as { entries: Entry[] }).entries;
}

const isAct = ({ auth, optionalAuth, method, tool }: Endpoint) =>
  [...auth, ...optionalAuth].includes('admin') && method !== 'GET' && tool?.readOnly !== true;
const ofOperator = callables.filter(({ endpoint }) => isAct(endpoint));

describe.each(named(ofOperator))('%s', (id, { family, endpoint, call }) => {
  it('is in the log, with its request', async () => {
    const { shared: _, ...sent } = await call(world);
    const acts = id.endsWith('killSwitch')
      ? [{ body: { enabled: true } }, { body: { enabled: false } }]
      : [{}];
    for (const act of acts) {
      const response = await send(world, endpoint, { ...sent, ...act, headers: admin });
      expect([response.status, response.body]).toEqual([endpoint.status, response.body]);
      const [entry] = await log();
      expect(entry).toMatchObject({
        request_id: response.headers['x-request-id'],
        actor_id: 'platform',
        credential_id: 'admin',
        act: expect.stringMatching(/^[a-z_]+\.[a-z_]+$/),
        subject: expect.stringMatching(/./),
      });
      if (family.id === 'runtime') expect(entry?.tenant_ids).toContainEqual(expect.any(String));
      expect(entry?.before ?? entry?.after).toEqual(expect.any(Object));
      expect(await log({ subject: entry?.subject, act: entry?.act })).toContainEqual(entry);
    }
  });
});

/** Changes of keys, and of what an agent or an organization may spend, by whoever may make them. */
const ofOwners = callables.filter(
  ({ endpoint: { id, method, tool } }) =>
    method !== 'GET' &&
    tool?.readOnly !== true &&
    /\.(keys|rules|policies)\.|\.(archive|setLimits|setAllowlist|rotateKeys?)$/.test(id) &&
    !id.endsWith('.preview'),
);

it('is kept by many families for those who own something', () => {
  expect(ofOwners.length).toBeGreaterThan(14);
});

describe.each(named(ofOwners))('%s', (_id, { endpoint, call }) => {
  it('is in the log, with its request and who asked, once', async () => {
    const { shared: _, ...sent } = await call(world);
    const response = await send(world, endpoint, sent);
    expect([response.status, response.body]).toEqual([endpoint.status, response.body]);
    const asked = (await log()).filter((entry) => entry.request_id === response.headers['x-request-id']);
    expect(asked).toEqual([
      expect.objectContaining({
        act: expect.stringMatching(/^[a-z_]+\.[a-z_]+$/),
        subject: expect.stringMatching(/./),
        tenant_ids: [expect.stringMatching(/./)],
      }),
    ]);
  });
});

it('shows an agent what its owner set, before and after', async () => {
  const { setLimits } = buyer.nouns.agents;
  const { call } = callables.find(
    ({ endpoint }) => endpoint.id === setLimits.id,
  ) as (typeof callables)[number];
  const { shared: _, ...sent } = await call(world);
  await send(world, setLimits, sent);
  const { id } = sent.params as { id: string };
  const [entry] = await log({ tenant_id: id, act: 'agent.limits' });
  expect(entry).toMatchObject({ before: { daily: '0' }, subject: id, tenant_ids: [id] });
  expect(entry?.after).not.toEqual(entry?.before);
});

describe('an act that no slice writes down', () => {
  const { create } = gateway.nouns.gateways;
  const make = (name: string) =>
    world.api.http.post(create.path).set(admin).set('x-request-id', 'always-the-same').send({ name });

  it('is written down once for each time, also under one request id, and shows no key', async () => {
    for (const name of ['One', 'Two']) {
      const { body } = await make(name).expect(201);
      const { gateway_id: subject, gateway_key: key } = body as Record<string, string>;
      const entries = await log({ subject });
      expect(entries).toMatchObject([
        { act: 'gateways.create', after: { name }, before: null, tenant_ids: [subject] },
      ]);
      expect(JSON.stringify(entries)).not.toContain(key);
    }
  });

  it('does not happen when it cannot be written down', async () => {
    const { db } = world.api.composition.core;
    const count = () => db.query('select count(*) as n from gateways');
    const before = await count();
    await db.exec("alter table audit_log add constraint refused check (act <> 'gateways.create') not valid");
    await make('Three').expect(500);
    await db.exec('alter table audit_log drop constraint refused');
    expect(await count()).toEqual(before);
  });
});

it('tells an agent what was done to it, and nothing of others', async () => {
  const [agent, other] = [await newAgent(world.api), await newAgent(world.api)];
  const rule = { agent_id: agent.id, kind: 'daily', amount: 150 };
  const made = await world.api.http.post('/v1/policies').set(admin).send(rule).expect(201);
  const subject = made.body.id as string;
  await world.api.http
    .put(`/v1/policies/${subject}`)
    .set(admin)
    .send({ kind: 'daily', amount: 90 })
    .expect(200);
  await world.api.http.post(`/v1/agents/${agent.id}/keys/rotate`).set(agent.auth).expect(200);
  const own = await log({}, agent.auth);
  expect(own.map(({ act, before, after }) => [act, before, after]).reverse()).toEqual([
    ['policy.create', null, { id: subject, kind: 'daily', amount: '150' }],
    [
      'policy.replace',
      { id: subject, kind: 'daily', amount: '150' },
      { id: subject, kind: 'daily', amount: '90' },
    ],
    ['keys.rotate', null, null],
  ]);
  expect(await log({}, other.auth)).toEqual([]);
  expect(await log({ tenant_id: agent.id }, other.auth)).toEqual([]);
  expect(await log({ tenant_id: agent.id })).toEqual(own);
  expect(await log({ subject, act: 'policy.create' })).toHaveLength(1);
});

it('has a refund that the operator gives, and none of a refusal', async () => {
  const { agent, api } = world;
  const payee = await newAgent(api);
  const body = { from_wallet_id: agent.wallet, to_wallet_id: payee.wallet, amount: 1 };
  const { body: payment } = await api.http.post('/v1/payments').set(agent.auth).send(body).expect(201);
  const refund = (amount: number) =>
    api.http
      .post(`/v1/payments/${payment.id as string}/refund`)
      .set(admin)
      .send({ amount });
  await refund(2).expect(400);
  await refund(0.25).expect(200);
  expect(await log({ subject: payment.id as string })).toMatchObject([
    { act: 'payment.refund', tenant_ids: [agent.id, payee.id], after: { refunded: '0.25' } },
  ]);
});

it('cannot be changed, by anybody', async () => {
  const { db } = world.api.composition.core;
  for (const sql of ["update audit_log set act = 'x'", 'delete from audit_log', 'truncate audit_log'])
    await expect(db.exec(sql)).rejects.toThrow(/append-only/);
});
