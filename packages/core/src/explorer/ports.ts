import type { AccessClaims } from './Session.js';

/** Writes and reads the access tokens of explorer sessions. */
export interface AccessTokens {
  sign(claims: AccessClaims): Promise<string>;
  /** Undefined for a token that is forged, malformed or expired. */
  verify(token: string): Promise<AccessClaims | undefined>;
}

export interface ExplorerPorts {
  readonly accessTokens: AccessTokens;
}
