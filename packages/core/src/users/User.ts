/** Who vouches for an account. `development`: nobody, on a machine of a developer. */
export type Provider = 'github' | 'development';

/** An account at a provider, as the provider describes it. */
export interface SignInAccount {
  readonly provider: Provider;
  /** Names the account for ever; a login may pass to somebody else. */
  readonly accountId: string;
  readonly login: string;
  readonly name: string | null;
  /** URL of a picture. */
  readonly image: string | null;
}

/** A person who signs in to the dashboard; owns agents and keys. */
export interface User extends SignInAccount {
  readonly id: string;
  readonly createdAt: Date;
}
