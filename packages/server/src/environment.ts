import {
  checked,
  flag,
  hostName,
  list,
  logLevel,
  port,
  secret,
  secretList,
  urlOf,
  whole,
} from '@agentpay/http';
import { databaseUrlFault } from '@agentpay/storage';
import { z } from 'zod';
import { fee, feeShare } from './feeReaders.js';

/** A URL of scheme, host and port alone, as browsers write it in `Origin`. */
const origin = z
  .string()
  .refine(
    (text) => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text,
    'must list origins such as https://demo.example, without a path',
  );

const privateKey = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be a private key, 0x and 64 hexadecimal digits');

/** The variables that the server reads, each by itself. */
export const Environment = z.object({
  NODE_ENV: z.string().optional(),
  PORT: port.optional(),
  HOST: hostName.optional(),
  DATABASE_URL: checked(databaseUrlFault).optional(),
  DATABASE_POOL_SIZE: whole(1, 1_000).optional(),
  DATA_DIR: z.string().optional(),
  DATABASE_CACHE: z.string().optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: urlOf('http:', 'https:').optional(),
  REDIS_URL: urlOf('redis:', 'rediss:').optional(),
  JWT_SECRET: secret.optional(),
  FORMER_JWT_SECRETS: secretList.optional(),
  KEY_PEPPER: secret.optional(),
  TREASURY_KEY: privateKey.optional(),
  FACILITATOR_URL: urlOf('http:', 'https:').optional(),
  ESCROW_KEY: privateKey.optional(),
  GAS_WALLET_KEY: privateKey.optional(),
  RPC_URLS: list.optional(),
  PAYMENT_NETWORKS: z.string().max(65_536).optional(),
  CONFIRMATIONS: whole(1, 1_000).optional(),
  STRIPE_API_URL: urlOf('http:', 'https:').optional(),
  STRIPE_SECRET_KEY: z
    .string()
    .regex(/^[rs]k_(test|live)_\w{8,250}$/, 'must be a secret or restricted key of Stripe')
    .optional(),
  STRIPE_CUSTOMER: z
    .string()
    .regex(/^cus_\w{1,120}$/, 'must be the id of a customer')
    .optional(),
  STRIPE_PAYMENT_METHOD: z
    .string()
    .regex(/^pm_\w{1,120}$/, 'must be the id of a payment method')
    .optional(),
  GITHUB_CLIENT_ID: z.string().max(255).optional(),
  GITHUB_CLIENT_SECRET: z.string().max(255).optional(),
  GITHUB_URL: urlOf('http:', 'https:').optional(),
  GITHUB_API_URL: urlOf('http:', 'https:').optional(),
  DEV_SIGN_IN: flag.optional(),
  DEMO_PAY_TO: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/, 'must be an address')
    .optional(),
  MASTER_KEY: secret.optional(),
  FORMER_MASTER_KEYS: secretList.optional(),
  OUTBOUND_LOOPBACK: flag.optional(),
  OUTBOUND_HOSTS: list.optional(),
  ADMIN_KEY: secret.optional(),
  FORMER_ADMIN_KEYS: secretList.optional(),
  PUBLIC_BASE_URL: urlOf('http:', 'https:').optional(),
  TRUST_PROXY_HOPS: whole(0, 10).optional(),
  TOKEN_TTL_SECONDS: whole(1, 86_400).optional(),
  APPROVAL_TTL_SECONDS: whole(1, 31_536_000).optional(),
  CHALLENGE_WINDOW_SECONDS: whole(0, 2_592_000).optional(),
  PAYMENT_FEE: fee.optional(),
  CALL_FEE: feeShare.optional(),
  MARKETPLACE_FEE: feeShare.optional(),
  DIRECT_FEE: fee.optional(),
  AGREEMENT_FEE: feeShare.optional(),
  INFRA_FEE_CENTS: whole(0, 10_000).optional(),
  DEFAULT_SLA_SECONDS: whole(1, 86_400).optional(),
  RATE_LIMIT_PER_MINUTE: whole(1, 1_000_000).optional(),
  RATE_LIMIT_BURST: whole(1, 1_000_000).optional(),
  SANDBOX: flag.optional(),
  SANDBOX_AUTO_APPROVE: flag.optional(),
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_\w{16,200}$/, 'must be the signing secret of a webhook of Stripe')
    .optional(),
  BOOTSTRAP_GATEWAY_KEY: z
    .string()
    .regex(/^gw_live_\w{32,200}$/, 'must be gw_live_ and at least 32 letters and digits')
    .optional(),
  ALLOW_SINGLE_NODE: flag.optional(),
  LOG_LEVEL: logLevel.optional(),
  PUBLIC_DEMO_MODE: flag.optional(),
  PUBLIC_DEMO_SANDBOX_ONLY: flag.optional(),
  PUBLIC_DEMO_ALLOWED_ORIGINS: list.pipe(z.array(origin).max(50)).optional(),
  PUBLIC_DEMO_ADMIN_TOKEN: secret.optional(),
  EXPLORER_HOST_WRITES: flag.optional(),
  EXPLORER_GUEST_WRITES: flag.optional(),
  EXPLORER_SESSION_MINUTES: whole(1, 10_080).optional(),
  EXPLORER_ACCESS_MINUTES: whole(1, 1_440).optional(),
  EXPLORER_INVITE_MINUTES: whole(1, 10_080).optional(),
  EXPLORER_MAX_SESSIONS: whole(1, 100_000).optional(),
  EXPLORER_PAYMENT_MAX: whole(1, 1_000_000).optional(),
  EXPLORER_FUNDING_MAX: whole(1, 1_000_000).optional(),
  EXPLORER_RAILS: list.optional(),
});
export type Environment = z.output<typeof Environment>;

/** Whether money is play money. */
export function isSandbox({ SANDBOX, NODE_ENV, PUBLIC_DEMO_MODE }: Environment): boolean {
  return SANDBOX ?? (NODE_ENV !== 'production' || PUBLIC_DEMO_MODE === true);
}
