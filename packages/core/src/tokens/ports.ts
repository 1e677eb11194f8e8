import type { Amount, Tracker } from '@agentpay/primitives';

/** What a signed payment token says. The token's row decides; the claims only let anybody check it offline. */
export interface TokenClaims {
  readonly tokenId: string;
  readonly serviceId: string;
  /** Wallet of the consumer. */
  readonly walletId: string;
  readonly amount: Amount;
  readonly currency: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** Writes and reads the signed form of a payment token. */
export interface TokenCodec {
  sign(claims: TokenClaims): string;
  /**
   * Checks the signature, not the time: whether a token has expired is decided on its row.
   * @throws AgentPayError `token_invalid`
   */
  verify(token: string): TokenClaims;
}

export interface TokenPorts {
  readonly tokenCodec: TokenCodec;
  /** Hot index of tokens: an early refusal and the deadlines that fall due. */
  readonly tracker: Tracker;
}
