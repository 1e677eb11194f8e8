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

/** Multicall3 for chains that lack it. */
export const multicall3: Artifact = load('Multicall3');

/** ERC-1271 account for tests; constructor argument: owner's address. */
export const testWallet: Artifact = load('TestWallet');

function load(name: string): Artifact {
  return JSON.parse(readFileSync(new URL(`../artifacts/${name}.json`, import.meta.url), 'utf8')) as Artifact;
}
