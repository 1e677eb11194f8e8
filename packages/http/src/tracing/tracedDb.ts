import type { Db, Queryable } from '@agentpay/primitives';
import type { Tracing } from './Tracing.js';

/** Each statement and each transaction that belongs to a span is one below it; of a statement its verb and its table are told. */
export function tracedDb(db: Db, tracing: Tracing): Db {
  const span = <T>(name: string, work: () => Promise<T>) =>
    tracing.span({
      name,
      kind: 'client',
      place: 'below',
      attributes: { 'db.system.name': 'postgresql' },
      work,
    });
  const query =
    (on: Db | Queryable): Db['query'] =>
    (sql, params, options) =>
      span(`db ${summaryOf(sql)}`, () => on.query(sql, params, options));
  return {
    ...db,
    query: query(db),
    tx: (work, options) =>
      span('db transaction', () => db.tx((tx) => work({ ...tx, query: query(tx) }), options)),
  };
}

function summaryOf(sql: string): string {
  const verb = /\b(select|insert|update|delete|set)\b/i.exec(sql)?.[1]?.toLowerCase() ?? 'query';
  const table = /\b(?:from|into|update)\s+([a-z]\w*)/i.exec(sql)?.[1];
  return table === undefined ? verb : `${verb} ${table}`;
}
