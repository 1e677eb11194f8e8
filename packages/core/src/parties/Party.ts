/** Who can own money, keys and webhook endpoints. */
export type PartyKind = 'agent' | 'developer' | 'gateway' | 'org' | 'user' | 'platform';

/** An owner. What else is known of it is in the slice of its kind, under the same id. */
export interface Party<Kind extends PartyKind = PartyKind> {
  readonly id: string;
  readonly kind: Kind;
}

/** The operator of this installation: owns the platform's own accounts and acts with the admin key. */
export const platform: Party<'platform'> = { id: 'platform', kind: 'platform' };
