import { AgentPayError } from '@agentpay/primitives';
import type { Amount, Clock, Db, Random, Tracker } from '@agentpay/primitives';
import { expiring } from './Expiring.js';
import type { Expiring } from './Expiring.js';
import type { ServicePage } from './marketplace/index.js';

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

export interface CoreSettings {
  /** HMAC key of credential hashes, at least 32 characters. Changing it locks every key out. */
  readonly pepper: string;
  /** Whether play money may be issued. */
  readonly sandbox: boolean;
  /** Key of the operator; without it nobody is admin. At least 32 characters. */
  readonly adminKey: string | undefined;
  /** Life of a reserved token, and again of a redeemed one that is not started. */
  readonly tokenTtlMs: number;
  /** SLA window of services that registered none. */
  readonly defaultSlaSeconds: number;
  /** Platform fee on a settled call, in parts per million of its price, taken out of the provider's gross. */
  readonly callFeePpm: bigint;
  /** Most play money that one call of the faucet gives, in micro-units. */
  readonly faucetMax: Amount;
}

/** The context that every operation takes first. */
export interface Core {
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  readonly tracker: Tracker;
  readonly tokens: TokenCodec;
  readonly settings: CoreSettings;
  /** Answers of `marketplace.list`, for five seconds. */
  readonly serviceLists: Expiring<ServicePage>;
}

export interface CoreOptions extends Omit<Core, 'settings' | 'serviceLists'> {
  readonly settings: Pick<CoreSettings, 'pepper' | 'sandbox'> & Partial<CoreSettings>;
}

const SERVICE_LIST_TTL_MS = 5_000;
const SERVICE_LISTS_KEPT = 256;

const defaults = {
  adminKey: undefined,
  tokenTtlMs: 300_000,
  defaultSlaSeconds: 60,
  callFeePpm: 4_000n,
  faucetMax: 10_000_000_000n,
};

/**
 * Makes the context of all operations.
 * @throws AgentPayError `invalid_request` for settings that cannot work.
 */
export function createCore(options: CoreOptions): Core {
  const settings: CoreSettings = { ...defaults, ...options.settings };
  require(settings.pepper.length >= 32, 'pepper', 'at least 32 characters');
  require(settings.adminKey === undefined ||
    settings.adminKey.length >= 32, 'adminKey', 'at least 32 characters');
  require(Number.isInteger(settings.tokenTtlMs) &&
    settings.tokenTtlMs > 0, 'tokenTtlMs', 'a positive whole number');
  require(Number.isInteger(settings.defaultSlaSeconds) &&
    settings.defaultSlaSeconds > 0, 'defaultSlaSeconds', 'a positive whole number');
  require(settings.callFeePpm >= 0n &&
    settings.callFeePpm <= 1_000_000n, 'callFeePpm', 'between 0 and 1000000');
  require(settings.faucetMax > 0n, 'faucetMax', 'positive');
  const { db, clock, random, tracker, tokens } = options;
  const serviceLists = expiring<ServicePage>(clock, {
    ttlMs: SERVICE_LIST_TTL_MS,
    limit: SERVICE_LISTS_KEPT,
  });
  return { db, clock, random, tracker, tokens, settings, serviceLists };
}

function require(holds: boolean, setting: string, what: string): void {
  if (!holds) throw new AgentPayError('invalid_request', `The setting ${setting} must be ${what}.`);
}
