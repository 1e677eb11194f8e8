import type { TokenCodec } from '@agentpay/core';
import { AgentPayError, isAgentPayError } from '@agentpay/primitives';
import {
  paymentTokenKeys,
  signPaymentToken,
  verifyPaymentToken,
  type PaymentTokenKey,
} from '@agentpay/protocol';

/**
 * The wire form of payment tokens for the core: the first key signs, what any of them signed is read. `issuer` is asked at each
 * signature: the port may be known late.
 */
export function tokenCodec(
  [key, ...former]: readonly [PaymentTokenKey, ...PaymentTokenKey[]],
  issuer: () => string,
): TokenCodec {
  const keys = paymentTokenKeys([key, ...former].map(({ publicJwk }) => publicJwk));
  return {
    sign: (claims) =>
      signPaymentToken(
        {
          iss: issuer(),
          aud: claims.serviceId,
          sub: claims.walletId,
          jti: claims.tokenId,
          amount: claims.amount.toString(),
          currency: claims.currency,
          iat: Math.floor(claims.issuedAtMs / 1000),
          exp: Math.floor(claims.expiresAtMs / 1000),
        },
        key,
      ),
    verify(token) {
      const claims = readClaims(token);
      return {
        tokenId: claims.jti,
        serviceId: claims.aud,
        walletId: claims.sub,
        amount: BigInt(claims.amount),
        currency: claims.currency,
        issuedAtMs: claims.iat * 1000,
        expiresAtMs: claims.exp * 1000,
      };
    },
  };

  /** Time is left out (now: 0): whether a token has expired is decided on its row. */
  function readClaims(token: string) {
    try {
      return verifyPaymentToken(token, keys, { now: 0 });
    } catch (error) {
      if (!isAgentPayError(error, 'payment_malformed')) throw error;
      throw new AgentPayError('token_invalid', 'This is not a payment token.', { reason: 'malformed' });
    }
  }
}
