import { design, FOR_EVER, requestIdOf } from '@agentpay/http';
import { readFileSync } from 'node:fs';
import { AgentPayError } from '@agentpay/primitives';
import { addressSchema } from '@agentpay/protocol';
import type { Express, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { RunningFacilitator } from '../engine/Facilitator.js';
import type { Readiness } from '../operations/Readiness.js';
import { isSettlementId, type SettlementBook, type SettlementRecord } from '../operations/SettlementBook.js';
import { guard, keyNameOf, type Access } from './access.js';
import { readQuery } from './query.js';

export interface OperationRoutesOptions {
  readonly facilitator: RunningFacilitator;
  readonly book: SettlementBook;
  readonly access: Access;
  readonly log: Logger;
  readonly readiness?: Readiness | undefined;
}

const listQuery = z.object({
  state: z.enum(['claimed', 'sent', 'settled', 'failed']).optional(),
  payer: addressSchema.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(25),
  cursor: z.string().refine(isSettlementId, 'is not a cursor of this list').optional(),
});
const activityQuery = z.object({ hours: z.coerce.number().int().min(1).max(168).default(24) });

/** `/settlements` and `/admin`: what operators see and do, with a key of the scope `admin`. */
export function operationRoutes(
  app: Express,
  { facilitator, book, access, log, readiness }: OperationRoutesOptions,
): void {
  const admin = guard(access, 'admin');

  app.get(
    '/settlements',
    admin,
    async (req, res) => void res.json(await book.list(readQuery(listQuery, req.query))),
  );

  app.get(
    '/settlements/:id',
    admin,
    async (req, res) => void res.json(await findRecord(book, req.params['id'])),
  );

  app.post('/settlements/:id/reconcile', admin, async (req, res) => {
    const { id, state } = await findRecord(book, req.params['id']);
    await facilitator.reconcile(id);
    const after = await findRecord(book, id);
    log.info(
      { requestId: requestIdOf(res), key: keyNameOf(res), settlement: id, before: state, after: after.state },
      'reconcile',
    );
    res.json(after);
  });

  app.get('/admin/activity', admin, async (req, res) => {
    const { hours } = readQuery(activityQuery, req.query);
    res.json({ hours: await book.activity(hours) });
  });

  app.get('/admin/health', admin, async (_req, res) => void res.json(await healthOf(facilitator, readiness)));

  for (const { path, type, text } of Object.values(design))
    app.get(path, (_req, res) => void res.set('Cache-Control', FOR_EVER).type(type).send(text));
  for (const [path, file, type] of pageFiles) app.get(path, pageFile(file, type));
}

/** What each part says of itself, and what every signer account holds for gas, in wei. None where the chain does not say. */
async function healthOf(facilitator: RunningFacilitator, readiness: Readiness | undefined) {
  if (!readiness) {
    const ready = await facilitator.ready().then(
      () => true,
      () => false,
    );
    return { ready, checks: {}, signers: [] };
  }
  const [{ ready, checks }, balances] = await Promise.all([
    readiness.check(),
    readiness.balances().catch(() => new Map<string, bigint>()),
  ]);
  const signers = [...balances].map(([address, wei]) => ({ address, wei: String(wei) }));
  return { ready, checks, signers };
}

async function findRecord(book: SettlementBook, id: unknown): Promise<SettlementRecord> {
  const record = typeof id === 'string' && isSettlementId(id) ? await book.get(id) : undefined;
  if (!record) throw new AgentPayError('not_found', 'There is no settlement with this id.');
  return record;
}

/** The page holds no data: it asks for them with the key that is typed into it. */
const pageFiles = [
  ['/admin', 'admin.html', 'text/html; charset=utf-8'],
  ['/admin/admin.js', 'admin.js', 'text/javascript; charset=utf-8'],
  ['/admin/admin.css', 'admin.css', 'text/css; charset=utf-8'],
] as const;

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function pageFile(file: string, type: string): RequestHandler {
  const text = readFileSync(new URL(`../../assets/${file}`, import.meta.url), 'utf8')
    .replace('{{design.css}}', design.css.path)
    .replace('{{design.theme}}', design.theme.path);
  return (_req, res) => void res.set('Content-Security-Policy', PAGE_POLICY).type(type).send(text);
}
