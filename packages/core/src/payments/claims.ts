import { formatDecimal } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { attemptDue } from '../attempts.js';
import type { Core } from '../Core.js';
import { emitIn } from '../events/index.js';
import type { JobReport } from '../Job.js';
import { available, balances, movements, postIn } from '../ledger/index.js';
import { keysetOf } from '../keyset.js';
import { page } from '../Page.js';
import type { Counted, PageRequest } from '../Page.js';
import { claimCollected } from './events.js';
import type { Refund } from './PaymentRefund.js';
import { refundRows } from './RefundStore.js';

/** What the platform gave back in place of a payee, who owes it since. */
export interface RefundClaim {
  /** Of the refund; a claim has no id of its own. */
  readonly id: string;
  readonly paymentId: string;
  /** The party that owes it; null for somebody who is not on the platform, who has a label. */
  readonly payeeId: string | null;
  readonly payeeExternal: string | null;
  readonly currency: string;
  readonly claimed: Amount;
  /** What was paid of it. */
  readonly collected: Amount;
  readonly createdAt: Date;
}

const oldestFirst = keysetOf<Pick<RefundClaim, 'createdAt' | 'id'>>(
  { createdAt: 'timestamptz', id: 'text' },
  { by: ['createdAt', 'id'] },
);

/** Claims that are open, or all there ever were, oldest first. @throws AgentPayError `invalid_request` as {@link page} */
export async function listClaims(
  core: Pick<Core, 'db'>,
  request: PageRequest & { readonly all?: boolean | undefined },
): Promise<{ claims: RefundClaim[] } & Counted> {
  const wanted = page(request);
  const which = request.all ? 'refund.claimed > 0' : 'refund.collected < refund.claimed';
  const { text, params } = oldestFirst.part(wanted, []);
  const read = await core.db.query<RefundClaim>(
    `select id, "paymentId", "payeeId", "payeeExternal", currency, claimed, collected, created_at as "createdAt" from (
       select refund.id, refund.payment_id as "paymentId", payment.payee_id as "payeeId",
         payment.payee_external as "payeeExternal", payment.currency, refund.claimed, refund.collected, refund.created_at
       from payment_refunds as refund join payments as payment on payment.id = refund.payment_id
       where ${which}
     ) as claims where true${text}`,
    params,
  );
  const [counted] = await core.db.query<{ total: number }>(
    `select count(*)::integer as total from payment_refunds as refund where ${which}`,
  );
  const { rows, ...next } = oldestFirst.page(read, wanted);
  return { claims: rows as RefundClaim[], ...next, total: counted?.total ?? 0 };
}

interface DueClaim {
  readonly id: string;
  readonly payeeId: string;
  readonly walletId: string;
  readonly currency: string;
}

const MOST_AT_ONCE = 100;

/** Takes what payees owe out of what came to their wallets since, oldest claims first, as far as it goes. */
export async function collectClaims(core: Core): Promise<JobReport> {
  const { done, failures } = await attemptDue<DueClaim>(core, {
    job: 'payments.claims',
    limit: MOST_AT_ONCE,
    due: {
      select: `select id, payee_id as "payeeId", payee_wallet_id as "walletId", currency from (
          select refund.id, refund.created_at, payment.payee_id, payment.payee_wallet_id, payment.currency
          from payment_refunds as refund join payments as payment on payment.id = refund.payment_id
            join ledger_balances as balance
              on balance.account = 'w:' || payment.payee_wallet_id || ':avail' and balance.asset = payment.currency
          where refund.collected < refund.claimed and balance.amount > 0
        ) as open_claims`,
      where: 'created_at <= $1',
      order: 'created_at, id',
    },
    attempt: (claim) => collect(core, claim),
  });
  return { done: { claims: done }, failures };
}

function collect(core: Core, { id, payeeId, walletId, currency: asset }: DueClaim): Promise<void> {
  const payee = available(walletId);
  return core.batch.run({
    wants: [
      [refundRows, [id]],
      [balances, [payee, asset]],
    ],
    lane: walletId,
    decide(scene) {
      const refund = scene.find(refundRows, id) as Refund;
      const has = scene.find(balances, payee, asset)?.amount ?? 0n;
      const open = refund.claimed - refund.collected;
      const amount = has < open ? has : open;
      // Another instance was faster, or the money is spent again.
      if (amount === 0n) return;
      const postings = movements.claimCollected({ payee, asset, amount });
      // What was collected before tells this step from those before and after it.
      postIn(core, scene, { key: `${id}:claim:${refund.collected}`, kind: 'payment.claim', postings });
      const { claimed, collected } = scene.update(refundRows, refund, {
        collected: refund.collected + amount,
      });
      emitIn(core, scene, claimCollected, {
        subject: refund.paymentId,
        audience: [{ id: payeeId }],
        object: {
          payment_id: refund.paymentId,
          refund_id: id,
          wallet_id: walletId,
          amount: formatDecimal(amount),
          open_amount: formatDecimal(claimed - collected),
          currency: asset,
        },
      });
    },
  });
}
