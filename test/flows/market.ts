import { createHmac } from 'node:crypto';
import { agents, createCore, identity, marketplace, migrations, wallets } from '@agentpay/core';
import type { Core, CorePorts, GivenSettings, TokenCodec, WebhookPorts } from '@agentpay/core';
import { AgentPayError, manualClock, OutboundError, systemRandom } from '@agentpay/primitives';
import type { Db, ManualClock, Random, Tracker } from '@agentpay/primitives';
import { migrate, scratchDb } from '@agentpay/storage';
import { privateKeySigner } from '@agentpay/protocol';
import { memoryTracker } from '@agentpay/tracker';
import { vault } from '@agentpay/core';

export const START_MS = Date.UTC(2026, 4, 8, 13, 0, 0);
export const ADMIN_KEY = 'admin-key-of-the-test-admin-key-of-the-test';
export const PEPPER = 'pepper-of-the-test-pepper-of-the-test';
export const PRICE = 5_000n;
/** 0.4 % of PRICE. */
export const FEE = 20n;
export const SLA_SECONDS = 30;

/** A migrated database of the test's own on PostgreSQL; it is dropped when it is closed. */
export const ownDb = () => scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });

/** A core on a migrated database, with a clock of the test's own. */
export async function testCore(
  db: Db,
  {
    tracker = memoryTracker(),
    random = systemRandom,
    settings = {},
    receivers,
    rails = {},
    payouts = {},
    chains = new Map(),
    escrow,
    feeWallet,
    endpoints = { assertAllowed: () => undefined, fetchOut: unreachable },
  }: {
    tracker?: Tracker;
    random?: Random;
    settings?: Partial<GivenSettings>;
    receivers?: WebhookPorts['receivers'];
    rails?: CorePorts['rails'];
    payouts?: CorePorts['payouts'];
    endpoints?: Core['ports']['endpoints'];
    chains?: CorePorts['chains'];
    escrow?: CorePorts['escrow'];
    feeWallet?: CorePorts['feeWallet'];
  } = {},
): Promise<{ core: Core; clock: ManualClock }> {
  await migrate(db, migrations);
  const clock = manualClock(START_MS);
  const core = createCore({
    db,
    clock,
    random,
    ports: {
      tracker,
      accessTokens: { sign: async () => '', verify: async () => undefined },
      tokenCodec: testTokens(),
      vault: vault.createVault([{ id: 'test', bytes: new Uint8Array(32).fill(7) }], systemRandom),
      endpoints,
      custodyKeys: {
        make: async (walletId) => new Uint8Array(createHmac('sha256', 'root').update(walletId).digest()),
        sign: (key, digest) => privateKeySigner(key).sign(digest),
      },
      chains,
      escrow,
      feeWallet,
      facilitator: undefined,
      sellers: { fetchOut: unreachable },
      receivers: receivers ?? { assertAllowed: () => undefined, post: async () => ({ status: 200 }) },
      rails,
      payouts,
    },
    settings: {
      identity: { pepper: PEPPER, adminKeys: [ADMIN_KEY] },
      wallets: { sandbox: true },
      marketplace: { offerUnproven: true },
      ...settings,
    },
  });
  return { core, clock };
}

function unreachable(): Promise<never> {
  return Promise.reject(new OutboundError('name_not_found', 'The test has no network.', false));
}

/** An agent that is signed in. */
export async function signedIn(core: Core, name: string) {
  const made = await agents.create(core, { name });
  const principal = await identity.authenticate(core, {
    accepts: ['runtime', 'secret'],
    secret: made.apiKey,
  });
  return { ...made, principal, walletId: made.wallet.id };
}

export type SignedIn = Awaited<ReturnType<typeof signedIn>>;

let names = 0;

/** A seller with a service at PRICE and a buyer with `funds` micro-units. */
export async function market(core: Core, { funds = 1_000_000n }: { funds?: bigint } = {}) {
  const seller = await signedIn(core, 'Seller');
  const buyer = await signedIn(core, 'Buyer');
  const name = `Service ${++names}`;
  const sla = { maxCompletionSeconds: SLA_SECONDS };
  const service = await marketplace.register(core, {
    principal: seller.principal,
    name,
    pricePerCall: PRICE,
    sla,
  });
  await fund(core, buyer, funds);
  return { seller, buyer, service };
}

export async function fund(core: Core, { principal, walletId }: SignedIn, amount: bigint): Promise<void> {
  await wallets.fund(core, { principal, walletId, amount, source: 'test_faucet' });
}

/** Available and held money of an agent's wallet. */
export async function money(
  core: Core,
  { principal, walletId }: SignedIn,
): Promise<{ available: bigint; held: bigint }> {
  const { available, held } = await wallets.balance(core, { principal, walletId });
  return { available, held };
}

function testTokens(): TokenCodec {
  const seal = (body: string) => createHmac('sha256', 'signing key of the test').update(body).digest('hex');
  return {
    sign(claims) {
      const body = Buffer.from(JSON.stringify({ ...claims, amount: String(claims.amount) })).toString(
        'base64url',
      );
      return `${body}.${seal(body)}`;
    },
    verify(token) {
      const [body = '', signature] = token.split('.');
      if (signature !== seal(body)) throw new AgentPayError('token_invalid', 'The signature is wrong.');
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { amount: string };
      return { ...claims, amount: BigInt(claims.amount) } as ReturnType<TokenCodec['verify']>;
    },
  };
}
