import { AgentPayError, unixSeconds, type Clock, type Db, type Random } from '@agentpay/primitives';
import {
  bytesToHex,
  reasonCode,
  type Address,
  type DigestSigner,
  type Facilitator,
  type FacilitatorRequest,
  type SupportedResponse,
  type VerifyResponse,
} from '@agentpay/protocol';
import {
  ChainError,
  createFeeGauge,
  createReceipts,
  createSender,
  sharedReads,
  type Chain,
  type FeeGauge,
} from '@agentpay/evm';
import type { LocalAccount } from 'viem';
import {
  defaultGasLimits,
  type EscrowSettings,
  type GasLimits,
  type RequestedPayment,
  type PaymentRefusal,
  type SchemeSettings,
} from '../schemes/Scheme.js';
import { schemeOf } from '../schemes/schemes.js';
import { createContractPayers, type ContractPayers } from './intake/contractPayers.js';
import { createSignerAccounts } from './sending/SignerAccounts.js';
import { proveChain, proveEscrow } from './assurance/proveChain.js';
import type { SettlementOutcome } from './Settlement.js';
import type { MinedTransaction } from './sending/MinedTransaction.js';
import { withHolds, type KnowsCallers } from './withHolds.js';
import { withPrepaid } from './prepaid.js';
import { createSettlements, type Settlements, type SettlementsOptions } from './Settlements.js';
import { settlementStore, type SettlementStore } from './SettlementStore.js';
import { createSettler } from './intake/settler.js';

export interface FacilitatorOptions extends Omit<
  SchemeSettings,
  'assets' | 'permit2' | 'facilitatorAddress' | 'gas' | 'escrow'
> {
  /** Tokens to move; undefined: the network's USDC. */
  readonly assets?: readonly Address[] | undefined;
  readonly chain: Chain;
  /** With the tables of `migrations`. One facilitator at a time, unless all have `leaseMs`. */
  readonly db: Db;
  readonly clock: Clock;
  readonly random: Random;
  /** Our operator contract, for scheme `auth-capture`; undefined: that scheme is not served. */
  readonly escrow?:
    | {
        readonly operator: Address;
        /** Signs the orders of sellers that name its address as their `receiverAuthorizer`. */
        readonly authorizer?: DigestSigner | undefined;
      }
    | undefined;
  /** Accounts that pay the gas; nobody else may send from them. */
  readonly accounts: readonly LocalAccount[];
  /** Settlements at work at once; beyond it calls are refused with `facilitator_overloaded`. */
  readonly maxInFlight?: number;
  readonly maxBatch?: number;
  /**
   * Set when other replicas work on the same database: they divide the accounts, and take over those of a replica that has
   * not been heard of for so many milliseconds.
   */
  readonly leaseMs?: number;
  /** An account with less ether than this, in wei, is given no new work. Default 0. */
  readonly minSignerBalance?: bigint;
  /** What gas costs, and the most that is paid for it. Default: what the chain says, without a limit. */
  readonly fees?: FeeGauge;
  /** Default: `defaultGasLimits`. */
  readonly gas?: GasLimits;
  /** Whether accounts with code may pay. Default true. */
  readonly allowContractPayers?: boolean | undefined;
  readonly batchWindowMs?: number;
  readonly settleTimeoutMs?: number;
  readonly pollMs?: number;
  readonly confirmations?: number;
  readonly bumpAfterMs?: number;
  readonly repairEveryMs?: number;
  /** Hears of what went wrong and is tried again. */
  readonly onError?: (what: string, error: unknown) => void;
  /** Hears of every transaction of ours that got into a block. */
  readonly onTransaction?: (mined: MinedTransaction) => void;
  /** Surrounds the sending of every batch, for whoever wants to see it. */
  readonly aroundBatch?: SettlementsOptions['aroundBatch'];
}

export interface RunningFacilitator extends Omit<Facilitator, 'settle'>, KnowsCallers {
  /** Settlements of an earlier process that were taken up at start. */
  readonly resumed: number;
  /** Rejects when database or chain cannot be reached. */
  ready(): Promise<void>;
  /** Looks now for what the chain proves of a settlement; undefined when there is no such one. */
  reconcile(id: string): Promise<SettlementOutcome | undefined>;
  /** Finishes what is being signed and stops; calls that wait are answered with what is known. */
  close(): Promise<void>;
}

/**
 * Starts a facilitator: proves that the chain is the one it is said to be, takes up unfinished settlements, serves.
 * @throws Error with one sentence when chain id, token or Multicall3 are not as expected
 * @example
 * ```ts
 * import { viemChain } from '@agentpay/evm';
 * import { createFacilitator, migrations } from '@agentpay/facilitator';
 * import { baseSepolia, systemClock, systemRandom } from '@agentpay/primitives';
 * import { migrate, pgDb } from '@agentpay/storage';
 * import { privateKeyToAccount } from 'viem/accounts';
 *
 * const db = await pgDb({ url: process.env['DATABASE_URL'] ?? '' });
 * await migrate(db, migrations);
 * const facilitator = await createFacilitator({
 *   chain: viemChain({ rpcUrl: 'https://sepolia.base.org' }),
 *   db,
 *   network: baseSepolia,
 *   accounts: [privateKeyToAccount('0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d')],
 *   clock: systemClock,
 *   random: systemRandom,
 *   maxValidBeforeSeconds: 3_600,
 * });
 * console.log(await facilitator.supported());
 * await facilitator.close();
 * await db.close();
 * ```
 */
export async function createFacilitator(options: FacilitatorOptions): Promise<RunningFacilitator> {
  const { db, clock, random, network, confirmations = 1, maxInFlight } = options;
  const chain = sharedReads(options.chain);
  const fees = options.fees ?? createFeeGauge({ chain, clock });
  const settings = await proveSettings(chain, options);
  const { store, settlements } = openEngine(options, chain, fees);
  const resumed = await settlements.resume();
  const read = (request: FacilitatorRequest) => readPayment(settings, request);
  const contractPayers = createContractPayers({ store, clock, allowed: options.allowContractPayers });
  const settle = createSettler({
    network,
    chain,
    clock,
    random,
    store,
    settlements,
    fees,
    confirmations,
    maxInFlight,
    contractPayers,
    read,
  });
  const signers = options.accounts.map(({ address }) => address);

  const running = {
    resumed,
    verify: (request: FacilitatorRequest) =>
      reachable(() => verify({ chain, clock, read, contractPayers }, request)),
    settle: (request: FacilitatorRequest) => reachable(() => settle(request)),
    supported: async () => supported(settings, signers),
    async ready() {
      await Promise.all([db.query('select 1'), chain.chainId()]);
    },
    reconcile: (id: string) => reachable(() => settlements.reconcile(id)),
    close: () => settlements.close(),
  };
  const authorizer = options.escrow?.authorizer;
  return withHolds(withPrepaid(running, { db, clock }), { db, clock, network, authorizer });
}

/** What is served, with what was proved of the chain. */
async function proveSettings(chain: Chain, options: FacilitatorOptions): Promise<SchemeSettings> {
  const { network, payTo, factories, maxValidBeforeSeconds, gas = defaultGasLimits } = options;
  const { assets, permit2 } = await proveChain(chain, network, options.assets);
  const escrow = options.escrow && (await proveEscrow(chain, network, options.escrow));
  const { address: facilitatorAddress } = options.accounts[0] as LocalAccount;
  const served = { network, assets, permit2, escrow, payTo, factories };
  return { ...served, maxValidBeforeSeconds, facilitatorAddress, gas };
}

/** The records of settlements, and what moves their money. The keys go to the signer accounts and nowhere else. */
function openEngine(
  options: FacilitatorOptions,
  chain: Chain,
  fees: FeeGauge,
): { readonly store: SettlementStore; readonly settlements: Settlements } {
  const { db, clock, random, gas, leaseMs, pollMs = 100, confirmations = 1 } = options;
  const { onError = () => undefined, onTransaction, aroundBatch } = options;
  const holder = leaseMs === undefined ? null : bytesToHex(random.bytes(16));
  const accounts = createSignerAccounts({
    chain,
    db,
    clock,
    addresses: options.accounts.map(({ address }) => address),
    sharing: holder !== null && leaseMs !== undefined ? { holder, leaseMs } : undefined,
    minBalance: options.minSignerBalance,
    async open(address) {
      const account = options.accounts.find((own) => own.address === address) as LocalAccount;
      const nextNonce = await store.nextNonce(address);
      const { chainId } = options.network;
      const { bumpAfterMs = 20_000 } = options;
      const hear = (error: unknown) => onError('broadcast', error);
      return createSender({ chain, clock, account, chainId, fees, nextNonce, bumpAfterMs, onError: hear });
    },
  });
  const store = settlementStore(db, clock, { holder, assertHeld: accounts.assertHeld, gas });
  const hear = (error: unknown) => onError('receipts', error);
  const settlements = createSettlements({
    chain,
    clock,
    random,
    store,
    accounts,
    receipts: createReceipts({ chain, clock, pollMs, confirmations, onError: hear }),
    confirmations,
    maxBatch: options.maxBatch ?? 50,
    batchWindowMs: options.batchWindowMs ?? 5,
    settleTimeoutMs: options.settleTimeoutMs ?? 25_000,
    repairEveryMs: options.repairEveryMs ?? 1_000,
    onError,
    onTransaction,
    aroundBatch,
  });
  return { store, settlements };
}

/** Whatever the chain cannot answer now is no verdict on the payment. */
async function reachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    throw new AgentPayError('facilitator_unavailable', 'The chain cannot be reached.', {
      cause: error,
      retryAfter: 2,
    });
  }
}

function supported(
  { network, permit2, escrow, facilitatorAddress }: SchemeSettings,
  signers: readonly Address[],
): SupportedResponse {
  const upto = { x402Version: 2, scheme: 'upto', network: network.id, extra: { facilitatorAddress } };
  return {
    kinds: [
      { x402Version: 2, scheme: 'exact', network: network.id },
      { x402Version: 1, scheme: 'exact', network: network.name },
      ...(permit2 ? [upto] : []),
      ...(escrow
        ? [{ x402Version: 2, scheme: 'auth-capture', network: network.id, extra: holdTerms(escrow) }]
        : []),
    ],
    extensions: [],
    signers: { 'eip155:*': [...signers] },
  };
}

/** What sellers copy into their offers of scheme `auth-capture`. */
function holdTerms({ operator, authorizer }: EscrowSettings): Record<string, unknown> {
  return {
    captureAuthorizer: operator,
    ...(authorizer && { receiverAuthorizer: authorizer }),
    operators: [{ address: operator, operatorType: 'policy' }],
  };
}

/** The payment of a request; or why there is none. */
function readPayment(
  settings: SchemeSettings,
  request: FacilitatorRequest,
): RequestedPayment | PaymentRefusal {
  const scheme = schemeOf(request);
  if (!scheme)
    return { reason: 'unsupportedScheme', message: 'This facilitator does not serve that scheme.' };
  return scheme.read(request, settings);
}

interface Verifying {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly contractPayers: ContractPayers;
  readonly read: (request: FacilitatorRequest) => RequestedPayment | PaymentRefusal;
}

async function verify(
  { chain, clock, contractPayers, read }: Verifying,
  request: FacilitatorRequest,
): Promise<VerifyResponse> {
  const payment = read(request);
  if ('reason' in payment) return invalid(request, payment);
  const examination = payment.examine({ chain, nowSeconds: BigInt(unixSeconds(clock)), settling: false });
  const { payer } = payment;
  const refusal =
    (await examination.termRefusal()) ??
    (await examination.chainRefusal()) ??
    ((await examination.proof()).byAccount ? await contractPayers.refusal(payer) : undefined);
  if (refusal) return { ...invalid(request, refusal), payer };
  // For sellers that bound what a payer has pending.
  const balance = payment.purchase === '' ? undefined : await examination.balance();
  return { isValid: true, payer, ...(balance !== undefined && { balance: balance.toString() }) };
}

function invalid({ x402Version }: FacilitatorRequest, { reason, message }: PaymentRefusal): VerifyResponse {
  return { isValid: false, invalidReason: reasonCode(reason, x402Version), invalidMessage: message };
}
