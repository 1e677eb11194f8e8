import { ledger, type payments, type payouts } from '@agentpay/core';
import type { Db } from '@agentpay/primitives';

/** What rails and the bank refuse. */
export const REFUSED = 13_000_000n;
/** What they are asked about twice. */
export const SLOW = 14_000_000n;
/** What the bank pays, and what comes back to it. */
export const RETURNED = 15_000_000n;

/**
 * What was moved outside: whoever moves money keeps books of its own, which outlive the process that asked. It moves once for each order,
 * and a second order of the same payment, refund or payout is a second movement.
 */
const MOVED = `create table moved_outside (
  order_key text primary key, subject text not null, amount bigint not null, asked integer not null
)`;

/** What was moved twice, never, or otherwise than it is called. */
const WRONGLY_MOVED = `
select coalesce(known.id, moved.subject) as id, known.status, moved.times, moved.amount from (
    select id, amount, status from payments where rail in ('base-usdc', 'stripe')
    union all select id, amount, status from payment_refunds
      where payment_id in (select id from payments where rail in ('base-usdc', 'stripe'))
    union all select id, amount, status from payouts
  ) as known full join (
    select subject, count(*) as times, sum(amount) as amount from moved_outside group by 1
  ) as moved on moved.subject = known.id
  where (known.status in ('completed', 'refunded', 'returned')) is distinct from (moved.subject is not null)
    or moved.times <> 1 or moved.amount <> known.amount`;

export function openOutside(db: Db): Promise<unknown> {
  return db.query(MOVED);
}

export function wronglyMoved(db: Db): Promise<unknown[]> {
  return db.query(WRONGLY_MOVED);
}

interface Order {
  /** By what it is paid once. */
  readonly key: string;
  /** Id of the payment, refund or payout. */
  readonly subject: string;
  readonly amount: bigint;
}

async function order(db: Db, { key, subject, amount }: Order): Promise<payments.RailStatus> {
  if (amount === REFUSED) return { status: 'failed', reason: 'refused' };
  const [row] = await db.query<{ asked: number }>(
    `insert into moved_outside as moved (order_key, subject, amount, asked) values ($1, $2, $3, 1)
     on conflict (order_key) do update set asked = moved.asked + 1 returning asked`,
    [key, subject, amount],
  );
  const reference = `ref_${key}`;
  return amount === SLOW && row?.asked === 1
    ? { status: 'settling', reference }
    : { status: 'completed', reference };
}

let orders = 0;

/** A rail on paper: each proof that it makes is an order of its own. */
function rail(db: Db, bringsBack: boolean): payments.Rail {
  const authorize = async ({ id }: { id: string }) => ({ key: `${id} ${process.pid} ${++orders}` });
  const pay = ({ id, amount, proof }: payments.Payment | payments.Refund) =>
    order(db, { key: String(proof?.['key']), subject: id, amount });
  return {
    currency: 'USD',
    account: ledger.FAUCET,
    accepts: () => undefined,
    authorize,
    submit: pay,
    settle: pay,
    fail: pay,
    bringsBack,
    acceptsRefund: () => undefined,
    authorizeRefund: (_payment, refund) => authorize(refund),
    refund: (_payment, refund) => pay(refund),
    references: /./,
    reconcile: async () => ({}),
  };
}

export function paperRails(db: Db): Readonly<Record<payments.ExternalRail, payments.Rail>> {
  return { 'base-usdc': rail(db, false), stripe: rail(db, true) };
}

/** A bank on paper, which pays once for each payout. */
export function paperBank(db: Db): payouts.PayoutConnector {
  return {
    account: ledger.FAUCET,
    days: 2,
    accepts: () => undefined,
    async submit({ id, amount }) {
      const said = await order(db, { key: id, subject: id, amount });
      return said.status === 'settling' ? { ...said, status: 'processing' } : said;
    },
    returns: {
      days: 60,
      ask: async ({ amount }) =>
        amount === RETURNED ? { status: 'returned', reason: 'account_closed' } : { status: 'arrived' },
    },
  };
}
