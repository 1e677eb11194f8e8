/** A shared session of the public sandbox: a demo agent that a host and its guests use together. */
export interface ExplorerSession {
  /** `exs_...` */
  readonly id: string;
  readonly agentId: string;
  readonly walletId: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** A way into a session for guests. Its code is kept as a hash. */
export interface ExplorerInvite {
  /** `exi_...` */
  readonly id: string;
  readonly sessionId: string;
  readonly hash: string;
  readonly expiresAt: Date;
  readonly usesLeft: number;
}

/** The host made the session; guests were invited. */
export type ExplorerRole = 'host' | 'guest';

/** What an access token says. */
export interface AccessClaims {
  readonly sessionId: string;
  readonly role: ExplorerRole;
  readonly expiresAt: Date;
}
