import { AgentPayError } from '@agentpay/primitives';
import type { Report } from '../seller/Report.js';

/** Wraps calls of a store: one that fails is reported as `fault` and rejects with `unavailable` and `message`. */
export function storeAsker(
  report: Report,
  { fault, message }: { fault: string; message: string },
): <T>(answer: Promise<T>) => Promise<T> {
  return async (answer) => {
    try {
      return await answer;
    } catch (cause) {
      report({ what: fault, error: cause });
      throw new AgentPayError('unavailable', message, { cause, retryAfter: 2 });
    }
  };
}
