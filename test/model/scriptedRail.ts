import { ledger, type payments, type payouts } from '@agentpay/core';

/** What a rail does when it is asked. `lose` pays, but nobody hears of it; `break` does nothing. */
export const behaviours = ['pay', 'settle', 'refuse', 'lose', 'break'] as const;
export type Behaviour = (typeof behaviours)[number];

/** How far an order is at the rail. */
export type AtRail = 'unsent' | 'settling' | 'paid' | 'refused';

/** What the rail makes of an order. One that is paid or refused stays so, and one that is given up before it began is never paid. */
export function treated(state: AtRail, behaviour: Behaviour, givenUp = false): AtRail {
  if (state === 'paid' || state === 'refused' || behaviour === 'break') return state;
  if (givenUp && state === 'unsent') return 'refused';
  return behaviour === 'refuse' ? 'refused' : behaviour === 'settle' ? 'settling' : 'paid';
}

/** What is heard of an order; `unsent`: nothing. */
export function heardOf(state: AtRail, behaviour: Behaviour): AtRail {
  return behaviour === 'lose' || behaviour === 'break' ? 'unsent' : state;
}

/** Whoever moves money outside of the platform: it keeps books of its own and does what the script says. */
export interface Outside {
  /** By id of the payment or payout: what is done when it is asked for next. */
  readonly script: Map<string, Behaviour>;
  /** By what it pays only once for. */
  readonly books: Map<string, AtRail>;
  /** Whether it makes orders; what it has it works on all the same. */
  signs: boolean;
  /** Whether it never answers; `asked` counts who asked, and `answer` lets those who wait hear what became of it. */
  dead: boolean;
  asked: number;
  answer(): void;
  ask(id: string, order: string, givenUp?: boolean): Promise<AtRail>;
  /** By id: what was paid and has come back. */
  readonly back: Set<string>;
  look(id: string): Promise<boolean>;
}

export function outside(): Outside {
  const waiting: (() => void)[] = [];
  const heard = async () => {
    own.asked++;
    if (own.dead) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const own: Outside = {
    script: new Map(),
    back: new Set(),
    books: new Map(),
    signs: true,
    dead: false,
    asked: 0,
    answer: () => waiting.splice(0).forEach((tell) => tell()),
    async ask(id, order, givenUp) {
      const behaviour = own.script.get(id) ?? 'pay';
      const state = treated(own.books.get(order) ?? 'unsent', behaviour, givenUp);
      own.books.set(order, state);
      const { dead } = own;
      await heard();
      if (dead) return own.books.get(order) as AtRail;
      if (behaviour === 'break') throw new Error('connection reset');
      return heardOf(state, behaviour);
    },
    async look(id) {
      await heard();
      return own.back.has(id);
    },
  };
  return own;
}

/** For so long money that has arrived may come back. */
export const RETURN_DAYS = 1;

/** A rail of payments; every proof that it is asked to make is an order of its own. */
export function scriptedRail(bank: Outside): payments.Rail {
  const { ask, books } = bank;
  const tell = async ({ id, proof }: payments.Payment, givenUp = false): Promise<payments.RailStatus> => {
    const state = await ask(id, String(proof?.['order']), givenUp);
    if (state === 'paid') return { status: 'completed', reference: 'ref' };
    if (state === 'refused') return { status: 'failed', reason: 'refused' };
    return state === 'settling' ? { status: 'settling', reference: 'ref' } : { status: 'unknown' };
  };
  return {
    currency: 'USD',
    account: ledger.FAUCET,
    accepts: () => undefined,
    async authorize({ id }) {
      if (!bank.signs) throw new Error('no key to sign with');
      const order = `${id}#${books.size}`;
      books.set(order, 'unsent');
      return { order };
    },
    submit: (payment) => tell(payment),
    settle: (payment) => tell(payment),
    fail: (payment) => tell(payment, true),
    bringsBack: false,
    acceptsRefund: () => undefined,
    authorizeRefund: async () => ({}),
    refund: async () => ({ status: 'failed', reason: 'not_offered' }),
    references: /./,
    reconcile: async () => ({}),
  };
}

/** A connector of payouts, which pays once for each id. */
export function scriptedConnector({ ask, look }: Outside): payouts.PayoutConnector {
  return {
    account: ledger.FAUCET,
    days: 2,
    accepts: () => undefined,
    async submit({ id }) {
      const state = await ask(id, id);
      if (state === 'paid') return { status: 'completed', reference: 'ref' };
      if (state === 'refused') return { status: 'failed', reason: 'refused' };
      return state === 'settling' ? { status: 'processing', reference: 'ref' } : { status: 'unknown' };
    },
    returns: {
      days: RETURN_DAYS,
      ask: async ({ id }) =>
        (await look(id)) ? { status: 'returned', reason: 'account_closed' } : { status: 'arrived' },
    },
  };
}
