import { createHash } from 'node:crypto';
import { AgentPayError, type Clock, type Db } from '@agentpay/primitives';
import { jcs, PAYMENT_IDENTIFIER, type FacilitatorRequest, type x402v2 } from '@agentpay/protocol';
import { z } from 'zod';

/** An id names one payment for this long. */
const LIFE_MS = 24 * 3_600_000;
const SWEEP_EVERY_MS = 60_000;

const extensionSchema = z.object({
  info: z.object({
    required: z.boolean().optional(),
    id: z
      .string()
      .regex(/^[A-Za-z0-9_-]{16,128}$/)
      .optional(),
  }),
});

/**
 * Ids that payers give their payments: the same id with the same payment gets the same response, because settlement remembers; with
 * another payment it is refused, so that a client that signs anew after a lost response is not charged twice. An id counts per payee.
 */
export interface PaymentIdentifiers {
  /**
   * Settles unless the id of the request belongs to another payment. Only a payment that was made, or may have been, keeps its id.
   * @throws AgentPayError `payment_malformed` for an id of the wrong shape, or none where one is required; `conflict`
   */
  guard(
    request: FacilitatorRequest,
    settle: () => Promise<x402v2.SettleResponse>,
  ): Promise<x402v2.SettleResponse>;
}

/**
 * Payment identifiers in the tables of `migrations`.
 * @example
 * ```ts
 * import { migrations, paymentIdentifiers } from '@agentpay/facilitator';
 * import { systemClock } from '@agentpay/primitives';
 * import { migrate, pgDb } from '@agentpay/storage';
 *
 * const db = await pgDb({ url: process.env['DATABASE_URL'] ?? '' });
 * await migrate(db, migrations);
 * paymentIdentifiers(db, systemClock); // for `createApp`
 * await db.close();
 * ```
 */
export function paymentIdentifiers(db: Db, clock: Clock): PaymentIdentifiers {
  let nextSweep = 0;

  /** Ids that ran out are forgotten, some at a time. */
  async function sweep(now: number): Promise<void> {
    if (now < nextSweep) return;
    nextSweep = now + SWEEP_EVERY_MS;
    await db.query(
      `delete from facilitator_payment_ids where (scope, id) in
         (select scope, id from facilitator_payment_ids where expires_at <= $1 order by expires_at limit 10000)`,
      [new Date(now)],
    );
  }

  /** Binds the id to the payment; false when it was bound already, to this one. */
  async function bind({ scope, id, payment }: Naming): Promise<boolean> {
    const now = clock.now();
    await sweep(now);
    const bound = await db.query<{ payment: string }>(
      `insert into facilitator_payment_ids as held (scope, id, payment, expires_at) values ($1, $2, $3, $4)
       on conflict (scope, id) do update set payment = excluded.payment, expires_at = excluded.expires_at where held.expires_at <= $5
       returning payment`,
      [scope, id, payment, new Date(now + LIFE_MS), new Date(now)],
    );
    if (bound.length > 0) return true;
    const [held] = await db.query<{ payment: string }>(
      'select payment from facilitator_payment_ids where scope = $1 and id = $2',
      [scope, id],
    );
    if (!held || held.payment === payment) return false;
    throw new AgentPayError('conflict', 'This payment identifier belongs to another payment.', {
      reason: 'payment_identifier_conflict',
    });
  }

  const free = ({ scope, id, payment }: Naming) =>
    db.query('delete from facilitator_payment_ids where scope = $1 and id = $2 and payment = $3', [
      scope,
      id,
      payment,
    ]);

  return {
    async guard(request, settle) {
      const naming = namingOf(request);
      if (!naming) return settle();
      const first = await bind(naming);
      const response = await settle().catch(async (error: unknown) => {
        if (first && isRefused(error)) await free(naming);
        throw error;
      });
      const untouched =
        !response.success && response.transaction === '' && response.errorReason !== 'settlement_pending';
      if (first && untouched) await free(naming);
      return response;
    },
  };
}

interface Naming {
  readonly scope: string;
  readonly id: string;
  /** Hash of the payment. */
  readonly payment: string;
}

function namingOf(request: FacilitatorRequest): Naming | undefined {
  const extension =
    request.x402Version === 2 ? request.paymentPayload.extensions?.[PAYMENT_IDENTIFIER] : undefined;
  if (extension === undefined || extension === null) return undefined;
  const parsed = extensionSchema.safeParse(extension);
  const refuse = (message: string) =>
    new AgentPayError('payment_malformed', message, { reason: 'invalid_payload' });
  if (!parsed.success)
    throw refuse('The payment identifier must have 16 to 128 of the characters A-Z, a-z, 0-9, _ and -.');
  const { id, required } = parsed.data.info;
  if (id === undefined && required) throw refuse('The seller requires a payment identifier.');
  if (id === undefined) return undefined;
  const { network, payTo } = request.paymentRequirements;
  const payment = createHash('sha256').update(jcs(request.paymentPayload.payload)).digest('hex');
  return { scope: `${network}:${payTo}`.toLowerCase(), id, payment };
}

/** Whether the error proves that the payment was not taken. */
function isRefused(error: unknown): boolean {
  return (
    error instanceof AgentPayError && ['payment_malformed', 'facilitator_overloaded'].includes(error.kind)
  );
}
