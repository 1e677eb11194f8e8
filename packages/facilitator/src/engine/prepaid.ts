import { createHash } from 'node:crypto';
import type { Clock, Db } from '@agentpay/primitives';
import {
  isNonceUsed,
  isPrepaid,
  jcs,
  purchaseText,
  reasonCode,
  type Facilitator,
  type FacilitatorRequest,
  type x402v2,
} from '@agentpay/protocol';

type SettleResponse = x402v2.SettleResponse;

/** What was settled for a payer before its seller saw it, and whether it has bought anything. */
interface Grant {
  readonly hash: string;
  readonly taken: boolean;
}

/**
 * Lets a payment that its payer has had settled buy one response: whoever settles with the extension `prepaid` pays now, and the first
 * seller who then asks to settle the very same payment is told that it succeeded, as if it had moved the money itself. Every later seller
 * is refused, so that no payment buys twice. A seller who names the purchase, as AgentPay's paywall does, hears the same again.
 */
export function withPrepaid<F extends Facilitator>(inner: F, { db, clock }: { db: Db; clock: Clock }): F {
  const now = () => new Date(clock.now());
  return {
    ...inner,
    async verify(request) {
      const verdict = await inner.verify(request);
      if (verdict.isValid || !isNonceUsed(verdict.invalidReason)) return verdict;
      const granted = await find(db, request);
      const { payer } = verdict;
      return granted && !granted.taken ? { isValid: true, ...(payer !== undefined && { payer }) } : verdict;
    },
    async settle(request) {
      const settled = await inner.settle(request);
      if (request.x402Version === 2 && isPrepaid(request.paymentPayload.extensions)) {
        if (settled.success) await grant(db, request, { hash: settled.transaction, at: now() });
        return settled;
      }
      // What is prepaid was settled as another purchase than the seller's.
      if (settled.success || !mayBeGranted(settled)) return settled;
      const granted = await find(db, request);
      return granted ? told(request, settled, granted, await take(db, request, now())) : settled;
    },
  };
}

async function find(db: Db, request: FacilitatorRequest): Promise<Grant | undefined> {
  const named = nameOf(request);
  if (!named) return undefined;
  const [grant] = await db.query<Grant>(
    'select hash, taken_at is not null as taken from facilitator_grants where key = $1 and digest = $2',
    [named.key, named.digest],
  );
  return grant;
}

async function grant(
  db: Db,
  request: FacilitatorRequest,
  { hash, at }: { hash: string; at: Date },
): Promise<void> {
  const named = nameOf(request);
  if (!named) return;
  await db.query(
    'insert into facilitator_grants (key, digest, hash, created_at) values ($1, $2, $3, $4) on conflict (key) do nothing',
    [named.key, named.digest, hash, at],
  );
}

/** Of any number of sellers the first; afterwards that one alone, if it says what is bought. */
async function take(db: Db, request: FacilitatorRequest, at: Date): Promise<'first' | 'again' | 'refused'> {
  const { key } = nameOf(request) as Named;
  const [taken] = await db.query<{ first: boolean }>(
    `update facilitator_grants as held set taken_at = coalesce(held.taken_at, $2), purchase = $3
       from (select key, taken_at from facilitator_grants where key = $1 for update) as before
      where held.key = before.key and (before.taken_at is null or (held.purchase = $3 and $3 <> ''))
     returning before.taken_at is null as first`,
    [key, at, purchaseOf(request)],
  );
  return taken ? (taken.first ? 'first' : 'again') : 'refused';
}

function told(
  { x402Version }: FacilitatorRequest,
  { network, payer }: SettleResponse,
  { hash }: Grant,
  outcome: 'first' | 'again' | 'refused',
): SettleResponse {
  const common = { network, ...(payer !== undefined && { payer }) };
  if (outcome !== 'refused')
    return { success: true, transaction: hash, ...common, ...(outcome === 'again' && { repeat: true }) };
  return {
    success: false,
    transaction: '',
    ...common,
    errorReason: reasonCode('duplicateSettlement', x402Version),
    errorMessage: 'The payment has bought a response already.',
  };
}

function mayBeGranted({ errorReason }: SettleResponse): boolean {
  return isNonceUsed(errorReason) || errorReason === reasonCode('duplicateSettlement', 2);
}

function purchaseOf(request: FacilitatorRequest): string {
  return request.x402Version === 2
    ? purchaseText(request.paymentPayload.extensions)
    : purchaseText(request.paymentRequirements.extra);
}

interface Named {
  readonly key: string;
  readonly digest: string;
}

/** What a payment by EIP-3009 or Permit2 is known by; undefined for any other. */
function nameOf({ paymentPayload, paymentRequirements }: FacilitatorRequest): Named | undefined {
  type Signed = { from?: unknown; nonce?: unknown };
  const {
    permit2Authorization,
    authorization = permit2Authorization,
    signature,
  } = paymentPayload.payload as {
    authorization?: Signed;
    permit2Authorization?: Signed;
    signature?: unknown;
  };
  if (typeof authorization?.from !== 'string' || typeof authorization.nonce !== 'string') return undefined;
  const { asset, payTo } = paymentRequirements;
  const key = [asset, authorization.from, authorization.nonce].join(':').toLowerCase();
  const signed = jcs({ authorization, signature, payTo }).toLowerCase();
  return { key, digest: createHash('sha256').update(signed).digest('hex') };
}
