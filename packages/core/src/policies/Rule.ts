import type { Amount } from '@agentpay/primitives';

/** Hours of a day in a time zone; `from` may be later than `to`, which is over midnight. Equal: the whole day. */
export interface Hours {
  /** "22:00" */
  readonly from: string;
  /** "06:00", itself not included. */
  readonly to: string;
}

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** What a party may spend. Amounts are base units of six-decimal assets, without fees on top. */
export type RuleTerms =
  | {
      readonly kind:
        | 'per_tx'
        | 'daily'
        | 'monthly'
        | 'max_amount'
        | 'monthly_usdc'
        | 'approval_over'
        /** The cap of one usage agreement. */
        | 'agreement_cap';
      readonly amount: Amount;
    }
  /** The only payees: ids of parties, wallets or services, or labels of external ones. */
  | { readonly kind: 'allowlist'; readonly sellers: readonly string[] }
  | {
      readonly kind: 'time_restriction';
      readonly hours?: Hours | undefined;
      readonly days?: readonly Weekday[] | undefined;
      /** An IANA name. */
      readonly timeZone: string;
    }
  /** For one payee, or for each without `seller`; for ever without `period`. Counted from the making of the rule. */
  | {
      readonly kind: 'per_seller_cap';
      readonly seller?: string | undefined;
      readonly amount: Amount;
      readonly period?: 'day' | 'month' | undefined;
    }
  /** The only categories of services that agreements are about. */
  | { readonly kind: 'categories'; readonly categories: readonly string[] }
  /** The only rails. */
  | { readonly kind: 'rail'; readonly rails: readonly string[] }
  /** Nothing may be spent. */
  | { readonly kind: 'kill_switch' };

export type RuleKind = RuleTerms['kind'];

/** Terms with the id under which they are kept. */
export type Rule = RuleTerms & {
  readonly id: string;
  /** False: kept, and not enforced. */
  readonly active?: boolean;
  /** Who may change it beside the operator of the platform: the owner of the party, or nobody. */
  readonly setBy?: 'owner';
};

/** All rules of one party, and who else has rules for it. */
export interface PolicySet {
  readonly partyId: string;
  /** Grows with every change. */
  readonly version: bigint;
  readonly archived: boolean;
  /** Organizations whose rules apply, too. */
  readonly orgs: readonly string[];
  readonly rules: readonly Rule[];
}
