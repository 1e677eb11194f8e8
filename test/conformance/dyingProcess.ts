import { aroundCalls, type Chain } from '@agentpay/evm';
import type { Db } from '@agentpay/primitives';
import type { Facilitator } from '@agentpay/protocol';

/** Something that a process does to the world: by its name, and how often it did the like before. */
export interface Deed {
  readonly name: string;
  readonly nth: number;
}

export interface World {
  readonly chain: Chain;
  readonly db: Db;
  readonly facilitator: Facilitator;
}

/** The world as a process sees it that dies before or after it does something; from then on nothing of it happens any more. */
export interface DyingProcess extends World {
  readonly deeds: readonly Deed[];
  readonly died: Promise<true>;
  kill(): void;
}

/** What a batch leads to, by the events that it writes. */
const STATES = ['executing_payment', 'completed', 'returning_fee', 'failed'];

export function dyingProcess(
  world: World,
  fatal?: Deed & { readonly moment: 'before' | 'after' },
): DyingProcess {
  const deeds: Deed[] = [];
  let dead = false;
  let tell: (died: true) => void = () => {};
  const died = new Promise<true>((resolve) => (tell = resolve));
  const kill = () => {
    dead = true;
    tell(true);
  };
  const never = () => new Promise<never>(() => {});

  async function act<T>(name: string | undefined, work: () => Promise<T>): Promise<T> {
    if (dead) return never();
    const nth = deeds.filter((deed) => deed.name === name).length;
    if (name !== undefined) deeds.push({ name, nth });
    const fatalNow = fatal && fatal.name === name && fatal.nth === nth ? fatal.moment : undefined;
    if (fatalNow === 'before') kill();
    if (dead) return never();
    const result = await work();
    if (fatalNow === 'after') kill();
    return dead ? never() : result;
  }

  const { chain, db, facilitator } = world;
  const stateIn = (params: unknown) => {
    const text = JSON.stringify(params, (_, value: unknown) => (typeof value === 'bigint' ? 0 : value)) ?? '';
    const state = STATES.find((each) => text.includes(`agreement.${each}`));
    return state === undefined ? undefined : `moves to ${state}`;
  };
  return {
    deeds,
    died,
    kill,
    chain: aroundCalls(chain, (method, _, call) => act(method === 'send' ? 'broadcasts' : undefined, call)),
    db: {
      query: (sql, params) =>
        act(/^\s*select/.test(sql) ? undefined : stateIn(params), () => db.query(sql, params)),
      tx: (work, options) => act('records a transaction', () => db.tx(work, options)),
      exec: (sql) => act(undefined, () => db.exec(sql)),
      close: async () => {},
    },
    facilitator: {
      verify: (request) => act(undefined, () => facilitator.verify(request)),
      supported: () => act(undefined, () => facilitator.supported()),
      settle: (request) => act('settles', () => facilitator.settle(request)),
    },
  };
}
