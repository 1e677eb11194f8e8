import type { vault } from '@agentpay/core';
import type { Clock, Random } from '@agentpay/primitives';
import { z } from 'zod';
import type { Cookies } from '../http/cookies.js';
import type { SignInAttempt } from './github.js';

/** A sign-in under way, and where it leads. */
export interface Journey extends SignInAttempt {
  /** Path of this origin. */
  readonly callbackUrl: string;
}

const COOKIE = 'agentpay_signin';
const PATH = '/api/auth';
const LASTS_SECONDS = 600;

const kept = z.object({
  state: z.string(),
  verifier: z.string(),
  redirectUri: z.string(),
  callbackUrl: z.string(),
  until: z.number(),
});

interface Dependencies {
  readonly vault: vault.Vault;
  readonly clock: Clock;
  readonly random: Random;
}

/** Begins a sign-in: what must come back is kept in a sealed cookie of the browser that began it. */
export function begin(
  { vault, clock, random }: Dependencies,
  cookies: Cookies,
  { redirectUri, callbackUrl }: { redirectUri: string; callbackUrl: string },
): Journey {
  const secret = () => Buffer.from(random.bytes(32)).toString('base64url');
  const journey = { state: secret(), verifier: secret(), redirectUri, callbackUrl };
  const until = clock.now() + LASTS_SECONDS * 1000;
  const sealed = vault.seal(JSON.stringify({ ...journey, until }), COOKIE);
  cookies.set(COOKIE, sealed, { maxAgeSeconds: LASTS_SECONDS, path: PATH });
  return journey;
}

/** The sign-in that this browser began; undefined when it began none, or too long ago. It is used up by that. */
export function end({ vault, clock }: Dependencies, cookies: Cookies): Journey | undefined {
  const sealed = cookies.get(COOKIE);
  if (!sealed) return undefined;
  cookies.clear(COOKIE, { path: PATH });
  try {
    const { until, ...journey } = kept.parse(JSON.parse(vault.open(sealed, COOKIE)));
    return clock.now() < until ? journey : undefined;
  } catch {
    return undefined;
  }
}

/** A path of this origin to go on with; anything else would make us a door to other sites. */
export function ownPath(given: string | undefined): string {
  return given !== undefined && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(given) ? given : '/dashboard';
}
