import { PERCENT_DECIMALS, WHOLE_PPM } from '@agentpay/core';
import { checked } from '@agentpay/http';
import { parseDecimal, type Amount } from '@agentpay/primitives';

/** Above that somebody mixed units up. */
const MOST = 1_000_000_000n;

const SHARE = /^(\d{1,3}(?:\.\d{1,4})?)%$/;
const WHOLE =
  /^(\d{1,3}(?:\.\d{1,4})?)%(?: \+ (\d{1,4}(?:\.\d{1,6})?))?(?:, at least (\d{1,4}(?:\.\d{1,6})?))?$/;

export interface Fee {
  readonly ppm: bigint;
  readonly fixed: Amount;
  readonly least: Amount;
}

function feeIn(text: string, shape: RegExp): Fee | undefined {
  const [, percent, fixed = '0', least = '0'] = shape.exec(text) ?? [];
  if (percent === undefined) return undefined;
  const fee = {
    ppm: parseDecimal(percent, PERCENT_DECIMALS),
    fixed: parseDecimal(fixed),
    least: parseDecimal(least),
  };
  return fee.ppm < WHOLE_PPM && fee.fixed <= MOST && fee.least <= MOST ? fee : undefined;
}

function reader<Value>(shape: RegExp, must: string, pick: (fee: Fee) => Value) {
  return checked((text) => (feeIn(text, shape) ? undefined : must)).transform((text) => {
    const fee = feeIn(text, shape);
    return fee && pick(fee);
  });
}

/** A share: `0.4%`. */
export const feeShare = reader(SHARE, 'must be a share below 100%, such as 0.4%', ({ ppm }) => ({ ppm }));

/** A share, a fixed part and a minimum: `2% + 0.003, at least 0.10`. */
export const fee = reader(
  WHOLE,
  'must be a fee such as "0.4%", "0.4% + 0.01" or "2% + 0.003, at least 0.10": below 100%, its amounts at most 1000',
  (read) => read,
);
