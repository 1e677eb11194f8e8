import { catalog, developers, identity, orgs, parties, type Core } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { pgDb, type ScratchDb } from '@agentpay/storage';
import { ownDb, testCore } from './market.js';

const operator = { party: parties.platform, scopes: [], credentialId: 'admin' };
const PRICE = 10_000n;

let scratch: ScratchDb;
let db: Db;
let core: Core;
let clock: ManualClock;
let owner: identity.Principal;
let stranger: identity.Principal;

async function developer(): Promise<identity.Principal> {
  const { developer: made } = await developers.register(core, { email: 'dev@example.com', name: 'Dev Co' });
  const { key } = await developers.approve(core, { principal: operator, developerId: made.id });
  return identity.authenticate(core, { accepts: ['developer'], secret: key as string });
}

beforeAll(async () => {
  scratch = await ownDb();
  db = await pgDb({ url: scratch.url, max: 8 });
  ({ core, clock } = await testCore(db));
  [owner, stranger] = [await developer(), await developer()];
});
afterAll(async () => {
  await db.close();
  await scratch.close();
});

const details = {
  name: 'DataBot',
  category: 'analytics',
  endpointUrl: 'https://agent.example/run',
  methods: [{ name: 'summarize', price: PRICE }],
};
const listed = (fields: object = {}) => catalog.create(core, { principal: owner, ...details, ...fields });
const asOwner = (listingId: string) => ({ principal: owner, listingId });
const asOperator = (listingId: string) => ({ principal: operator, listingId });
const found = async (filter: Parameters<typeof catalog.search>[1]) =>
  (await catalog.search(db, filter)).listings.map(({ id }) => id);

describe('a listing', () => {
  it('is offered once the operator has approved it, until they suspend it or its developer', async () => {
    const { id, developerId } = await listed();
    expect(await found({ developerId })).not.toContain(id);
    await catalog.approve(core, asOperator(id));
    expect(await found({ developerId })).toContain(id);
    await catalog.suspend(core, asOperator(id));
    expect(await found({ developerId })).not.toContain(id);

    const other = await developer();
    const shut = await catalog.create(core, { ...details, principal: other });
    await catalog.approve(core, asOperator(shut.id));
    expect(await found({ developerId: other.party.id })).toEqual([shut.id]);
    await developers.suspend(core, { principal: operator, developerId: other.party.id });
    expect(await found({ developerId: other.party.id })).toEqual([]);
  });

  it('waits for approval again when it is called elsewhere, and not for new words and prices', async () => {
    const { id } = await listed();
    await catalog.approve(core, asOperator(id));
    const methods = [{ name: 'summarize', price: PRICE * 2n }];
    const changed = await catalog.update(core, { ...asOwner(id), description: 'New', methods });
    expect(changed).toMatchObject({ status: 'active', methods: [{ price: PRICE * 2n }] });
    const moved = await catalog.update(core, { ...asOwner(id), endpointUrl: 'https://elsewhere.example/' });
    expect(moved.status).toBe('pending');
  });

  it('is changed by nobody but its developer', async () => {
    const { id } = await listed();
    const foreign = { principal: stranger, listingId: id };
    const tries = [
      catalog.update(core, { ...foreign, description: 'Mine' }),
      catalog.setMethods(core, { ...foreign, methods: [] }),
      catalog.addVersion(core, { ...foreign, version: 'v2.0.0' }),
      catalog.applyForCertification(core, { ...foreign, name: 'SOC2' }),
    ];
    for (const attempt of await Promise.allSettled(tries))
      expect(attempt).toMatchObject({ reason: { kind: 'listing_not_found' } });
    await expect(catalog.approve(core, asOwner(id))).rejects.toMatchObject({ kind: 'forbidden' });
  });

  it('is found by a part of its name in any case, by category, region and certification', async () => {
    const { id, developerId } = await listed({
      name: '100% Weather_Bot',
      category: 'sky',
      regions: ['eu-west'],
    });
    await catalog.approve(core, asOperator(id));
    for (const filter of [
      { text: 'wEATHER' },
      { text: '0% W' },
      { text: 'r_B' },
      { category: 'sky' },
      { region: 'eu-west' },
    ])
      expect(await found({ developerId, ...filter })).toEqual([id]);
    for (const filter of [
      { text: 'wea%' },
      { category: 'Sky' },
      { region: 'us-east' },
      { certification: 'SOC2' },
    ])
      expect(await found({ developerId, ...filter })).toEqual([]);
    await catalog.applyForCertification(core, { ...asOwner(id), name: 'SOC2' });
    const pending = await catalog.pendingCertifications(core, operator);
    expect(pending.certifications).toMatchObject([{ listingId: id, name: 'SOC2' }]);
    await catalog.decideCertification(core, { ...asOperator(id), name: 'SOC2', decision: 'approved' });
    expect(await found({ developerId, certification: 'SOC2' })).toEqual([id]);
    expect(await catalog.certificationsOf(db, id)).toEqual(['SOC2']);
    expect((await catalog.pendingCertifications(core, operator)).total).toBe(0);
  });

  it.each([
    [{ endpointUrl: 'ftp://agent.example/' }, 'endpointUrl'],
    [{ regions: ['mars'] }, 'regions'],
    [{ methods: [{ name: 'a b', price: 1n }] }, 'methods'],
    [{ methods: [...details.methods, ...details.methods] }, 'methods'],
    [{ sla: { uptimePct: '101' } }, 'sla'],
    [{ sla: { maxCompletionSeconds: 0 } }, 'sla'],
    [{ version: 'latest' }, 'version'],
  ])('refuses %j', async (fields, param) => {
    await expect(listed(fields)).rejects.toMatchObject({ kind: 'invalid_request', param });
  });

  it('refuses methods for nothing', async () => {
    const free = { methods: [{ name: 'free', price: 0n }] };
    await expect(listed(free)).rejects.toMatchObject({ kind: 'invalid_amount' });
  });
});

describe('versions', () => {
  it('come in order, and a released one never changes, also when it is released 20 times at once', async () => {
    const { id } = await listed();
    const release = (version: string, notes?: string) =>
      catalog.addVersion(core, { ...asOwner(id), version, notes });
    await release('1.10.0');
    await release('v1.9.0');
    const again = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => release('v2.0.0', `n${i}`)));
    expect(again.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const { versions, total } = await catalog.versionsOf(core, { listingId: id });
    expect(versions.map(({ version }) => version)).toEqual(['v2.0.0', 'v1.10.0', 'v1.9.0', 'v1.0.0']);
    expect(total).toBe(4);
  });
});

describe('an SLA contract', () => {
  it('counts once the developer accepts it, in place of the one before', async () => {
    const { id } = await listed();
    const org = await orgs.create(core, { principal: stranger, name: 'Acme Labs' });
    const draft = (maxCompletionSeconds: number) =>
      catalog.draftContract(core, {
        principal: stranger,
        listingId: id,
        orgId: org.id,
        terms: 'standard',
        maxCompletionSeconds,
      });
    const seconds = () => catalog.contractSeconds(db, { listingId: id, orgId: org.id });
    const first = await draft(20);
    expect([first.status, await seconds()]).toEqual(['draft', undefined]);
    const accept = (contractId: string) => catalog.acceptContract(core, { ...asOwner(id), contractId });
    await accept(first.id);
    expect(await seconds()).toBe(20);
    const second = await draft(10);
    expect(await seconds()).toBe(20);
    await Promise.all([accept(second.id), accept(second.id)]);
    expect(await seconds()).toBe(10);
    await expect(accept(first.id)).rejects.toMatchObject({ kind: 'conflict', reason: 'contract_ended' });
  });

  it('is drafted by members of the organization alone, and accepted by the developer alone', async () => {
    const { id } = await listed();
    const org = await orgs.create(core, { principal: stranger, name: 'Acme Labs' });
    const request = { listingId: id, orgId: org.id, terms: 'standard' };
    await expect(catalog.draftContract(core, { ...request, principal: owner })).rejects.toMatchObject({
      kind: 'org_not_found',
    });
    const { id: contractId } = await catalog.draftContract(core, { ...request, principal: stranger });
    await expect(
      catalog.acceptContract(core, { principal: stranger, listingId: id, contractId }),
    ).rejects.toMatchObject({ kind: 'listing_not_found' });
  });
});

describe('reliability', () => {
  it('is counted by the day, of one listing and of all', async () => {
    const [{ id }, other] = [await listed(), await listed()];
    const count = (listingId: string, how: catalog.CallEnding) => {
      const ended = { listingId, atMs: clock.now(), how };
      return core.batch.run({
        wants: catalog.countCallWants(ended),
        lane: listingId,
        decide: (scene) => catalog.countCallIn(scene, ended),
      });
    };
    await Promise.all([
      ...Array.from({ length: 19 }, () => count(id, { ending: 'done', ms: 100 })),
      count(id, { ending: 'down' }),
      count(other.id, { ending: 'done', ms: 100 }),
    ]);
    const month = { from: '2026-05-01', to: '2026-06-01' };
    const { uptimePct, p95Ms, calls } = await catalog.reliability(db, { listingId: id, ...month });
    expect([uptimePct, calls, Math.abs(p95Ms - 100) <= 6]).toEqual([95, 20, true]);
    expect(await catalog.reliability(db, month)).toMatchObject({ calls: 21 });
    const june = { from: '2026-06-01', to: '2026-07-01' };
    expect(await catalog.reliability(db, { listingId: id, ...june })).toMatchObject({ calls: 0 });
  });
});
