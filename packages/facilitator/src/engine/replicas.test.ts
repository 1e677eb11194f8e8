import type { Db } from '@agentpay/primitives';
import { mortal } from './mortal.fixture.js';
import type { RunningFacilitator } from './Facilitator.js';
import {
  gasPayer,
  newPayer,
  openBed,
  openDb,
  payer,
  signedRequest,
  statesIn,
  until,
  type Bed,
} from './payment.fixture.js';
import { openPermit2, permitRequest } from './permit.fixture.js';

describe('copies of a facilitator on one database', () => {
  const second = newPayer();
  /** Longer than any test: leases end when {@link endLeases} says so. */
  const shared = { leaseMs: 600_000, accounts: [gasPayer, second] };
  let db: Db;
  let bed: Bed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  beforeEach(async () => void (bed = await openBed(db)));
  afterEach(() => bed.close());

  const holders = () =>
    db.query<{ address: string; holder: string }>(
      'select address, holder from facilitator_signers order by address',
    );
  /** As when nobody has been heard of for too long: whoever lives renews. A renewal under way may come after it. */
  const endLeases = () =>
    db.exec(`update facilitator_signers set held_until = now() - interval '1 second';
             update facilitator_replicas set alive_until = now() - interval '1 second'`);
  const onceLeasesEnd = (holds: () => boolean | Promise<boolean>) =>
    until(async () => {
      await endLeases();
      return holds();
    });
  const states = () => statesIn(db);
  const counts = () =>
    Promise.all([gasPayer, second].map(({ address }) => bed.chain.transactionCount(address, 'latest')));

  /** Two, of which each has an account of its own, and has sent with it. */
  async function openCopies(): Promise<RunningFacilitator[]> {
    const replicas = [await bed.start(shared), await bed.start(shared)];
    await until(async () => new Set((await holders()).map(({ holder }) => holder)).size === 2);
    bed.mine();
    for (const replica of replicas) {
      const request = await signedRequest();
      await until(() =>
        replica.settle(request).then(
          ({ success }) => success,
          () => false,
        ),
      );
    }
    expect(bed.chain.transfers()).toHaveLength(2);
    return replicas;
  }

  it('divide the accounts, and settle each payment once, whichever is asked and however often', async () => {
    const replicas = await openCopies();
    const [sent = 0, countsBefore] = [bed.chain.calls.send, await counts()];
    const requests = await Promise.all(Array.from({ length: 20 }, () => signedRequest()));
    const ask = (turn: number) =>
      requests.map((request, i) => (replicas[(i + turn) % 2] as RunningFacilitator).settle(request));
    const asked = ask(0);
    await until(async () => (bed.chain.calls.send ?? 0) > sent);
    // Each has claimed what it was asked for: a copy asked for all of them before that might claim, and send, the other's too.
    await until(async () => (await states()).length === 22);
    const answers = await Promise.all([...asked, ...ask(1)]);
    expect(answers.filter(({ success }) => !success)).toEqual([]);
    const unmarked = answers.map((answer) => ({ ...answer, repeat: undefined }));
    expect(unmarked.slice(20)).toEqual(unmarked.slice(0, 20));
    expect(answers.filter(({ repeat }) => !repeat)).toHaveLength(20);
    expect(bed.chain.transfers()).toHaveLength(22);
    const countsAfter = await counts();
    expect(countsAfter.map((count, i) => count > (countsBefore[i] as number))).toEqual([true, true]);
  });

  it('grant one of two purchases that race for one authorization through two replicas', async () => {
    const replicas = await openCopies();
    const first = await signedRequest();
    const other = structuredClone(first) as typeof first & { paymentPayload: { resource: { url: string } } };
    other.paymentPayload.resource.url = 'https://seller.example/other';
    const answers = await Promise.all([replicas[0]?.settle(first), replicas[1]?.settle(other)]);
    expect(answers.map((answer) => answer?.success).sort()).toEqual([false, true]);
    expect(answers.find((answer) => !answer?.success)).toMatchObject({ errorReason: 'duplicate_settlement' });
    expect(bed.chain.transfers()).toHaveLength(3);
  });

  it('take over the account of one that died, with the payment it had sent', async () => {
    const life = mortal(bed);
    const victim = await bed.startMortal({ ...life, ...shared, accounts: [gasPayer] });
    const request = await signedRequest();
    void victim.settle(request);
    await until(async () => (bed.chain.calls.send ?? 0) > 0);
    life.kill();
    bed.chain.forgetPool();
    const [before] = await holders();
    const heir = await bed.start({ ...shared, accounts: [gasPayer] });
    expect(await holders()).toEqual([before]);
    await onceLeasesEnd(async () => (await holders())[0]?.holder !== before?.holder);
    bed.mine();
    expect(await heir.settle(request)).toMatchObject({ success: true });
    expect(bed.chain.transfers()).toHaveLength(1);
    expect((await holders())[0]?.holder).not.toBe(before?.holder);
  });

  it('take over all that one had sent, also when the node fails in between', async () => {
    const life = mortal(bed);
    const only = { ...shared, accounts: [gasPayer] };
    const victim = await bed.startMortal({ ...life, ...only });
    const wrong: string[] = [];
    await bed.start({ ...only, onError: (what) => wrong.push(what) });
    for (const sent of [1, 2]) {
      void victim.settle(await signedRequest());
      await until(async () => bed.chain.calls.send === sent);
    }
    bed.chain.fault({ on: 'transactionCount', kind: 'unreachable' }, Infinity);
    life.kill();
    await onceLeasesEnd(() => wrong.includes('signer accounts'));
    bed.chain.heal();
    bed.mine();
    await until(async () => (await states()).join() === 'settled,settled');
    expect(bed.chain.transfers()).toHaveLength(2);
  });

  it('take up what another had sent that held their account while they slept, and died', async () => {
    let [awake, wake] = [Promise.resolve(), () => {}];
    const sleepy: Db = {
      ...db,
      query: (sql, params) => awake.then(() => db.query(sql, params)),
      tx: (work) => awake.then(() => db.tx(work)),
    };
    const only = { ...shared, accounts: [gasPayer] };
    await bed.start({ ...only, db: sleepy });
    awake = new Promise((resolve) => (wake = resolve));
    const life = mortal(bed);
    const victim = await bed.startMortal({ ...life, ...only });
    const request = await signedRequest();
    await onceLeasesEnd(() => {
      void victim.settle(request).catch(() => undefined);
      return (bed.chain.calls.send ?? 0) > 0;
    });
    life.kill();
    bed.chain.forgetPool();
    wake();
    bed.mine();
    await onceLeasesEnd(async () => (await states()).join() === 'settled');
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('stand by while another holds the only account, and take it at once when that one ends', async () => {
    const only = { ...shared, leaseMs: 60_000, accounts: [gasPayer] };
    const first = await bed.start(only);
    const standby = await bed.start(only);
    bed.mine();
    await expect(standby.settle(await signedRequest())).rejects.toMatchObject({
      kind: 'facilitator_unavailable',
    });
    await first.close();
    const request = await signedRequest();
    await until(() =>
      standby.settle(request).then(
        ({ success }) => success,
        () => false,
      ),
    );
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('refuse at once, and unclaimed, what only the account of another may send', async () => {
    openPermit2(bed, payer.address);
    const holder = await bed.start({ leaseMs: 60_000, accounts: [gasPayer] });
    const other = await bed.start({ leaseMs: 60_000, accounts: [gasPayer, second] });
    expect(await holders()).toHaveLength(2);
    bed.mine();
    const request = await permitRequest({ scheme: 'upto' });
    const refused = await other.settle(request).catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: 'facilitator_unavailable', retryAfter: 2 });
    expect(await states()).toEqual([]);
    expect(await other.settle(await signedRequest())).toMatchObject({ success: true });
    expect(await holder.settle(request)).toMatchObject({ success: true });
  });

  it('give up a claim of one that fell asleep, which then sends nothing of it', async () => {
    let wake = () => {};
    const awake = new Promise<void>((resolve) => (wake = resolve));
    const fees = () => awake.then(() => bed.chain.fees());
    const own = { leaseMs: 300, accounts: [gasPayer] };
    let recorded = false;
    const watched: Db = { ...db, tx: (work) => db.tx(work).finally(() => (recorded = true)) };
    const sleeper = await bed.start({
      ...own,
      db: watched,
      chain: { ...bed.chain, fees },
      repairEveryMs: 60_000,
    });
    const request = await signedRequest();
    const answer = sleeper.settle(request).catch((error: unknown) => error);
    await until(async () => (await states()).includes('claimed'));
    const other = await bed.start({ ...own, accounts: [second] });
    await until(async () => (await states()).includes('failed'));
    wake();
    await until(() => recorded);
    bed.endWaits();
    expect(await answer).toMatchObject({ kind: 'facilitator_unavailable' });
    expect(bed.chain.calls.send).toBeUndefined();
    bed.mine();
    expect(await other.settle(request)).toMatchObject({ success: true });
    expect(bed.chain.transfers()).toHaveLength(1);
  });

  it('tell their callers to ask again, when the one that claimed the payment did not send it', async () => {
    const chain = { ...bed.chain, fees: () => Promise.reject(new Error('no fees')) };
    const first = await bed.start({ leaseMs: 60_000, chain, accounts: [gasPayer] });
    let waits = false;
    const watched: Db = {
      ...db,
      query(sql, params) {
        waits ||= sql.endsWith('where id = $1');
        return db.query(sql, params);
      },
    };
    const other = await bed.start({ leaseMs: 60_000, db: watched, accounts: [second] });
    const request = await signedRequest();
    const answers = [first.settle(request).catch((error: unknown) => error)];
    await until(async () => (await states()).includes('claimed'));
    answers.push(other.settle(request).catch((error: unknown) => error));
    await until(async () => waits);
    await first.close();
    for (const answer of answers)
      expect(await answer).toMatchObject({ kind: 'facilitator_unavailable', retryAfter: 5 });
  });

  it('cannot record a transaction of an account that was taken over meanwhile', async () => {
    const facilitator = await bed.start({
      ...shared,
      leaseMs: 60_000,
      settleTimeoutMs: 300,
      repairEveryMs: 60_000,
    });
    await db.query(`update facilitator_signers set holder = 'another'`);
    // Given up, or pending when a try to send it is under way.
    await facilitator.settle(await signedRequest()).catch((error: unknown) => error);
    expect(bed.chain.calls.send).toBeUndefined();
    expect(await db.query('select hash from facilitator_transactions')).toEqual([]);
  });
});

describe('a signer account without ether', () => {
  it('gets no work until it is filled up', async () => {
    const db = await openDb();
    const bed = await openBed(db);
    const reports: string[] = [];
    let ether = 0n;
    const chain = { ...bed.chain, balance: async () => ether };
    const facilitator = await bed.start({
      chain,
      minSignerBalance: 5n,
      onError: (what) => reports.push(what),
    });
    bed.mine();
    await expect(facilitator.settle(await signedRequest())).rejects.toMatchObject({
      kind: 'facilitator_unavailable',
    });
    expect(reports).toContain('balance');
    ether = 5n;
    bed.skip(15_000);
    const request = await signedRequest();
    await until(() =>
      facilitator.settle(request).then(
        ({ success }) => success,
        () => false,
      ),
    );
    await bed.close();
    await db.close();
  });
});
