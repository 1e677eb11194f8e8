import { viemChain } from '@agentpay/evm';
import {
  createFacilitator,
  migrations,
  type FacilitatorOptions,
  type RunningFacilitator,
} from '@agentpay/facilitator';
import { baseSepolia, systemClock, systemRandom } from '@agentpay/primitives';
import {
  bytesToHex,
  domainSeparator,
  fromAuthorization,
  fromPermit2Authorization,
  hashAuthorization,
  type Authorization,
  type FacilitatorRequest,
  type Permit2Authorization,
} from '@agentpay/protocol';
import { scratchDb } from '@agentpay/storage';
import {
  createPublicClient,
  createTestClient,
  http,
  type Address,
  type Hex,
  type PublicClient,
  type TestClient,
} from 'viem';
import { generatePrivateKey, type PrivateKeyAccount } from 'viem/accounts';
import { startContractBed, type ContractBed } from './contractBed.js';

const { usdc, chainId, id } = baseSepolia;
const separator = domainSeparator({ ...usdc.eip712, chainId, verifyingContract: usdc.address });

/** The seller of all payments here. */
export const payee = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
export const PRICE = 10_000n;

/** Contracts on a local chain, and facilitators that settle there. */
export interface FacilitatorBed extends ContractBed {
  /** Pays the gas. */
  readonly gasPayer: PrivateKeyAccount;
  readonly client: PublicClient;
  readonly node: TestClient;
  /** Starts a facilitator, which is closed with the bed. */
  start(options?: Partial<FacilitatorOptions>): Promise<RunningFacilitator>;
}

export async function startFacilitatorBed(): Promise<FacilitatorBed> {
  const bed = await startContractBed();
  const gasPayer = await bed.payer(0n);
  const transport = http(bed.rpcUrl);
  const ends: (() => Promise<void>)[] = [];
  return {
    ...bed,
    gasPayer,
    client: createPublicClient({ transport, pollingInterval: 20 }),
    node: createTestClient({ mode: 'anvil', transport }),
    async start(options = {}) {
      const db = await scratchDb({ server: process.env['DATABASE_URL'] as string, migrations });
      const world = {
        chain: viemChain({ rpcUrl: bed.rpcUrl }),
        db,
        clock: systemClock,
        random: systemRandom,
        accounts: [gasPayer],
      };
      const facilitator = await createFacilitator({
        ...world,
        network: baseSepolia,
        maxValidBeforeSeconds: 3_600,
        pollMs: 20,
        ...options,
      });
      ends.push(async () => {
        await facilitator.close();
        await db.close();
      });
      return facilitator;
    },
    async close() {
      for (const end of ends) await end();
      await bed.close();
    },
  };
}

const inFiveMinutes = () => BigInt(Math.floor(Date.now() / 1000)) + 300n;

/** A payment by EIP-3009 of an account, with the signature that `sign` makes of its digest. */
export async function authorized(
  from: Address,
  sign: (digest: Hex) => Promise<Hex>,
): Promise<FacilitatorRequest> {
  const times = { validAfter: 0n, validBefore: inFiveMinutes() };
  const authorization: Authorization = {
    from,
    to: payee,
    value: PRICE,
    ...times,
    nonce: generatePrivateKey(),
  };
  const signature = await sign(bytesToHex(hashAuthorization(separator, authorization)));
  return requestOf('exact', { signature, authorization: fromAuthorization(authorization) });
}

/** What a payer permits the proxy to take within five minutes. */
export function permitFor(from: Address, spender: Address): Permit2Authorization {
  const permitted = { token: usdc.address, amount: PRICE };
  const witness = { to: payee, validAfter: 0n } as const;
  return {
    from,
    permitted,
    spender,
    nonce: BigInt(generatePrivateKey()),
    deadline: inFiveMinutes(),
    witness,
  };
}

/** A payment by Permit2 that the payer signed. */
export function permitted(
  scheme: 'exact' | 'upto',
  permit: Permit2Authorization,
  signature: Hex,
): FacilitatorRequest {
  return requestOf(scheme, { signature, permit2Authorization: fromPermit2Authorization(permit) });
}

function requestOf(scheme: string, payload: Record<string, unknown>): FacilitatorRequest {
  const token = { asset: usdc.address, extra: { ...usdc.eip712 } };
  const terms = {
    scheme,
    network: id,
    amount: PRICE.toString(),
    payTo: payee,
    maxTimeoutSeconds: 300,
    ...token,
  };
  return {
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted: terms, payload },
    paymentRequirements: terms,
  };
}
