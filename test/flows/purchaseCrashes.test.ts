import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { purchases } from '@agentpay/core';
import type { Core, custody } from '@agentpay/core';
import { toAuthorization, toBase64, type ExactPayload, type FacilitatorRequest } from '@agentpay/protocol';
import { systemClock } from '@agentpay/primitives';
import { spawnNode } from '@agentpay/testing';
import type { DyingBuy } from './dyingBuyers.js';
import {
  authorizationIn,
  dialects,
  honestSeller,
  network,
  offerV2,
  PRICE,
  purchaseBed,
  textOf,
  type HonestSeller,
  type PurchaseBed,
} from './purchaseBed.js';

const SCRIPT = fileURLToPath(new URL('dyingBuyers.js', import.meta.url));
/** More than any purchase has, so that the last ones of each kind come to their end. */
const EFFECTS = 13;
/** Longer than a process has a purchase to itself, shorter than an authorization lasts. */
const UNTIL_OTHERS_MAY_MS = 41_000;
const LIFETIME_SECONDS = 600;
const START_MS = 100_000;

/** The three dialects, and the 402 that a caller has met and has settled by the facilitator. */
const kinds = [...dialects, 'facilitator'] as const;
type Kind = (typeof kinds)[number];
const ends = ['asked again', 'left to others'] as const;
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
  const buyers = spawnNode(SCRIPT, {
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
  const { principal } = await bed.buyer();
  const demand = { x402Version: 2, resource: { url }, accepts: [offerV2(asked)] };
  return {
    kind,
    end,
    buy: {
      name,
      principal,
      idempotencyKey: 'k',
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

function noteSettling({ paymentPayload }: FacilitatorRequest): void {
  const { to, nonce } = paymentPayload.payload['authorization'] as ExactPayload['authorization'];
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
      expect(steps).toBeGreaterThan(8);
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
    for (const one of kinds.flatMap((kind) => of(kind, 'left to others'))) {
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
