import { baseSepolia, systemClock, systemRandom, type Clock, type Db } from '@agentpay/primitives';
import {
  authorizationTypedData,
  fromAuthorization,
  type Address,
  type Authorization,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';
import { simulatedChain, type Chain, type SimulatedChain } from '@agentpay/evm';
import { migrate, pgliteDb } from '@agentpay/storage';
import { toHex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { createFacilitator, type FacilitatorOptions, type RunningFacilitator } from './Facilitator.js';
import { migrations } from './migrations.js';

export const network = baseSepolia;
export const seller: Address = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const payer = privateKeyToAccount(`0x${'51'.repeat(32)}`);
export const gasPayer = privateKeyToAccount(`0x${'6a'.repeat(32)}`);

export const domain = { ...network.usdc.eip712, chainId: network.chainId, verifyingContract: network.usdc.address };
export const nowSeconds = () => BigInt(Math.floor(Date.now() / 1000));
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
  const { account = payer, version = 2, amount = '10000', payTo = seller, resource = 'https://seller.example/paid' } = options;
  const authorization: Authorization = {
    from: account.address,
    to: payTo,
    value: BigInt(amount),
    validAfter: 0n,
    validBefore: nowSeconds() + 300n,
    nonce: randomNonce(),
    ...options.authorization,
  };
  const signature = options.signature ?? (await account.signTypedData(authorizationTypedData(domain, authorization)));
  const payload = { signature, authorization: fromAuthorization(authorization) };
  const common = { scheme: 'exact', asset: network.usdc.address, payTo, maxTimeoutSeconds: 300, extra: { ...network.usdc.eip712 } };
  if (version === 1) {
    const paymentRequirements = { ...common, network: network.name, maxAmountRequired: amount, resource, description: '' };
    return { x402Version: 1, paymentPayload: { x402Version: 1, scheme: 'exact', network: network.name, payload }, paymentRequirements };
  }
  const paymentRequirements = { ...common, network: network.id, amount };
  const paymentPayload = { x402Version: 2 as const, resource: { url: resource }, accepted: paymentRequirements, payload };
  return { x402Version: 2, paymentPayload, paymentRequirements };
}

export const newPayer = () => privateKeyToAccount(generatePrivateKey());

/** A facilitator on a simulated chain and an in-memory database. */
export interface Bed {
  readonly chain: SimulatedChain;
  readonly db: Db;
  /** Starts a facilitator; all are closed at the end. */
  start(options?: Partial<FacilitatorOptions>): Promise<RunningFacilitator>;
  close(): Promise<void>;
}

export async function openBed(): Promise<Bed> {
  const chain = simulatedChain(systemClock);
  const db = await pgliteDb();
  await migrate(db, migrations);
  chain.mint(payer.address, 1_000_000_000n);
  const started: RunningFacilitator[] = [];
  return {
    chain,
    db,
    async start(options = {}) {
      const facilitator = await createFacilitator({
        chain,
        db,
        network,
        clock: systemClock,
        random: systemRandom,
        accounts: [gasPayer],
        maxValidBeforeSeconds: 3_600,
        pollMs: 2,
        repairEveryMs: 20,
        settleTimeoutMs: 10_000,
        ...options,
      });
      started.push(facilitator);
      return facilitator;
    },
    async close() {
      await Promise.all(started.map((facilitator) => facilitator.close()));
      await db.close();
    },
  };
}

/** A process that can be killed between any two things it does to database or chain: then nothing of it happens any more. */
export function mortal({ chain, db }: Bed) {
  const timers = new Set<() => void>();
  const never = new Promise<never>(() => {});
  let left = Infinity;
  let done = 0;
  const dead = () => done >= left;
  const kill = () => {
    left = done;
    for (const cancel of timers) cancel();
  };
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead()) return never;
    const result = await work();
    done += 1;
    if (dead()) kill();
    return dead() ? never : result;
  };
  const clock: Clock = {
    now: systemClock.now,
    timer(ms, fn, options) {
      if (dead()) return () => undefined;
      const cancel = systemClock.timer(ms, fn, options);
      timers.add(cancel);
      return cancel;
    },
  };
  const node = Object.fromEntries(
    Object.entries(chain).map(([name, method]) => [name, (...args: unknown[]) => step(() => (method as (...a: unknown[]) => Promise<unknown>)(...args))]),
  ) as unknown as Chain;
  const mortalDb: Db = {
    query: (sql, params) => step(() => db.query(sql, params)),
    tx: (work) => step(() => db.tx(work)),
    exec: (sql) => step(() => db.exec(sql)),
    close: () => Promise.resolve(),
  };
  return { clock, chain: node, db: mortalDb, kill, steps: () => done, dieAfter: (steps: number) => void (left = done + steps) };
}
