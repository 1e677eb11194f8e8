import { agents, identity, ledger, parties, wallets } from '@agentpay/core';
import type { Core, Principal } from '@agentpay/core';
import type { Db, ManualClock } from '@agentpay/primitives';
import { ADMIN_KEY, money, ownDb, PEPPER, signedIn, testCore } from './market.js';

let db: Db;
let core: Core;
let clock: ManualClock;

beforeAll(async () => {
  db = await ownDb();
  ({ core, clock } = await testCore(db));
});
afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));
afterAll(() => db.close());

const accepts = ['runtime', 'secret'] as const;
const refused = (kind: string) => expect.objectContaining({ name: 'AgentPayError', kind });

describe('agents', () => {
  it('come with a wallet and two working keys, neither of which is kept in clear', async () => {
    const { agent, wallet, apiKey, secretKey } = await agents.create(core, {
      name: 'ResearchOpsAgent',
      operator: 'acme',
    });
    expect(wallet).toMatchObject({ ownerId: agent.id, currency: 'USD' });
    for (const secret of [apiKey, secretKey]) {
      expect(await identity.authenticate(core, { accepts, secret })).toMatchObject({
        party: { kind: 'agent', id: agent.id },
      });
    }
    const rows = await db.query<{ row: string }>(
      'select credentials::text as row from credentials where party_id = $1',
      [agent.id],
    );
    expect(rows).toHaveLength(2);
    for (const { row } of rows) {
      expect(row).not.toContain(apiKey.slice(8));
      expect(row).not.toContain(secretKey.slice(8));
    }
  });

  it.each([
    ['an empty name', { name: ' ' }],
    ['a name of 121 characters', { name: 'x'.repeat(121) }],
    ['a NUL in the name', { name: 'a\0b' }],
    ['an empty operator', { name: 'a', operator: '' }],
  ])('refuse %s', async (_what, request) => {
    await expect(agents.create(core, request)).rejects.toEqual(refused('invalid_request'));
  });

  it('see themselves and those of their group, and nobody else', async () => {
    const make = async (name: string, operator?: string, by?: Principal) => {
      const { agent, apiKey } = await agents.create(core, { name, operator, principal: by });
      return { agent, principal: await identity.authenticate(core, { accepts, secret: apiKey }) };
    };
    const first = await make('First', 'globex');
    clock.advance(1);
    const second = await make('Second', undefined, first.principal);
    expect(second.agent.operator).toBe('globex');
    const loner = await make('Loner');
    const other = await make('Other');

    expect(await agents.list(core, { principal: first.principal })).toEqual({
      agents: [first.agent, second.agent],
      total: 2,
    });
    expect(await agents.list(core, { principal: first.principal, limit: 1, offset: 1 })).toEqual({
      agents: [second.agent],
      total: 2,
    });
    expect(await agents.list(core, { principal: loner.principal })).toEqual({
      agents: [loner.agent],
      total: 1,
    });
    expect(await agents.get(core, { principal: first.principal, agentId: second.agent.id })).toEqual(
      second.agent,
    );
    for (const agentId of [other.agent.id, first.agent.id, 'agent_none', '\0']) {
      await expect(agents.get(core, { principal: loner.principal, agentId })).rejects.toEqual(
        refused('agent_not_found'),
      );
    }
  });

  it('F30: the name of an operator, said by a stranger, lists nothing of theirs', async () => {
    const make = async (operator: string, by?: Principal) => {
      const { agent, apiKey } = await agents.create(core, { name: 'A', operator, principal: by });
      return { agent, principal: await identity.authenticate(core, { accepts, secret: apiKey }) };
    };
    const admin: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };
    const first = await make('umbrella');
    const [stranger, another] = [await make('umbrella'), await make('umbrella')];
    const [vouched, also] = [await make('umbrella', admin), await make('umbrella', admin)];
    const idsFor = async ({ principal }: { principal: Principal }) =>
      (await agents.list(core, { principal })).agents.map(({ id }) => id);
    expect(await idsFor(first)).toEqual([first.agent.id]);
    expect(await idsFor(stranger)).toEqual([stranger.agent.id]);
    expect(await idsFor(another)).toEqual([another.agent.id]);
    expect((await idsFor(vouched)).sort()).toEqual([vouched.agent.id, also.agent.id].sort());
    for (const { agent } of [first, vouched])
      await expect(agents.get(core, { principal: stranger.principal, agentId: agent.id })).rejects.toEqual(
        refused('agent_not_found'),
      );
  });

  it('rotate their own keys: the new ones work, and the old ones until a new one is used', async () => {
    const { agent, apiKey, secretKey, principal } = await signedIn(core, 'Rotating');
    const works = (secret: string) => identity.authenticate(core, { accepts, secret });
    const lost = await agents.rotateKeys(core, { principal, agentId: agent.id });
    // The response was lost: the old key still works, and gets new ones, which end the lost ones.
    expect(await works(apiKey)).toMatchObject({ party: principal.party });
    const fresh = await agents.rotateKeys(core, { principal, agentId: agent.id });
    for (const secret of [lost.apiKey, lost.secretKey])
      await expect(works(secret)).rejects.toEqual(refused('unauthorized'));
    expect(await works(secretKey)).toMatchObject({ party: principal.party });
    for (const secret of [fresh.apiKey, fresh.secretKey])
      expect(await works(secret)).toMatchObject({ party: principal.party });
    for (const secret of [apiKey, secretKey])
      await expect(works(secret)).rejects.toEqual(refused('unauthorized'));
  });

  it('may not rotate the keys of another of their group', async () => {
    const victim = await agents.create(core, { name: 'Victim', operator: 'initech' });
    const maker = await identity.authenticate(core, { accepts, secret: victim.apiKey });
    const { apiKey } = await agents.create(core, { name: 'Intruder', principal: maker });
    const principal = await identity.authenticate(core, { accepts, secret: apiKey });
    await expect(agents.rotateKeys(core, { principal, agentId: victim.agent.id })).rejects.toEqual(
      refused('agent_not_found'),
    );
    await expect(identity.authenticate(core, { accepts, secret: victim.apiKey })).resolves.toMatchObject({
      party: { id: victim.agent.id },
    });
  });
});

describe('authenticate', () => {
  it.each(['', 'pk_test_', `pk_test_${'0'.repeat(48)}`, 'x'.repeat(5000), 'pk_test_\0'])(
    'refuses %j as a runtime key',
    async (secret) => {
      await expect(identity.authenticate(core, { accepts, secret })).rejects.toEqual(refused('unauthorized'));
    },
  );

  it('lets a key work only where its kind belongs', async () => {
    const { apiKey } = await signedIn(core, 'Agent');
    await expect(identity.authenticate(core, { accepts: ['secret'], secret: apiKey })).rejects.toEqual(
      refused('unauthorized'),
    );
    await expect(identity.authenticate(core, { accepts: ['admin'], secret: apiKey })).rejects.toEqual(
      refused('unauthorized'),
    );
    await expect(identity.authenticate(core, { accepts, secret: ADMIN_KEY })).rejects.toEqual(
      refused('unauthorized'),
    );
    expect(await identity.authenticate(core, { accepts: ['admin'], secret: ADMIN_KEY })).toMatchObject({
      party: { kind: 'platform' },
    });
  });

  it('knows no admin when none is set', async () => {
    const { core: bare } = await testCore(db, { settings: { identity: { pepper: PEPPER } } });
    await expect(identity.authenticate(bare, { accepts: ['admin'], secret: '' })).rejects.toEqual(
      refused('unauthorized'),
    );
    await expect(identity.authenticate(bare, { accepts: ['admin'], secret: 'undefined' })).rejects.toEqual(
      refused('unauthorized'),
    );
  });

  it('refuses a key past its expiry', async () => {
    const { agent, apiKey } = await signedIn(core, 'Guest');
    await db.query('update credentials set expires_at = $2 where party_id = $1', [
      agent.id,
      new Date(clock.now() + 1000),
    ]);
    await expect(identity.authenticate(core, { accepts, secret: apiKey })).resolves.toMatchObject({
      party: { id: agent.id },
    });
    clock.advance(1000);
    await expect(identity.authenticate(core, { accepts, secret: apiKey })).rejects.toEqual(
      refused('unauthorized'),
    );
  });
});

describe('wallets', () => {
  const source = 'test_faucet';

  it('take play money from the faucet', async () => {
    const { principal, walletId } = await signedIn(core, 'Funded');
    const issued = await ledger.accountTotal(db, { account: 'faucet', asset: 'USD' });
    const response = await wallets.fund(core, { principal, walletId, amount: 100_000_000n, source });
    expect(response).toEqual({
      walletId,
      currency: 'USD',
      available: 100_000_000n,
      held: 0n,
      balance: 100_000_000n,
      transactionId: expect.stringMatching(/^tx_/),
    });
    expect(await ledger.accountTotal(db, { account: 'faucet', asset: 'USD' })).toBe(issued - 100_000_000n);
  });

  it('give the same transaction and no money for the same idempotency key', async () => {
    const buyer = await signedIn(core, 'Retrying');
    const request = {
      principal: buyer.principal,
      walletId: buyer.walletId,
      amount: 7n,
      source,
      idempotencyKey: 'k1',
    };
    const first = await wallets.fund(core, request);
    expect(await wallets.fund(core, request)).toEqual(first);
    await expect(wallets.fund(core, { ...request, amount: 8n })).rejects.toEqual(refused('conflict'));
    await wallets.fund(core, { ...request, idempotencyKey: 'k2' });
    expect(await money(core, buyer)).toEqual({ available: 14n, held: 0n });
  });

  it.each([
    ['another source', { source: 'bank' }, 'funding_source_unknown'],
    ['nothing', { amount: 0n }, 'invalid_amount'],
    ['less than nothing', { amount: -1n }, 'invalid_amount'],
    ['more than the cap', { amount: 10_000_000_001n }, 'funding_refused'],
    ['an idempotency key with a NUL', { idempotencyKey: '\0' }, 'invalid_request'],
  ])('refuse %s', async (_what, change, kind) => {
    const { principal, walletId } = await signedIn(core, 'Refused');
    await expect(wallets.fund(core, { principal, walletId, amount: 1n, source, ...change })).rejects.toEqual(
      refused(kind),
    );
  });

  it('get nothing outside a sandbox', async () => {
    const { core: live } = await testCore(db, { settings: { wallets: { sandbox: false } } });
    const { principal, walletId } = await signedIn(live, 'Live');
    await expect(wallets.fund(live, { principal, walletId, amount: 1n, source })).rejects.toEqual(
      refused('funding_refused'),
    );
  });

  it('do not exist for anybody but their owner', async () => {
    const owner = await signedIn(core, 'Owner');
    const { principal } = await signedIn(core, 'Stranger');
    for (const walletId of [owner.walletId, 'wallet_none', '\0']) {
      await expect(wallets.balance(core, { principal, walletId })).rejects.toEqual(
        refused('wallet_not_found'),
      );
      await expect(wallets.fund(core, { principal, walletId, amount: 1n, source })).rejects.toEqual(
        refused('wallet_not_found'),
      );
    }
  });
});
