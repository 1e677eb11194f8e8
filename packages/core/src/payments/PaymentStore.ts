import type { Queryable } from '@agentpay/primitives';
import type { Page } from '../Page.js';
import type { Payment } from './Payment.js';

const COLUMNS = `id, rail, payer_id as "payerId", payer_wallet_id as "payerWalletId", payee_id as "payeeId",
  payee_wallet_id as "payeeWalletId", amount, fee, currency, status, service_id as "serviceId", created_at as "createdAt",
  completed_at as "completedAt"`;

export async function insertPayment(db: Queryable, payment: Payment): Promise<void> {
  await db.query(
    `insert into payments (id, rail, payer_id, payer_wallet_id, payee_id, payee_wallet_id, amount, fee, currency, status, service_id,
       created_at, completed_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      payment.id,
      payment.rail,
      payment.payerId,
      payment.payerWalletId,
      payment.payeeId,
      payment.payeeWalletId,
      payment.amount,
      payment.fee,
      payment.currency,
      payment.status,
      payment.serviceId,
      payment.createdAt,
      payment.completedAt,
    ],
  );
}

export async function findPayment(db: Queryable, id: string): Promise<Payment | undefined> {
  const [payment] = await db.query<Payment>(`select ${COLUMNS} from payments where id = $1`, [id]);
  return payment;
}

/** Payments the agent made or received, newest first. */
export function selectOwned(db: Queryable, agentId: string, { limit, offset }: Page): Promise<Payment[]> {
  return db.query<Payment>(
    `select ${COLUMNS} from payments where payer_id = $1 or payee_id = $1 order by created_at desc, id desc limit $2 offset $3`,
    [agentId, limit, offset],
  );
}
