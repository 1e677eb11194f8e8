import { agreements, createCore, type Core, type Principal } from '@agentpay/core';
import { pgDb } from '@agentpay/storage';
import { crashSettings, crashPorts, useOf, type CrashKind, type PortNames } from './agreementBed.js';
import { testCore } from './market.js';
import { signed } from './paperEscrow.js';
import { signedFee } from './paperFees.js';
import { callPort } from './portsOverHttp.js';
import { changesOf, standStill, type Around } from './standStill.js';

/** Something that this process does with an agreement, as DEEDS gives them. */
export interface DyingDeed {
  readonly id: string;
  readonly kind: CrashKind;
  /** Stands still after so many effects on anything outside of the process. */
  readonly after: number;
}

/** Where the deeds stand, and which agreements nobody here was to work on after them. */
export interface Standing {
  readonly stands: Readonly<Record<string, string>>;
  readonly parked: readonly string[];
}

// A process that moves several agreements on, one after the other. Each of them stands still for ever after an effect of its own number: a
// statement that writes, a transaction, a step of escrow, gas wallet or facilitator. Then it says where each of them stands, and waits to
// be killed.
const { DATABASE_URL = '', OUTSIDE_URL = '', DEEDS = '[]', BUYER = '', SELLER = '' } = process.env;
const [buyer, seller] = [BUYER, SELLER].map((text) => JSON.parse(text) as Principal) as [
  Principal,
  Principal,
];

const db = pgDb({ url: DATABASE_URL, connectTimeoutMs: 300_000 });

/** The ports of another process; `around` sees what changes something. */
const portsBy = (around: Around) =>
  crashPorts((port: PortNames, method, changes) => {
    const call = (...args: unknown[]) => callPort(OUTSIDE_URL, `${port}/${method}`, args);
    return changes ? (...args) => around(() => call(...args)) : call;
  });
const { core: whole, clock } = await testCore(db, { settings: crashSettings, ...portsBy((work) => work()) });

/** @param onStop called once, when the last effect has happened */
function mortal(after: number, onStop: () => void): Core {
  const alive = standStill(after, onStop);
  const { random, ports } = whole;
  const settings = crashSettings;
  return createCore({
    db: changesOf(db, alive),
    clock,
    random,
    settings,
    ports: { ...ports, ...portsBy(alive) },
  });
}

const many = { limit: 100 };
const acts: Record<CrashKind, (core: Core, id: string) => Promise<unknown>> = {
  async activation(core, agreementId) {
    const of = { principal: buyer, agreementId };
    const { intent, fee } = await agreements.activationPackage(core, of);
    const [signature, permit] = [intent, fee?.permit] as agreements.TypedData[];
    const feePermit = signedFee(permit as agreements.TypedData);
    await agreements.activate(core, {
      ...of,
      signature: signed(signature as agreements.TypedData),
      feePermit,
    });
    await agreements.relay(core, many);
  },
  async settlement(core, agreementId) {
    await agreements.record(core, useOf(seller, agreementId));
    await agreements.complete(core, { principal: buyer, agreementId });
    await agreements.work(core, many);
    await agreements.relay(core, many);
  },
  usage: (core, agreementId) => agreements.record(core, useOf(seller, agreementId)),
  purchase: buyDirectly,
  'purchase that is refused': buyDirectly,
};

async function buyDirectly(core: Core, agreementId: string): Promise<void> {
  await agreements.accept(core, { principal: seller, agreementId });
  await agreements.workDirect(core, many);
}

/** How it ended, or that it stands still. */
function act({ id, kind, after }: DyingDeed): Promise<string> {
  return new Promise((resolve) => {
    const core = mortal(after, () => resolve('stands still'));
    acts[kind](core, id).then(
      () => resolve('done'),
      (error: unknown) => resolve(String(error)),
    );
  });
}

/** Keeps the jobs of those that come after from it. */
async function park(id: string): Promise<boolean> {
  const now = new Date(clock.now());
  const later = new Date(clock.now() + 86_400_000);
  const due = await db.query(
    `update agreements set due_at = $3 where id = $1 and due_at <= $2 and funding <> 'direct' returning id`,
    [id, now, later],
  );
  const unclaimed = await db.query(
    `update direct_purchases set next_at = $2 where id = $1 and claimed_until is null returning id`,
    [id, later],
  );
  return due.length + unclaimed.length > 0;
}

const stands: Record<string, string> = {};
const parked: string[] = [];
for (const deed of JSON.parse(DEEDS) as DyingDeed[]) {
  stands[deed.id] = await act(deed);
  if (await park(deed.id)) parked.push(deed.id);
}
console.log(`all stand: ${JSON.stringify({ stands, parked } satisfies Standing)}`);
setInterval(() => undefined, 60_000);
