import type { IncomingMessage, ServerResponse } from 'node:http';
import { AgentPayError } from '@agentpay/primitives';
import { mpp, reasons, x402v1, x402v2, type Facilitator } from '@agentpay/protocol';

/** What can be made to go wrong, and how it looks to a buyer. */
export const faults = {
  none: 'the seller delivers',
  slow: 'the response takes a while',
  error: 'the seller fails after the proof was verified: 500, nothing is charged',
  lost_response: 'the connection ends after the payment; the same proof gets the response',
  refused: 'the payer has no money: 402 with a reason',
  unavailable: 'the facilitator is away: 503, nothing is charged',
  pending: 'the outcome of the payment is not known at first: 503; the same proof gets the response',
} as const;

export type Fault = keyof typeof faults;
export const faultNames = Object.keys(faults) as Fault[];

export function isFault(text: string): text is Fault {
  return Object.hasOwn(faults, text);
}

/** How many settlements of a payment have no outcome yet: as many as a paywall tries for one request. */
const PENDING_ATTEMPTS = 4;
/** Payments that are remembered. */
const MAX_SEEN = 10_000;

/** The facilitator with the fault, where the fault is one of the facilitator. */
export function withFault(facilitator: Facilitator, fault: Fault): Facilitator {
  switch (fault) {
    case 'refused':
      return {
        ...facilitator,
        verify: async () => ({ isValid: false, invalidReason: reasons.insufficientBalance.v2 }),
      };
    case 'unavailable':
      return {
        ...facilitator,
        verify: async () => {
          throw new AgentPayError('facilitator_unavailable', 'The facilitator is away.', { retryAfter: 1 });
        },
      };
    case 'pending':
      return pendingAtFirst(facilitator);
    default:
      return facilitator;
  }
}

function pendingAtFirst(facilitator: Facilitator): Facilitator {
  const attempts = new Map<string, number>();
  return {
    ...facilitator,
    async settle(request) {
      const key = JSON.stringify(request.paymentPayload.payload);
      const attempt = (attempts.get(key) ?? 0) + 1;
      remember(attempts, key, attempt);
      if (attempt > PENDING_ATTEMPTS) return facilitator.settle(request);
      const { network } = request.paymentRequirements;
      return { success: false, transaction: '', network, errorReason: reasons.settlementPending.v2 };
    },
  };
}

/** Cuts the connection in place of the first successful response to each proof. */
export function responseLoser(): (req: IncomingMessage, res: ServerResponse) => void {
  const lost = new Map<string, true>();
  return (req, res) => {
    const proof = proofOf(req);
    if (proof === undefined || lost.has(proof)) return;
    const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
    res.end = ((...args: unknown[]) => {
      if (res.statusCode !== 200) return end(...args);
      remember(lost, proof, true);
      return res.destroy();
    }) as typeof res.end;
  };
}

function proofOf({ headers }: IncomingMessage): string | undefined {
  const names = [x402v2.PAYMENT_SIGNATURE, x402v1.X_PAYMENT, mpp.AUTHORIZATION];
  return names.map((name) => headers[name.toLowerCase()]).find((value) => typeof value === 'string') as
    | string
    | undefined;
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  if (map.size > MAX_SEEN) map.delete(map.keys().next().value as string);
}
