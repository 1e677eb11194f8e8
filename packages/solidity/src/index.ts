import { readFileSync } from 'node:fs';

/** A compiled contract. */
export interface Artifact {
  readonly abi: readonly unknown[];
  /** Creation code, for a deployment transaction; constructor arguments are appended to it. */
  readonly bytecode: `0x${string}`;
  /** Code as it stands at the address after deployment, for `anvil_setCode`. */
  readonly runtimeBytecode: `0x${string}`;
}

/** FiatTokenV2_2-like test money. */
export const testUsdc: Artifact = load('TestUSDC');

/** Test money without EIP-3009, as SBC on Radius is. */
export const testSbc: Artifact = load('TestSBC');

/** Multicall3 for chains that lack it. */
export const multicall3: Artifact = load('Multicall3');

/** ERC-1271 account for tests; constructor argument: owner's address. */
export const testWallet: Artifact = load('TestWallet');

/** Signature transfers of Permit2, for chains that lack it. */
export const permit2: Artifact = load('Permit2');

/** The x402 proxy that pays exactly what was permitted, for chains that lack it; calls Permit2 at its real address. */
export const x402ExactPermit2Proxy: Artifact = load('X402ExactPermit2Proxy');

/** The x402 proxy that pays up to what was permitted, for chains that lack it; calls Permit2 at its real address. */
export const x402UptoPermit2Proxy: Artifact = load('X402UptoPermit2Proxy');

/** {@link testWallet} that also makes calls for its owner; constructor argument: owner's address. */
export const smartWallet: Artifact = load('SmartWallet');

/** Deploys {@link smartWallet} at addresses known beforehand. */
export const smartWalletFactory: Artifact = load('SmartWalletFactory');

/** An account that agrees to every signature or burns all gas, for tests of attacks. */
export const hostileWallet: Artifact = load('HostileWallet');

/** Deploys {@link hostileWallet} or burns all gas, for tests of attacks. */
export const hostileFactory: Artifact = load('HostileFactory');

/** The escrow of the Commerce Payments Protocol 1.1, for chains that lack it. */
export const authCaptureEscrow: Artifact = load('AuthCaptureEscrow');

/** What {@link authCaptureEscrow} makes for each operator, to hold its tokens. */
export const tokenStore: Artifact = load('TokenStore');

/** Collects escrowed payments by EIP-3009, for chains that lack it. */
export const erc3009PaymentCollector: Artifact = load('ERC3009PaymentCollector');

/** Collects escrowed payments by Permit2, for chains that lack it. */
export const permit2PaymentCollector: Artifact = load('Permit2PaymentCollector');

/** Collects refunds from the operator, for chains that lack it. */
export const operatorRefundCollector: Artifact = load('OperatorRefundCollector');

/** Collects refunds from the receiver by a signature of theirs. */
export const receiverRefundCollector: Artifact = load('ReceiverRefundCollector');

/** The operator of escrowed payments: batches, obeyed by the receiver authorizer's signature. */
export const agreementOperator: Artifact = load('AgreementOperator');

function load(name: string): Artifact {
  return JSON.parse(readFileSync(new URL(`../artifacts/${name}.json`, import.meta.url), 'utf8')) as Artifact;
}
