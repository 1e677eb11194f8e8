import type { Queryable } from '@agentpay/primitives';
import { table } from '../table.js';
import type { SignInAccount, User } from './User.js';

export const users = table<User>('users', {
  id: 'text',
  provider: 'text',
  accountId: 'text',
  login: 'text',
  name: 'text',
  image: 'text',
  createdAt: 'timestamptz',
});

/** Makes sign-ins of one account wait for each other until the transaction ends, also before there is a row to lock. */
export async function lockAccount(db: Queryable, { provider, accountId }: SignInAccount): Promise<void> {
  await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`user ${provider} ${accountId}`]);
}
