import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { purchases, sealedColumns, vault } from '@agentpay/core';
import type { Core, custody } from '@agentpay/core';
import {
  toAuthorization,
  toBase64,
  toPermit2Authorization,
  type ExactPayload,
  type ExactPermit2Payload,
  type FacilitatorRequest,
} from '@agentpay/protocol';
import { radiusTestnet, systemClock, systemRandom } from '@agentpay/primitives';
import { vaultKey } from '@agentpay/server';
import { eventually, spawnNode, type Spawned } from '@agentpay/testing';
import { bundled } from '../stress/bundled.js';
import type { DyingBuy } from './dyingBuyers.js';
import {
  authorizationIn,
  authorizedIn,
  dialects,
  honestSeller,
  network,
  offerV2,
  PRICE,
  proofIn,
  purchaseBed,
  settlementOf,
  textOf,
  type Buyer,
  type HonestSeller,
  type PurchaseBed,
} from './purchaseBed.js';
import { MASTER_KEY } from './purchaseCore.js';

const SCRIPT = fileURLToPath(new URL('dyingBuyers.js', import.meta.url));
/** More than any purchase has, so that the last ones of each kind come to their end. */
const EFFECTS = 12;
/** Longer than a process has a purchase to itself, shorter than an authorization lasts. */
const UNTIL_OTHERS_MAY_MS = 41_000;
const LIFETIME_SECONDS = 600;
const START_MS = 300_000;

/** All dialects, and the 402 that a caller has met and has settled by the facilitator. */
const kinds = [...dialects, 'facilitator'] as const;
type Kind = (typeof kinds)[number];
type Permit = ExactPermit2Payload['permit2Authorization'];
const ends = ['asked again', 'left to others', 'left to others, without a key'] as const;
type End = (typeof ends)[number];

/** One purchase, made by a process that is killed when it has had so many effects. */
interface Killed {
  readonly kind: Kind;
  readonly end: End;
  readonly buy: DyingBuy;
  readonly payTo: string;
  readonly seller: HonestSeller;
  /** Nonces that the facilitator was asked to settle for a caller. */
  readonly settled: Set<string>;
}

let bed: PurchaseBed;
/** The process that comes after the one that is killed. */
let next: Core;
let all: readonly Killed[];
let stands: Readonly<Record<string, string>>;

beforeAll(async () => {
  bed = await purchaseBed();
  next = bed.another({ facilitator: { ...bed.facilitator, settle } });
  const shop = await bed.serve((request, response) => {
    const { seller } = all.find(({ buy }) => buy.url.endsWith(request.url as string)) as Killed;
    return seller.handle(request, response);
  });
  const outside = await bed.serve(async ({ url = '', body }, response) => {
    const said = (await outsideSays(url, body)) ?? null;
    const json = JSON.stringify(said, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    response.setHeader('content-type', 'application/json').end(json);
  });
  const steps = Array.from({ length: EFFECTS }, (_, n) => n + 1);
  // One after the other: a pool that all of them wait for gives up on a busy machine.
  const ready: Killed[] = [];
  for (const kind of kinds)
    for (const end of ends) for (const after of steps) ready.push(await prepared({ kind, end, after, shop }));
  all = ready;
  const buyers = spawnNode(await bundled(SCRIPT), {
    env: {
      DATABASE_URL: bed.url,
      OUTSIDE_URL: new URL(outside).origin,
      AHEAD_MS: String(bed.clock.now() - systemClock.now()),
      BUYS: JSON.stringify(all.map(({ buy }) => buy)),
    },
  });
  const [, where = ''] = await buyers.line(/^all stand: (.*)$/, START_MS);
  await buyers.kill('SIGKILL');
  stands = JSON.parse(where) as typeof stands;
  bed.clock.shift(UNTIL_OTHERS_MAY_MS);
}, 2 * START_MS);
afterAll(() => bed.close());

async function prepared(
  wanted: Pick<Killed, 'kind' | 'end'> & { after: number; shop: string },
): Promise<Killed> {
  const { kind, end, after, shop } = wanted;
  const name = `${kind}, ${end}, ${after}`;
  const payTo = `0x${randomBytes(20).toString('hex')}`;
  const asked = { payTo, seconds: LIFETIME_SECONDS };
  const url = `${shop}/${encodeURIComponent(name)}`;
  const { principal } = await bed.buyer(1_000_000n, [], kind === 'facilitator' ? 'x402v2' : kind);
  const demand = { x402Version: 2, resource: { url }, accepts: [offerV2(asked)] };
  return {
    kind,
    end,
    buy: {
      name,
      principal,
      ...(end !== 'left to others, without a key' && { idempotencyKey: 'k' }),
      url,
      after,
      ...(kind === 'facilitator' && { paymentRequired: toBase64(demand) }),
    },
    payTo,
    seller: honestSeller(bed.facilitator, kind === 'facilitator' ? 'x402v2' : kind, asked),
    settled: new Set(),
  };
}

/** What the process that is killed has no part of: the chain and the facilitator. */
async function outsideSays(path: string, body: string): Promise<unknown> {
  const [, first, second] = path.split('/');
  const asked = JSON.parse(body) as unknown;
  if (first === 'radius') {
    const chain = bed.core.ports.chains.get(radiusTestnet.id) as custody.PaymentChain;
    const [subject, hint] = asked as [never, string?];
    if (second === 'balanceOf') return chain.balanceOf(subject);
    const permits = chain.permits as custody.PermitChain;
    return second === 'nextNonce'
      ? permits.nextNonce(subject)
      : permits.fateOf(toPermit2Authorization(subject as Permit), hint);
  }
  if (first === 'chain') {
    const chain = bed.core.ports.chains.get(network.id) as custody.PaymentChain;
    const [subject, hint] = asked as [never, string?];
    return second === 'balanceOf'
      ? chain.balanceOf(subject)
      : chain.fateOf(toAuthorization(subject as ExactPayload['authorization']), hint);
  }
  const request = asked as FacilitatorRequest;
  return first === 'verify' ? bed.facilitator.verify(request) : settle(request);
}

async function settle(request: FacilitatorRequest) {
  noteSettling(request);
  return bed.facilitator.settle(request);
}

function noteSettling(request: FacilitatorRequest): void {
  const { to, nonce } = authorizedIn(request);
  all.find(({ payTo }) => payTo === to.toLowerCase())?.settled.add(nonce);
}

const of = (kind: Kind, end: End) => all.filter((one) => one.kind === kind && one.end === end);
const paid = ({ payTo }: Killed) => bed.paid(payTo);
/** Signatures that anybody outside of the process has seen. */
const signatures = ({ seller, settled }: Killed) =>
  new Set([...settled, ...seller.proofs.map((proof) => authorizationIn(proof).nonce)]).size;

async function again({ buy }: Killed): Promise<purchases.Purchased | purchases.Paid> {
  const { principal, url, idempotencyKey, paymentRequired } = buy;
  if (paymentRequired === undefined) return purchases.buy(next, { principal, url, idempotencyKey });
  const holder = principal.party.id;
  return purchases.pay(next, { principal, holder, url, idempotencyKey, paymentRequired });
}

describe('a process killed by SIGKILL within purchases', () => {
  it.each(kinds)('by %s stood after every single step of one', (kind) => {
    for (const end of ends) {
      const at = of(kind, end).map(({ buy }) => stands[buy.name]);
      const steps = at.filter((where) => where === 'stands still').length;
      // Without a key nothing is written before the signature is.
      expect(steps).toBeGreaterThan(end === 'left to others, without a key' ? 7 : 8);
      expect(steps).toBeLessThan(EFFECTS);
      const [still, whole] = [Array(steps).fill('stands still'), Array(EFFECTS - steps).fill('confirmed')];
      expect(at).toEqual([...still, ...whole]);
    }
  });

  it.each(kinds)(
    'by %s, after whatever step: the same request again is the same purchase, paid once, and delivered',
    async (kind) => {
      for (const one of of(kind, 'asked again')) {
        const got = await again(one);
        if ('response' in got) expect(JSON.parse(textOf(got))).toEqual({ weather: 'sunny', said: '' });
        else expect(got.paymentSignature).not.toBe('');
        expect([one.buy.after, paid(one), signatures(one)]).toEqual([one.buy.after, PRICE, 1]);
        expect(got.purchase.state).toBe('confirmed');
      }
    },
  );

  it('after whatever step: others end it, paid once or not at all, and nothing stays reserved', async () => {
    await bed.settleAll(next);
    for (const one of all.filter(({ end }) => end !== 'asked again')) {
      const seen = signatures(one);
      expect([one.buy.name, seen <= 1, paid(one)]).toEqual([one.buy.name, true, BigInt(seen) * PRICE]);
    }
    await bed.expectSettled();
    const [counted] = await bed.core.db.query<{ confirmed: bigint }>(
      `select count(*) as confirmed from purchases where state = 'confirmed'`,
    );
    expect(counted?.confirmed).toBe(BigInt(all.filter((one) => paid(one) === PRICE).length));
  });
});

describe('a purchase without a key', () => {
  const writtenFor = async ({ id }: Buyer) =>
    (await bed.core.db.query<{ state: string }>('select state from purchases where party_id = $1', [id])).map(
      ({ state }) => state,
    );

  it('is not written down before it is signed, and is before the proof is sent', async () => {
    const buyer = await bed.buyer();
    const seen: string[][] = [];
    const seller = honestSeller(bed.facilitator, 'x402v2');
    const url = await bed.serve(async (request, response) => {
      seen.push(await writtenFor(buyer));
      return seller.handle(request, response);
    });
    await purchases.buy(bed.core, { principal: buyer.principal, url });
    expect(seen).toEqual([[], ['signed']]);
    expect(await writtenFor(buyer)).toEqual(['confirmed']);
  });

  it('that others have ended while its seller answers is told so: decided by the database, not by what its process knew', async () => {
    const [buyer, before] = [await bed.buyer(), bed.paid()];
    const seller = honestSeller(bed.facilitator, 'x402v2');
    const url = await bed.serve(async (request, response) => {
      const proof = proofIn(request);
      if (proof) {
        await bed.facilitator.settle(settlementOf(proof));
        await bed.settleAll(bed.another());
        expect(await writtenFor(buyer)).toEqual(['confirmed']);
      }
      return seller.handle(request, response);
    });
    const bought = await purchases.buy(bed.core, { principal: buyer.principal, url });
    expect(bought.purchase).toMatchObject({ state: 'confirmed', attempts: 1, sellerStatus: 200 });
    expect(
      await purchases.get(bed.core, { principal: buyer.principal, purchaseId: bought.purchase.id }),
    ).toEqual(bought.purchase);
    expect([seller.proofs.length, bed.paid() - before]).toEqual([1, PRICE]);
  });
});

describe('a new master key', () => {
  const NEXT_KEY = 'the-next-master-key-of-the-purchases-under-test-0123';
  const BIN = fileURLToPath(new URL('../../../packages/server/dist/bin.js', import.meta.url));
  const rotation = async (): Promise<Spawned> =>
    spawnNode(await bundled(BIN), {
      args: ['keys', 'rotate-master'],
      env: {
        NODE_ENV: '',
        DATABASE_URL: bed.url,
        JWT_SECRET: 'k3vX9mQ2pL7wR4tY8uZ1aB5cD6eF0gH_',
        MASTER_KEY: NEXT_KEY,
        FORMER_MASTER_KEYS: MASTER_KEY,
      },
    });
  const vaultOf = (...secrets: string[]) => vault.createVault(secrets.map(vaultKey), systemRandom);
  const replica = (...secrets: string[]) => bed.another({ vault: vaultOf(...secrets) });
  const [former, next] = [vaultOf(MASTER_KEY), vaultOf(NEXT_KEY)];

  /** All that is sealed, with where it belongs. */
  async function allSealed(): Promise<{ sealed: string; place: string }[]> {
    const lists = sealedColumns.map(async ({ table, column, key, place }) => {
      const rows = await bed.core.db.query<{ key: string; sealed: string }>(
        `select ${key} as key, ${column} as sealed from ${table} where ${column} is not null`,
      );
      return rows.map((row) => ({ sealed: row.sealed, place: place(row.key) }));
    });
    return (await Promise.all(lists)).flat();
  }

  const walletsUnderFormer = async () =>
    (
      await bed.core.db.query<{ id: string }>(
        'select wallet_id as id from custody_wallets where starts_with(sealed_key, $1)',
        [former.mark],
      )
    ).map(({ id }) => id);

  /** A replica that buys for them by turns, without a pause, until it is stopped; gives the states of all its purchases. */
  function buying(core: Core, buyers: readonly Buyer[], url: string) {
    const states: string[] = [];
    let going = true;
    const worker = async (first: number) => {
      for (let n = first; going; n++) {
        const { principal } = buyers[n % buyers.length] as Buyer;
        states.push(
          (await purchases.buy(core, { principal, url, idempotencyKey: `${systemRandom.bytes(8)}` })).purchase
            .state,
        );
      }
    };
    const workers = Promise.all([worker(0), worker(1)]);
    return {
      states,
      async stop() {
        going = false;
        await workers;
      },
    };
  }

  it('is taken on while replicas buy, though the command is killed: every purchase ends, and the former key opens nothing', async () => {
    const buyers = await Promise.all(Array.from({ length: 6 }, () => bed.buyer()));
    const untouched = await bed.buyer();
    const seller = honestSeller(bed.facilitator, 'x402v2');
    const url = await bed.serve(seller.handle);
    // At first both replicas seal by the former key and can open what the next one sealed; then they are replaced, one by one.
    const running = [1, 2].map(() => buying(replica(MASTER_KEY, NEXT_KEY), buyers, url));
    const all = [...running];
    for (const index of running.keys()) {
      const other = running[1 - index] as (typeof running)[number];
      const had = other.states.length;
      await (running[index] as typeof other).stop();
      await eventually(() => expect(other.states.length).toBeGreaterThan(had));
      all.push((running[index] = buying(replica(NEXT_KEY, MASTER_KEY), buyers, url)));
    }

    // Somebody holds one row: the command comes to an end at everything else, and waits there to be killed.
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const { walletId } = untouched.wallet;
    const holding = bed.core.db.tx(async (tx) => {
      await tx.query('select 1 from custody_wallets where wallet_id = $1 for update', [walletId]);
      await released;
    });
    const killed = await rotation();
    await eventually(async () => expect(await walletsUnderFormer()).toEqual([walletId]), START_MS);
    await killed.kill('SIGKILL');
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
    release();
    await holding;

    const bought = all.reduce((sum, { states }) => sum + states.length, 0);
    const whole = await rotation();
    expect([(await whole.ended).code, whole.output()]).toEqual([
      0,
      expect.stringContaining('All are under the present'),
    ]);
    await eventually(() =>
      expect(all.reduce((sum, { states }) => sum + states.length, 0)).toBeGreaterThan(bought),
    );
    for (const each of running) await each.stop();
    const states = all.flatMap((each) => each.states);
    expect(states).toEqual(states.map(() => 'confirmed'));
    expect(seller.delivered()).toBe(states.length);

    const sealed = await allSealed();
    expect(sealed.length).toBeGreaterThan(states.length);
    for (const { sealed: text, place } of sealed) {
      expect(() => former.open(text, place)).toThrow('cannot be read');
      expect(next.open(text, place)).not.toBe('');
    }
    const only = replica(NEXT_KEY);
    for (const { principal } of [...buyers, untouched])
      expect((await purchases.buy(only, { principal, url })).purchase.state).toBe('confirmed');
  });
});
