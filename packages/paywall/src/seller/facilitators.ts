import { AgentPayError, isAgentPayError, type Clock } from '@agentpay/primitives';
import { httpFacilitator, type Facilitator, type FacilitatorRequest } from '@agentpay/protocol';
import type { Report } from './Report.js';
import { facilitatorsIn, type Accept } from './PaymentOption.js';

type FacilitatorOption = Required<Accept>['facilitator'];

interface Context {
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch | undefined;
  readonly report: Report;
}

/** Time for /verify, shared by all facilitators of a list, in ms. */
const VERIFY_BUDGET_MS = 10_000;
const MIN_VERIFY_MS = 2_000;

/** Turns the option into a facilitator; the same one for the same option, so that its state is shared. */
export function facilitatorsOf(context: Context): (option: FacilitatorOption) => Facilitator {
  const made = new Map<FacilitatorOption, Facilitator>();
  return (option) => {
    const known = made.get(option);
    if (known) return known;
    const list = facilitatorsIn(option);
    const verifyTimeoutMs = Math.max(MIN_VERIFY_MS, VERIFY_BUDGET_MS / list.length);
    const open = (one: string | Facilitator, index: number) => {
      const facilitator =
        typeof one === 'string' ? httpFacilitator({ url: one, fetch: context.fetch, verifyTimeoutMs }) : one;
      return withBreaker(facilitator, typeof one === 'string' ? one : `facilitator ${index + 1}`, context);
    };
    const facilitator = failover(list.map(open) as [Facilitator, ...Facilitator[]]);
    made.set(option, facilitator);
    return facilitator;
  };
}

/** Failures in a row after which a facilitator is left alone, and for how long. */
const BREAK_AFTER = 5;
const BREAK_MS = 5_000;

/**
 * Circuit breaker: after some failures in a row calls fail at once with `facilitator_unavailable`, which is true of them: they were not
 * sent. After a pause one call tries whether the facilitator is back.
 */
export function withBreaker(
  facilitator: Facilitator,
  name: string,
  { clock, report }: Pick<Context, 'clock' | 'report'>,
): Facilitator {
  let failures = 0;
  let closedUntil = 0;

  async function guarded<T>(call: () => Promise<T>): Promise<T> {
    if (failures >= BREAK_AFTER) {
      const now = clock.now();
      if (now < closedUntil) throw leftAlone();
      closedUntil = now + BREAK_MS; // this call probes; others fail until it has succeeded
    }
    try {
      const response = await call();
      failures = 0;
      return response;
    } catch (error) {
      if (++failures >= BREAK_AFTER) closedUntil = clock.now() + BREAK_MS;
      if (failures === BREAK_AFTER) report({ what: `${name} fails and is left alone for a while`, error });
      throw error;
    }
  }

  return {
    verify: (request) => guarded(() => facilitator.verify(request)),
    settle: (request) => guarded(() => facilitator.settle(request)),
    supported: () => guarded(() => facilitator.supported()),
    ...(facilitator.settlement && { settlement: facilitator.settlement }),
  };
}

function leftAlone(): AgentPayError {
  return new AgentPayError('facilitator_unavailable', 'The facilitator is out of order.', {
    retryAfter: BREAK_MS / 1000,
  });
}

/**
 * Several facilitators as one. To verify, the first response counts. To settle, the next one is asked only when the one before
 * certainly did not take the request. Once one may have taken it, that one alone is asked again.
 */
export function failover(list: readonly [Facilitator, ...Facilitator[]]): Facilitator {
  const takenBy = new WeakMap<FacilitatorRequest, Facilitator>();

  async function first<T>(
    call: (facilitator: Facilitator) => Promise<T>,
    mayGoOn: (error: unknown) => boolean,
  ): Promise<T> {
    let last: unknown;
    for (const facilitator of list) {
      try {
        return await call(facilitator);
      } catch (error) {
        if (!mayGoOn(error)) throw error;
        last = error;
      }
    }
    throw last;
  }

  if (list.length === 1) return list[0];
  return {
    verify: (request) =>
      first(
        (facilitator) => facilitator.verify(request),
        () => true,
      ),
    supported: () =>
      first(
        (facilitator) => facilitator.supported(),
        () => true,
      ),
    // Whoever may have taken it knows.
    settlement: async (request) => takenBy.get(request)?.settlement?.(request),
    settle(request) {
      const owner = takenBy.get(request);
      if (owner) return owner.settle(request);
      const ask = async (facilitator: Facilitator) => {
        takenBy.set(request, facilitator);
        return facilitator.settle(request);
      };
      const notTaken = (error: unknown) => {
        const certain = isAgentPayError(error, 'facilitator_unavailable');
        if (certain) takenBy.delete(request);
        return certain;
      };
      return first(ask, notTaken);
    },
  };
}
