import { createHmac } from 'node:crypto';
import type { explorer } from '@agentpay/core';
import type { Clock } from '@agentpay/primitives';
import { jwtVerify, SignJWT } from 'jose';

const AUDIENCE = 'agentpay explorer';

/**
 * Access tokens of explorer sessions as JWTs (RFC 7519), signed by a key of their own that comes from the server's first secret. Those
 * signed under the others are good as well.
 */
export function accessTokens(secrets: readonly [string, ...string[]], clock: Clock): explorer.AccessTokens {
  const [key, ...former] = [keyOf(secrets[0]), ...secrets.slice(1).map(keyOf)] as const;
  return {
    sign: ({ sessionId, role, expiresAt }) =>
      new SignJWT({ role })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(sessionId)
        .setAudience(AUDIENCE)
        .setExpirationTime(Math.floor(expiresAt.getTime() / 1000))
        .sign(key),
    async verify(token) {
      const currentDate = new Date(clock.now());
      const options = { algorithms: ['HS256'], audience: AUDIENCE, currentDate };
      const read = (by: Uint8Array) => jwtVerify(token, by, options).catch(() => undefined);
      const verified = await Promise.all([key, ...former].map(read));
      const { sub, exp, role } = verified.find((one) => one !== undefined)?.payload ?? {};
      if (sub === undefined || exp === undefined || (role !== 'host' && role !== 'guest')) return undefined;
      return { sessionId: sub, role, expiresAt: new Date(exp * 1000) };
    },
  };
}

function keyOf(secret: string): Uint8Array {
  return createHmac('sha256', secret).update('agentpay explorer access v1').digest();
}
