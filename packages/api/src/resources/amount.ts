import { isAgentPayError, parseDecimal, parseNumber, toNumber } from '@agentpay/primitives';
import { z } from 'zod';

/**
 * Money of the runtime API: a JSON number in currency units, or the same as decimal text; micro-units inside.
 * Always written as a number.
 */
export const amount = z.codec(
  z.union([z.number(), z.string().max(40)], { error: 'must be a number or decimal text' }),
  z.bigint(),
  {
    decode(wire, context) {
      try {
        return typeof wire === 'number' ? parseNumber(wire) : parseDecimal(wire);
      } catch (error) {
        if (!isAgentPayError(error, 'invalid_amount')) throw error;
        context.issues.push({
          code: 'custom',
          input: wire,
          message: error.message,
          params: { kind: 'invalid_amount' },
        });
        return z.NEVER;
      }
    },
    encode: (micro) => toNumber(micro),
  },
);

/** An {@link amount} above zero. */
export const positiveAmount = amount.refine((micro) => micro > 0n, {
  error: 'must be above zero',
  params: { kind: 'invalid_amount' },
});
