import { purchases, type Core, type custody, type Principal } from '@agentpay/core';
import { radiusTestnet, systemClock } from '@agentpay/primitives';
import {
  fromAuthorization,
  fromPermit2Authorization,
  httpFacilitator,
  type Facilitator,
} from '@agentpay/protocol';
import { pgDb } from '@agentpay/storage';
import { localSellers, network, purchaseCore } from './purchaseCore.js';
import { changesOf, standStill } from './standStill.js';

/** Buys of this process, as BUYS gives them. */
export interface DyingBuy {
  readonly name: string;
  readonly principal: Principal;
  /** Absent: nobody can ask for it again. */
  readonly idempotencyKey?: string;
  readonly url: string;
  /** Paid by the facilitator, for a caller who has this header of the seller's 402; absent: bought from the seller. */
  readonly paymentRequired?: string;
  /** Stands still after so many effects on anything outside of the process. */
  readonly after: number;
}

// A process that buys several things. Each purchase stands still for ever after an effect of its own number: a statement that writes, a
// transaction or a request. Once nothing moves any more, it says where each of them stands, and waits to be killed.
const { DATABASE_URL = '', OUTSIDE_URL = '', BUYS = '[]', AHEAD_MS = '0' } = process.env;
const AT_ONCE = 16;
const SETTLE_SECONDS = 600;

const db = pgDb({ url: DATABASE_URL, connectTimeoutMs: 300_000 });
const sellers = localSellers();
/** As far ahead of the machine's as that of the chain and the facilitator. */
const clock = { ...systemClock, now: () => systemClock.now() + Number(AHEAD_MS) };
const settling = httpFacilitator({ url: OUTSIDE_URL });

/** The chain, as the process that has it sees it. */
const chain: custody.PaymentChain = {
  network,
  balanceOf: async (account) => BigInt((await asked('balanceOf', [account])) as string),
  fateOf: async (authorization, hint) =>
    fateIn(await asked('fateOf', [fromAuthorization(authorization), hint])),
};

/** Radius, the same. */
const radius: custody.PaymentChain = {
  network: radiusTestnet,
  balanceOf: async (account) => BigInt((await asked('balanceOf', [account], 'radius')) as string),
  fateOf: () => Promise.reject(new Error('Nothing is authorized there.')),
  permits: {
    nextNonce: async (account) => BigInt((await asked('nextNonce', [account], 'radius')) as string),
    fateOf: async (permit, hint) =>
      fateIn(await asked('fateOf', [fromPermit2Authorization(permit), hint], 'radius')),
  },
};

type Fate = Awaited<ReturnType<custody.PaymentChain['fateOf']>>;

function fateIn(said: unknown): Fate {
  const fate = said as Fate | null;
  if (fate === null || fate === undefined) return undefined;
  return fate.use === 'unused' ? { ...fate, at: BigInt(fate.at) } : fate;
}

async function asked(method: string, args: readonly unknown[], of = 'chain'): Promise<unknown> {
  const body = JSON.stringify(args);
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${OUTSIDE_URL}/${of}/${method}`, { method: 'POST', headers, body });
  return response.json();
}

/** @param onStop called once, when the last effect has happened */
function mortal(after: number, onStop: () => void): Core {
  const alive = standStill(after, onStop);
  const facilitator: Facilitator = {
    ...settling,
    verify: (request) => alive(() => settling.verify(request)),
    settle: (request) => alive(() => settling.settle(request)),
  };
  const fetchOut: typeof sellers.fetchOut = (...call) => alive(() => sellers.fetchOut(...call));
  return purchaseCore({
    db: changesOf(db, alive),
    clock,
    chains: [chain, radius],
    ports: { sellers: { fetchOut }, facilitator },
    longestSeconds: SETTLE_SECONDS,
  });
}

/** How it ended, or that it stands still. */
function buy(one: DyingBuy): Promise<string> {
  return new Promise((resolve) => {
    const core = mortal(one.after, () => resolve('stands still'));
    const { principal, url, idempotencyKey, paymentRequired } = one;
    const holder = principal.party.id;
    const bought =
      paymentRequired === undefined
        ? purchases.buy(core, { principal, url, idempotencyKey })
        : purchases.pay(core, { principal, holder, url, idempotencyKey, paymentRequired });
    bought.then(
      ({ purchase }) => resolve(purchase.state),
      (error: unknown) => resolve(String(error)),
    );
  });
}

const left = [...(JSON.parse(BUYS) as DyingBuy[])];
const stands: Record<string, string> = {};
const worker = async () => {
  for (let one = left.shift(); one; one = left.shift()) stands[one.name] = await buy(one);
};
await Promise.all(Array.from({ length: AT_ONCE }, worker));
console.log(`all stand: ${JSON.stringify(stands)}`);
setInterval(() => undefined, 60_000);
