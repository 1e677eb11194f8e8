import {
  baseSepolia,
  systemClock,
  systemRandom,
  unixSeconds,
  type Clock,
  type Db,
} from '@agentpay/primitives';
import {
  authorizationTypedData,
  fromAuthorization,
  type Address,
  type Authorization,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';
import { simulatedChain, type SimulatedChain } from '@agentpay/evm';
import { scratchDb } from '@agentpay/storage';
import { toHex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { createFacilitator, type FacilitatorOptions, type RunningFacilitator } from './Facilitator.js';
import { migrations } from '../migrations.js';

export const network = baseSepolia;
export const seller: Address = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const payer = privateKeyToAccount(`0x${'51'.repeat(32)}`);
export const gasPayer = privateKeyToAccount(`0x${'6a'.repeat(32)}`);

export const domain = {
  ...network.usdc.eip712,
  chainId: network.chainId,
  verifyingContract: network.usdc.address,
};
export const nowSeconds = () => BigInt(unixSeconds(systemClock));
export const randomNonce = (): Hex => toHex(systemRandom.bytes(32));

export interface PaymentOptions {
  readonly account?: typeof payer;
  readonly authorization?: Partial<Authorization>;
  readonly signature?: Hex;
  readonly version?: 1 | 2;
  readonly amount?: string;
  readonly payTo?: Address;
  readonly resource?: string;
}

/** A request that a facilitator takes, but for what the options change. */
export async function signedRequest(options: PaymentOptions = {}): Promise<FacilitatorRequest> {
  const {
    account = payer,
    version = 2,
    amount = '10000',
    payTo = seller,
    resource = 'https://seller.example/paid',
  } = options;
  const authorization: Authorization = {
    from: account.address,
    to: payTo,
    value: BigInt(amount),
    validAfter: 0n,
    validBefore: nowSeconds() + 300n,
    nonce: randomNonce(),
    ...options.authorization,
  };
  const signature =
    options.signature ?? (await account.signTypedData(authorizationTypedData(domain, authorization)));
  const payload = { signature, authorization: fromAuthorization(authorization) };
  const common = {
    scheme: 'exact',
    asset: network.usdc.address,
    payTo,
    maxTimeoutSeconds: 300,
    extra: { ...network.usdc.eip712 },
  };
  if (version === 1) {
    const paymentRequirements = {
      ...common,
      network: network.name,
      maxAmountRequired: amount,
      resource,
      description: '',
    };
    return {
      x402Version: 1,
      paymentPayload: { x402Version: 1, scheme: 'exact', network: network.name, payload },
      paymentRequirements,
    };
  }
  const paymentRequirements = { ...common, network: network.id, amount };
  const paymentPayload = {
    x402Version: 2 as const,
    resource: { url: resource },
    accepted: paymentRequirements,
    payload,
  };
  return { x402Version: 2, paymentPayload, paymentRequirements };
}

export const newPayer = () => privateKeyToAccount(generatePrivateKey());

/** A database with the tables, on the PostgreSQL of DATABASE_URL. */
export function openDb(): Promise<Db> {
  return scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
}

/** How long a call of settle waits for its outcome, ms. No test waits so long: see {@link Bed.endWaits}. */
const PATIENCE_MS = 61_009;

/** A facilitator on a simulated chain and an emptied database. */
export interface Bed {
  readonly chain: SimulatedChain;
  readonly clock: Clock;
  readonly db: Db;
  /** Lets time pass at once, for facilitator and chain; timers do not notice. */
  skip(ms: number): void;
  /** Ends the patience of all calls of settle that wait, so that they are told what is known by now. */
  endWaits(): void;
  /** Starts a facilitator that is closed with the bed. */
  start(options?: Partial<FacilitatorOptions>): Promise<RunningFacilitator>;
  /** Starts a facilitator that dies without being closed. */
  startMortal(life: Partial<FacilitatorOptions>): Promise<RunningFacilitator>;
  /** Makes a block every few milliseconds from now on. */
  mine(): void;
  close(): Promise<void>;
}

export async function openBed(db: Db): Promise<Bed> {
  let skipped = 0;
  const waits = new Set<() => void>();
  const clock: Clock = {
    now: () => systemClock.now() + skipped,
    timer(ms, fn, options) {
      const cancel = systemClock.timer(ms, fn, options);
      if (ms !== PATIENCE_MS) return cancel;
      const end = () => (cancel(), fn());
      waits.add(end);
      return () => (waits.delete(end), cancel());
    },
  };
  const chain = simulatedChain(clock);
  await db.exec(
    'truncate facilitator_settlements, facilitator_transactions, facilitator_replicas, facilitator_signers',
  );
  chain.mint(payer.address, 1_000_000_000n);
  const started: RunningFacilitator[] = [];
  let stopMining = () => {};
  const launch = (options: Partial<FacilitatorOptions>) =>
    createFacilitator({
      chain,
      db,
      network,
      clock,
      random: systemRandom,
      accounts: [gasPayer],
      maxValidBeforeSeconds: 3_600,
      pollMs: 2,
      repairEveryMs: 20,
      settleTimeoutMs: PATIENCE_MS,
      ...options,
    });
  return {
    chain,
    clock,
    db,
    skip: (ms) => void (skipped += ms),
    endWaits: () => waits.forEach((end) => end()),
    startMortal: launch,
    async start(options = {}) {
      const facilitator = await launch(options);
      started.push(facilitator);
      return facilitator;
    },
    mine: () => void (stopMining = chain.mineEvery(5)),
    async close() {
      await Promise.all(started.map((facilitator) => facilitator.close()));
      stopMining();
    },
  };
}

/** Waits for what must come to pass; a busy machine takes its time. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 100_000): Promise<void> {
  for (const end = systemClock.now() + timeoutMs; !(await holds());) {
    if (systemClock.now() > end) throw new Error('It did not come to pass in time.');
    await new Promise<void>((resolve) => void systemClock.timer(2, resolve));
  }
}

/** States of all settlements on record. */
export async function statesIn(db: Db): Promise<readonly string[]> {
  const rows = await db.query<{ state: string }>('select state from facilitator_settlements');
  return rows.map(({ state }) => state);
}

/** What a call is told whose time is over while the transaction of its payment is in no block. */
export async function pendingIn<T>(bed: Bed, answer: PromiseLike<T>): Promise<T> {
  const told = Promise.resolve(answer);
  await until(async () => (await statesIn(bed.db)).includes('sent'));
  bed.endWaits();
  return told;
}
