/** A key of a user, as its user sees it. */
export interface UserKey {
  /** `key_...`: that of the credential. Wallets are made for it. */
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly revokedAt: Date | null;
  readonly createdAt: Date;
}

/** As it is kept. */
export interface KeptUserKey extends UserKey {
  /** The key itself, sealed, for the dashboard of its user. */
  readonly sealedKey: string;
}
