import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { agreements, ledger } from '@agentpay/core';
import type { Core } from '@agentpay/core';
import type { ManualClock } from '@agentpay/primitives';
import { x402v2, type Hex } from '@agentpay/protocol';
import { type ScratchDb } from '@agentpay/storage';
import { spawnNode } from '@agentpay/testing';
import {
  crashKinds,
  crashSettings,
  paperWorld,
  UNITS,
  useOf,
  type CrashKind,
  type PaperWorld,
} from './agreementBed.js';
import { bundled } from '../stress/bundled.js';
import type { DyingDeed, Standing } from './dyingAgreements.js';
import { market, ownDb, testCore, type SignedIn } from './market.js';
import { signed, type PaperHold } from './paperEscrow.js';
import { signedFee } from './paperFees.js';
import { servePorts, type Ports } from './portsOverHttp.js';

const SCRIPT = fileURLToPath(new URL('dyingAgreements.js', import.meta.url));
const [CAP, PRICE, FEE] = [100n, 10n, 100_000n];
const AMOUNT = 5_000_000n;
const DIRECT_FEE = 103_000n;
/** More than anything has, so that the last ones of each kind come to their end. */
const EFFECTS = 12;
/** How many effects each has at least. */
const LEAST: Readonly<Record<CrashKind, number>> = {
  activation: 5,
  settlement: 5,
  usage: 1,
  purchase: 5,
  'purchase that is refused': 6,
};
/** Longer than a process has a step to itself. */
const UNTIL_OTHERS_MAY_MS = 125_000;
const START_MS = 300_000;
const SELLER = `0x${'c'.repeat(40)}`;

let db: ScratchDb;
let core: Core;
let clock: ManualClock;
let world: PaperWorld;
let buyer: SignedIn;
let seller: SignedIn;
let serviceId: string;
let standing: Standing;
let deeds: readonly DyingDeed[];
/** Nonces of the payments of direct purchases. */
const nonces = new Map<string, string>();

const ofBuyer = (agreementId: string) => ({ principal: buyer.principal, agreementId });
const ofSeller = (agreementId: string) => ({ principal: seller.principal, agreementId });
const read = (id: string) => agreements.get(core, ofBuyer(id));

beforeAll(async () => {
  db = await ownDb();
  world = paperWorld(() => clock.now());
  const { escrow, fees: feeWallet, facilitator, chain } = world;
  const chains = new Map([[chain.network.id, chain]]);
  ({ core, clock } = await testCore(db, { settings: crashSettings, escrow, feeWallet, chains }));
  Object.assign(core.ports, { facilitator });
  const made = await market(core);
  [buyer, seller, serviceId] = [made.buyer, made.seller, made.service.id];
  const all: DyingDeed[] = [];
  for (const kind of crashKinds)
    for (let after = 1; after <= EFFECTS; after++) all.push({ id: await prepared(kind), kind, after });
  deeds = all;
  const outside = await servePorts({ ...world } as unknown as Ports);
  const dying = spawnNode(await bundled(SCRIPT), {
    env: {
      DATABASE_URL: db.url,
      OUTSIDE_URL: outside.url,
      DEEDS: JSON.stringify(deeds),
      BUYER: JSON.stringify(buyer.principal),
      SELLER: JSON.stringify(seller.principal),
    },
  });
  const [, where = ''] = await dying.line(/^all stand: (.*)$/, START_MS);
  await dying.kill('SIGKILL');
  await outside.close();
  standing = JSON.parse(where) as Standing;
  await unpark();
  clock.advance(UNTIL_OTHERS_MAY_MS);
}, 2 * START_MS);
afterAll(() => db?.close());

/** Those that are left belong to everybody again. */
async function unpark(): Promise<void> {
  const due = new Date(clock.now());
  await db.query(`update agreements set due_at = $2 where id = any($1) and funding <> 'direct'`, [
    standing.parked,
    due,
  ]);
  await db.query('update direct_purchases set next_at = $2 where id = any($1)', [standing.parked, due]);
}

/** An agreement at which a process is about to do something. */
async function prepared(kind: CrashKind): Promise<string> {
  if (kind === 'purchase' || kind === 'purchase that is refused') return proposedDirectly(kind);
  const { id } = await agreements.propose(core, {
    principal: buyer.principal,
    serviceId,
    buyerAddress: newAddress(),
    terms: { cap: CAP, unitPrice: PRICE, challengeSeconds: 0 },
  });
  await agreements.accept(core, { ...ofSeller(id), sellerAddress: SELLER });
  if (kind === 'activation') return id;
  await activate(id);
  await agreements.relay(core, { limit: 100 });
  return id;
}

const newAddress = (): Hex => `0x${randomBytes(20).toString('hex')}`;

async function activate(id: string): Promise<void> {
  const { intent, fee } = await agreements.activationPackage(core, ofBuyer(id));
  const signature = signed(intent as agreements.TypedData);
  await agreements.activate(core, {
    ...ofBuyer(id),
    signature,
    ...(fee && { feePermit: signedFee(fee.permit) }),
  });
}

async function proposedDirectly(kind: CrashKind): Promise<string> {
  const from = newAddress();
  const { offer, permit } = await agreements.requirements(core, {
    amount: AMOUNT,
    serviceId,
    buyerAddress: from,
  });
  const accepted = offer as x402v2.PaymentRequirements;
  const nonce = `0x${randomBytes(32).toString('hex')}`;
  const validBefore = String(Math.floor(clock.now() / 1000) + 3_000);
  const { amount: value, payTo: to } = accepted;
  const authorization = { from, to, value, validAfter: '0', validBefore, nonce };
  const payload = { signature: `0x${'11'.repeat(65)}`, authorization };
  const { id } = await agreements.proposeDirect(core, {
    principal: buyer.principal,
    serviceId,
    amount: AMOUNT,
    paymentHeader: x402v2.encodePaymentPayload({ x402Version: 2, accepted, payload }),
    feePermit: signedFee({ message: { nonce: String(permit?.nonce) } } as unknown as agreements.TypedData),
  });
  if (kind !== 'purchase') world.facilitator.refused.add(from);
  nonces.set(id, nonce);
  return id;
}

const idsOf = (kind: CrashKind) => deeds.filter((deed) => deed.kind === kind).map(({ id }) => id);

/** The hold of an agreement in the escrow. */
async function holdOf(agreementId: string): Promise<PaperHold | undefined> {
  const [kept] = await db.query<{ offer: agreements.AgreementOffer }>(
    'select offer from agreement_holds where agreement_id = $1',
    [agreementId],
  );
  return kept && world.escrow.holds.get(signed(world.escrow.typedData(kept.offer)));
}

/** What was moved under names that begin with the agreement. */
const under = (moved: ReadonlyMap<string, bigint>, id: string) =>
  [...moved].flatMap(([name, amount]) => (name.startsWith(id) ? [amount] : []));
const booked = (id: string) =>
  ledger.accountTotal(db, { account: ledger.escrow(id), asset: world.escrow.asset });

describe('a process killed by SIGKILL within', () => {
  afterEach(async () => expect(await ledger.verifyLedger(db)).toEqual([]));

  it.each(crashKinds)('%s stood after every single step of it', (kind) => {
    const at = idsOf(kind).map((id) => standing.stands[id]);
    const steps = at.filter((where) => where === 'stands still').length;
    expect(steps).toBeGreaterThanOrEqual(LEAST[kind]);
    expect(steps).toBeLessThan(EFFECTS);
    expect(at).toEqual([...Array(steps).fill('stands still'), ...Array(EFFECTS - steps).fill('done')]);
  });

  it('activations, after whatever step: others end them, funded once, the fee collected once', async () => {
    const ids = idsOf('activation');
    // Whoever did not hear that it was taken says it again.
    for (const id of ids) if ((await read(id)).status === 'accepted') await activate(id);
    await agreements.relay(core, { limit: 100 });
    for (const id of ids) {
      const hold = { cap: CAP, capturable: CAP, captured: 0n, returned: 0n };
      expect([(await read(id)).status, await holdOf(id)]).toEqual(['active', hold]);
      expect([await booked(id), under(world.fees.collected, id)]).toEqual([CAP, [FEE]]);
    }
  });

  it('settlements, after whatever step: others end them, paid once, the rest given back once', async () => {
    const paid = UNITS * PRICE;
    for (const id of idsOf('settlement')) {
      // The same said again counts nothing twice.
      if ((await read(id)).status === 'active') await agreements.record(core, useOf(seller.principal, id));
      if ((await read(id)).status === 'active') await agreements.complete(core, ofBuyer(id));
    }
    await agreements.work(core, { limit: 100 });
    await agreements.relay(core, { limit: 100 });
    for (const id of idsOf('settlement')) {
      expect(await read(id)).toMatchObject({ status: 'settled', used: paid, paid });
      const hold = { cap: CAP, capturable: 0n, captured: paid, returned: CAP - paid };
      expect([await holdOf(id), await booked(id)]).toEqual([hold, 0n]);
    }
  });

  it('the recording of usage: the same event again is counted once', async () => {
    for (const id of idsOf('usage')) {
      await agreements.record(core, useOf(seller.principal, id));
      expect(await read(id)).toMatchObject({ status: 'active', units: UNITS, used: UNITS * PRICE });
    }
  });

  it.each([
    ['purchase', 'completed', [AMOUNT], []],
    ['purchase that is refused', 'failed', [], [DIRECT_FEE]],
  ] as const)(
    'a %s, after whatever step: others end it as %s, each of its transfers made once',
    async (kind, status, payments, returned) => {
      const ids = idsOf(kind);
      for (const id of ids)
        if ((await read(id)).status === 'proposed') await agreements.accept(core, ofSeller(id));
      await agreements.workDirect(core, { limit: 100 });
      for (const id of ids) {
        const paid = under(world.facilitator.paid, nonces.get(id) as string);
        expect([(await read(id)).status, paid]).toEqual([status, payments]);
        expect(under(world.fees.collected, id)).toEqual([DIRECT_FEE]);
        expect(under(world.fees.returned, id)).toEqual(returned);
      }
      const [row] = await db.query<{ fees: bigint; returns: bigint }>(
        `select count(*) filter (where kind = 'agreement.fee') as fees,
           count(*) filter (where kind = 'agreement.return') as returns
         from ledger_journals where split_part(key, ':', 1) = any($1)`,
        [ids],
      );
      expect(row).toEqual({ fees: BigInt(EFFECTS), returns: BigInt(EFFECTS * returned.length) });
    },
  );
});
