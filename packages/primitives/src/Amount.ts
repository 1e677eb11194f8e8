import { AgentPayError } from './Errors.js';

/**
 * Money inside AgentPay is a bigint of base units of one asset (for USDC and sandbox USD: micro-units, 10^-6).
 * Decimal text is read and written exactly; floats never take part in arithmetic.
 */
export type Amount = bigint;

/** Decimals of USDC and of sandbox USD. */
export const MICRO_DECIMALS = 6;

/** Largest number of whole units that decimal text may say. */
const MAX_UNITS = 1_000_000_000n;

/** Largest amount of a six-decimal asset that decimal text may say, in base units. */
export const MAX_AMOUNT: Amount = MAX_UNITS * 10n ** BigInt(MICRO_DECIMALS);

const DECIMAL = /^(0|[1-9]\d{0,14})(?:\.(\d{1,18}))?$/;

/**
 * Reads plain decimal text ("0.01", "100", "100.50") as base units.
 * @throws AgentPayError `invalid_amount` for a sign, an exponent, blanks, leading zeros, more fraction digits than the
 * asset has, more than a billion units
 */
export function parseDecimal(text: string, decimals: number = MICRO_DECIMALS): Amount {
  const match = DECIMAL.exec(text);
  if (!match) throw invalid(text, 'is not a plain decimal number');
  const fraction = match[2] ?? '';
  if (fraction.length > decimals) throw invalid(text, `has more than ${decimals} fraction digits`);
  const unit = 10n ** BigInt(decimals);
  const amount = BigInt(match[1] as string) * unit + BigInt(fraction.padEnd(decimals, '0') || '0');
  if (amount > MAX_UNITS * unit) throw invalid(text, 'is above the limit');
  return amount;
}

/**
 * Reads a JSON number as base units, by its shortest decimal text.
 * @throws AgentPayError `invalid_amount` as {@link parseDecimal}; also NaN, infinities and numbers written with an exponent.
 */
export function parseNumber(value: number, decimals: number = MICRO_DECIMALS): Amount {
  return parseDecimal(String(value), decimals);
}

/**
 * Reads a price as sellers write it: "$0.01" or "0.01".
 * @throws AgentPayError `invalid_amount` as {@link parseDecimal}, and for a price of zero.
 */
export function parsePrice(text: string, decimals: number = MICRO_DECIMALS): Amount {
  const amount = parseDecimal(text.startsWith('$') ? text.slice(1) : text, decimals);
  if (amount === 0n) throw invalid(text, 'is zero');
  return amount;
}

const BASE_UNITS = /^(0|[1-9]\d{0,77})$/;
const UINT256_MAX = 2n ** 256n - 1n;

/**
 * Reads a wire amount in base units ("10000"), as x402 and MPP write it.
 * @throws AgentPayError `invalid_amount`: anything but digits, leading zeros, above 2^256-1.
 */
export function parseBaseUnits(text: string): Amount {
  if (!BASE_UNITS.test(text)) throw invalid(text, 'is not a whole number of base units');
  const amount = BigInt(text);
  if (amount > UINT256_MAX) throw invalid(text, 'is above 2^256-1');
  return amount;
}

/** Writes base units as decimal text with no more fraction digits than needed: 10000n -> "0.01". */
export function formatDecimal(amount: Amount, decimals: number = MICRO_DECIMALS): string {
  if (amount === 0n) return '0';
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return sign + digits.slice(0, digits.length - decimals) + (fraction && `.${fraction}`);
}

/** Writes base units as people read money, with two fraction digits or more: 2500000n -> "2.50". */
export function formatMoney(amount: Amount, decimals: number = MICRO_DECIMALS): string {
  const [whole, fraction = ''] = formatDecimal(amount, decimals).split('.');
  return `${whole}.${fraction.padEnd(2, '0')}`;
}

/** Writes base units as a JSON number. Exact for every amount within MAX_AMOUNT: at most 15 significant digits are written. */
export function toNumber(amount: Amount, decimals: number = MICRO_DECIMALS): number {
  return Number(formatDecimal(amount, decimals));
}

/** `amount * rate / 1_000_000`, rounded half up; `ratePpm` in parts per million. For fees. */
export function share(amount: Amount, ratePpm: bigint): Amount {
  return (amount * ratePpm + 500_000n) / 1_000_000n;
}

function invalid(text: string, why: string): AgentPayError {
  return new AgentPayError('invalid_amount', `Amount ${JSON.stringify(String(text).slice(0, 80))} ${why}.`);
}
