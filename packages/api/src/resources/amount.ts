import {
  AgentPayError,
  formatDecimal,
  isAgentPayError,
  MAX_AMOUNT,
  MICRO_DECIMALS,
  parseBaseUnits,
  parseDecimal,
  parseNumber,
  parsePrice,
  toNumber,
} from '@agentpay/primitives';
import * as z from 'zod';

/** Micro-units in a cent. */
const CENT = 10n ** BigInt(MICRO_DECIMALS - 2);

/** A refinement for money above zero: `amount.refine(...aboveZero)`. */
const aboveZero = [
  (units: bigint) => units > 0n,
  { error: 'must be above zero', params: { kind: 'invalid_amount' } },
] as const;

/** The decoding side of a codec; what `read` refuses as an amount becomes an issue that says so. */
function reading<Wire>(read: (value: Wire) => bigint) {
  return (value: Wire, context: z.core.ParsePayload<Wire>): bigint => {
    try {
      return read(value);
    } catch (error) {
      if (!isAgentPayError(error, 'invalid_amount')) throw error;
      const params = { kind: 'invalid_amount' };
      context.issues.push({ code: 'custom', input: value, message: error.message, params });
      return z.NEVER;
    }
  };
}

const numberOrText = z.union([z.number(), z.string().max(40)], { error: 'must be a number or decimal text' });

const readDecimal = (value: number | string) =>
  typeof value === 'number' ? parseNumber(value) : parseDecimal(value);

/** Micro-units as a JSON number of currency units with at most six decimals. Decimal text is read as well. */
export const amount = z
  .codec(numberOrText, z.bigint(), {
    decode: reading(readDecimal),
    encode: (micro) => toNumber(micro),
  })
  .meta({ wire: { type: 'number', description: 'Currency units, at most six decimals.' } });

/** Micro-units as a JSON number of dollars above zero. Text is read as well, as prices are written: "$0.05". */
export const dollars = z
  .codec(numberOrText, z.bigint(), {
    decode: reading((value) => (typeof value === 'number' ? parseNumber(value) : parsePrice(value))),
    encode: (micro) => toNumber(micro),
  })
  .refine(...aboveZero)
  .meta({ wire: { type: 'number', description: 'Dollars, at most six decimals.' } });

/** An {@link amount} above zero. */
export const positiveAmount = amount.refine(...aboveZero);

/** Micro-units as decimal text with two decimals or as many as it needs: "100.00", "0.005". A JSON number is read as well. */
export const decimalAmount = z
  .codec(numberOrText, z.bigint(), {
    decode: reading(readDecimal),
    encode: writeDecimal,
  })
  .meta({ wire: { type: 'string', description: 'Decimal number of currency units, at most six decimals.' } });

/** A {@link decimalAmount} above zero. */
export const positiveDecimalAmount = decimalAmount.refine(...aboveZero);

/** Micro-units as whole cents; also as digits, as a query string has them. Writing an amount that is no whole number of cents throws. */
export const cents = z
  .codec(
    z.union([z.number(), z.string().max(20)], { error: 'must be a whole number of cents' }),
    z.bigint(),
    { decode: reading(readCents), encode: writeCents },
  )
  .meta({ wire: { type: 'integer', minimum: 0, description: 'Whole cents.' } });

/** {@link cents} above zero. */
export const positiveCents = cents.refine(...aboveZero);

/** Base units of an asset as digits, as x402 writes them: "10000". */
export const assetUnits = z
  .codec(z.string({ error: 'must be a whole number of base units as text' }).max(78), z.bigint(), {
    decode: reading(parseBaseUnits),
    encode: String,
  })
  .meta({ wire: { type: 'string', pattern: '^[0-9]+$', description: 'Base units of the asset.' } });

function readCents(value: number | string): bigint {
  const micro = parseBaseUnits(String(value)) * CENT;
  if (micro > MAX_AMOUNT) throw new AgentPayError('invalid_amount', 'The amount is above the limit.');
  return micro;
}

function writeDecimal(micro: bigint): string {
  const [units = '', fraction = ''] = formatDecimal(micro).split('.');
  return `${units}.${fraction.padEnd(2, '0')}`;
}

function writeCents(micro: bigint): number {
  if (micro % CENT !== 0n) throw new RangeError(`${micro} micro-units are not a whole number of cents`);
  return Number(micro / CENT);
}
