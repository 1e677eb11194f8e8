import type { Queryable } from '@agentpay/primitives';
import type { Funding, Wallet } from './Wallet.js';

const WALLET = 'id, agent_id as "agentId", currency, created_at as "createdAt"';
const FUNDING =
  'id, wallet_id as "walletId", amount, source, idempotency_key as "idempotencyKey", created_at as "createdAt"';

export async function insertWallet(db: Queryable, wallet: Wallet): Promise<void> {
  await db.query('insert into wallets (id, agent_id, currency, created_at) values ($1, $2, $3, $4)', [
    wallet.id,
    wallet.agentId,
    wallet.currency,
    wallet.createdAt,
  ]);
}

export async function findWallet(db: Queryable, id: string): Promise<Wallet | undefined> {
  const [wallet] = await db.query<Wallet>(`select ${WALLET} from wallets where id = $1`, [id]);
  return wallet;
}

export async function findByCurrency(
  db: Queryable,
  agentId: string,
  currency: string,
): Promise<Wallet | undefined> {
  const [wallet] = await db.query<Wallet>(
    `select ${WALLET} from wallets where agent_id = $1 and currency = $2 order by created_at, id limit 1`,
    [agentId, currency],
  );
  return wallet;
}

/** False when the wallet was funded under the same idempotency key before. */
export async function insertFunding(db: Queryable, funding: Funding): Promise<boolean> {
  const rows = await db.query(
    `insert into fundings (id, wallet_id, amount, source, idempotency_key, created_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (wallet_id, idempotency_key) do nothing returning id`,
    [funding.id, funding.walletId, funding.amount, funding.source, funding.idempotencyKey, funding.createdAt],
  );
  return rows.length === 1;
}

export async function findFunding(
  db: Queryable,
  walletId: string,
  idempotencyKey: string,
): Promise<Funding | undefined> {
  const [funding] = await db.query<Funding>(
    `select ${FUNDING} from fundings where wallet_id = $1 and idempotency_key = $2`,
    [walletId, idempotencyKey],
  );
  return funding;
}
