import type { Outbound } from '@agentpay/http';
import type { ServerConfig } from '../config.js';
import { gitHub, type GitHub } from './github.js';

/** The ways in which people sign in here. */
export interface WaysToSignIn {
  readonly github: GitHub | undefined;
  /** Whether anybody may be anybody: for development. */
  readonly development: boolean;
}

export function signInOf({ signIn, production }: ServerConfig, { fetchOut }: Outbound): WaysToSignIn {
  return {
    github: signIn.github && gitHub({ ...signIn.github, fetchOut }),
    development: signIn.development && !production,
  };
}
