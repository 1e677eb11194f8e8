import { share } from '@agentpay/primitives';
import type { Amount } from '@agentpay/primitives';
import { assertSetting } from './settings.js';

/** How a fee is borne: by the payer on top of the amount, by the payee out of it, or by a permit of the payer for the fee alone. */
export type FeeMode = 'on_top' | 'from_gross' | 'by_permit';

/** The fee of one product: a share and a fixed part, at least so much, and how it is borne. */
export interface FeeTerms {
  readonly mode: FeeMode;
  /** Parts per million of the amount. */
  readonly ppm: bigint;
  readonly fixed: Amount;
  readonly least: Amount;
}

/** What the platform takes for each of its products; all of it, and nowhere else. */
export interface FeeSchedule {
  /** Payments from a wallet. */
  readonly payment: FeeTerms;
  /** Calls that are paid by token. */
  readonly call: FeeTerms;
  /** What developers earn: calls of gateways, bundles, authorizations. */
  readonly marketplace: FeeTerms;
  /** Direct purchases. */
  readonly direct: FeeTerms;
  /** What sellers are paid by agreements. */
  readonly agreement: FeeTerms;
  /** The activation of an agreement on a chain. */
  readonly infra: Amount;
}

type Rates<Name extends keyof Omit<FeeTerms, 'mode'>> = Partial<Pick<FeeTerms, Name>>;

/** What is given in place of the defaults. Out of an amount only a share is taken, so that what is left of it is never nothing. */
export interface GivenFees {
  readonly payment?: Rates<'ppm' | 'fixed' | 'least'> | undefined;
  readonly direct?: Rates<'ppm' | 'fixed' | 'least'> | undefined;
  readonly call?: Rates<'ppm'> | undefined;
  readonly marketplace?: Rates<'ppm'> | undefined;
  readonly agreement?: Rates<'ppm'> | undefined;
  readonly infra?: Amount | undefined;
}

/** Parts per million in a whole, and in a percent, which therefore has so many decimals. */
export const WHOLE_PPM = 1_000_000n;
export const PERCENT_PPM = 10_000n;
export const PERCENT_DECIMALS = 4;

/** @throws AgentPayError `invalid_request` for a fee that cannot be: below zero, or as much as what it is taken of */
export function feeSchedule(given: GivenFees): FeeSchedule {
  const none = { ppm: 0n, fixed: 0n, least: 0n };
  const terms = {
    payment: { mode: 'on_top', ...none, ppm: 4_000n, ...given.payment },
    call: { mode: 'from_gross', ...none, ppm: 4_000n, ...given.call },
    marketplace: { mode: 'from_gross', ...none, ppm: 50_000n, ...given.marketplace },
    direct: { mode: 'by_permit', ppm: 20_000n, fixed: 3_000n, least: 100_000n, ...given.direct },
    agreement: { mode: 'from_gross', ...none, ...given.agreement },
  } as const satisfies Omit<FeeSchedule, 'infra'>;
  for (const [product, { ppm, fixed, least }] of Object.entries(terms)) {
    assertSetting(ppm >= 0n && ppm < WHOLE_PPM, `fees.${product}.ppm`, `from 0 to ${WHOLE_PPM - 1n}`);
    assertSetting(fixed >= 0n && least >= 0n, `fees.${product}`, 'not negative');
  }
  const { infra = 100_000n } = given;
  assertSetting(infra >= 0n, 'fees.infra', 'not negative');
  return { ...terms, infra };
}

/** The fee on an amount, rounded half up. */
export function feeOn(amount: Amount, { ppm, fixed, least }: FeeTerms): Amount {
  const fee = share(amount, ppm) + fixed;
  return fee < least ? least : fee;
}
