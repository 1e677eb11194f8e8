import { MULTICALL3, type Network } from '@agentpay/primitives';
import {
  bytesToHex,
  domainSeparator,
  hashAuthorization,
  hashPermit,
  sameHex,
  type Address,
  type Authorization,
  type Hex,
} from '@agentpay/protocol';
import {
  concat,
  decodeFunctionData,
  encodeErrorResult,
  encodeFunctionResult,
  pad,
  parseAbi,
  toHex,
} from 'viem';
import type { EscrowBalance } from './AuthCapture.js';
import type { Call, CallResult, Log } from './Chain.js';
import { AUTHORIZATION_CANCELED, fiatTokenAbi, transferLogs, word } from './FiatToken.js';
import { readCalls, writeResults } from './Multicall.js';
import { recoverAuthorizer } from './Signature.js';

const errorAbi = parseAbi(['error Error(string)']);
const accountAbi = parseAbi([
  'function isValidSignature(bytes32 digest, bytes signature) view returns (bytes4)',
]);

/** Whether an account with code takes a signature (ERC-1271). */
export type Accepts = (digest: Hex, signature: Hex) => boolean;

/** Code at an address: what a call of it by `sender` does to the state. */
export type Contract = (
  state: SimulatedState,
  call: Call,
  block: { readonly timestamp: bigint; readonly sender: Address },
) => Applied;

/** Everything that a simulated chain remembers. Keys are lower-case addresses. */
export interface SimulatedState {
  readonly network: Network;
  readonly separator: Uint8Array;
  readonly balances: Map<string, bigint>;
  /** `payer:nonce` of authorizations. */
  readonly used: Set<string>;
  readonly nonces: Map<string, number>;
  readonly accounts: Map<string, Accepts>;
  /** Accounts that the token neither debits nor credits. */
  readonly blacklist: Set<string>;
  /** `owner:spender` of tokens. Missing: nothing. */
  readonly allowances: Map<string, bigint>;
  /** Of the owners' next permits. Missing: 0. */
  readonly permitNonces: Map<string, bigint>;
  readonly contracts: Map<string, Contract>;
  /** What the escrow holds, by the hash of the payment. */
  readonly holds: Map<string, EscrowBalance>;
  readonly transfers: Authorization[];
}

/** What a call did: its response and its logs. */
export interface Applied extends CallResult {
  readonly logs: readonly Log[];
}

/** A require() that failed, with its sentence. */
export class Revert extends Error {
  override readonly name = 'Revert';
}

export function emptyState(network: Network): SimulatedState {
  const separator = domainSeparator({
    ...network.usdc.eip712,
    chainId: network.chainId,
    verifyingContract: network.usdc.address,
  });
  return {
    network,
    separator,
    balances: new Map(),
    used: new Set(),
    nonces: new Map(),
    accounts: new Map(),
    blacklist: new Set(),
    allowances: new Map(),
    permitNonces: new Map(),
    contracts: new Map(),
    holds: new Map(),
    transfers: [],
  };
}

export function copyState(state: SimulatedState): SimulatedState {
  return {
    ...state,
    balances: new Map(state.balances),
    used: new Set(state.used),
    nonces: new Map(state.nonces),
    accounts: new Map(state.accounts),
    blacklist: new Set(state.blacklist),
    allowances: new Map(state.allowances),
    permitNonces: new Map(state.permitNonces),
    holds: new Map(state.holds),
    transfers: [...state.transfers],
  };
}

export function nonceOf(state: SimulatedState, account: Address): number {
  return state.nonces.get(account.toLowerCase()) ?? 0;
}

export function balanceOf(state: SimulatedState, account: Address): bigint {
  return state.balances.get(account.toLowerCase()) ?? 0n;
}

export function addBalance(state: SimulatedState, account: Address, amount: bigint): void {
  state.balances.set(account.toLowerCase(), balanceOf(state, account) + amount);
}

/** Runs a call in a block of this time (Unix seconds), with the rules and revert texts of USDC; a revert changes nothing. */
export async function applyCall(
  state: SimulatedState,
  call: Call,
  timestamp: bigint,
  sender: Address = MULTICALL3,
): Promise<Applied> {
  try {
    if (sameHex(call.to, MULTICALL3)) return await applyAggregate(state, call.data, timestamp);
    if (sameHex(call.to, state.network.usdc.address)) return await applyToken(state, call.data, timestamp);
    const contract = state.contracts.get(call.to.toLowerCase());
    return contract ? contract(state, call, { timestamp, sender }) : applyAccount(state, call);
  } catch (error) {
    if (!(error instanceof Revert)) throw error;
    return {
      success: false,
      data: encodeErrorResult({ abi: errorAbi, errorName: 'Error', args: [error.message] }),
      logs: [],
    };
  }
}

async function applyAggregate(state: SimulatedState, data: Hex, timestamp: bigint): Promise<Applied> {
  const results: Applied[] = [];
  for (const call of readCalls(data)) results.push(await applyCall(state, call, timestamp));
  return { success: true, data: writeResults(results), logs: results.flatMap(({ logs }) => logs) };
}

/** Moves tokens from an account to another. @throws Revert */
export function moveTokens(state: SimulatedState, from: Address, to: Address, value: bigint): void {
  const blocked = [from, to].some((account) => state.blacklist.has(account.toLowerCase()));
  if (blocked) throw new Revert('Blacklistable: account is blacklisted');
  if (value > balanceOf(state, from)) throw new Revert('ERC20: transfer amount exceeds balance');
  addBalance(state, from, -value);
  addBalance(state, to, value);
}

function applyAccount(state: SimulatedState, { to, data }: Call): Applied {
  const accepts = state.accounts.get(to.toLowerCase());
  if (!accepts || data === '0x') return { success: true, data: '0x', logs: [] };
  const { args } = decodeFunctionData({ abi: accountAbi, data });
  return {
    success: true,
    data: pad(accepts(...args) ? '0x1626ba7e' : '0xffffffff', { dir: 'right', size: 32 }),
    logs: [],
  };
}

async function applyToken(state: SimulatedState, data: Hex, timestamp: bigint): Promise<Applied> {
  const call = decodeFunctionData({ abi: fiatTokenAbi, data });
  const { name, version } = state.network.usdc.eip712;
  const answer = (result: Hex): Applied => ({ success: true, data: result, logs: [] });
  switch (call.functionName) {
    case 'name':
      return answer(encodeFunctionResult({ abi: fiatTokenAbi, functionName: 'name', result: name }));
    case 'version':
      return answer(encodeFunctionResult({ abi: fiatTokenAbi, functionName: 'version', result: version }));
    case 'DOMAIN_SEPARATOR':
      return answer(bytesToHex(state.separator));
    case 'balanceOf':
      return answer(toHex(balanceOf(state, call.args[0]), { size: 32 }));
    case 'allowance':
      return answer(toHex(state.allowances.get(call.args.join(':').toLowerCase()) ?? 0n, { size: 32 }));
    case 'nonces':
      return answer(toHex(permitNonceOf(state, call.args[0]), { size: 32 }));
    case 'permit':
      permitTokens(state, call.args, timestamp);
      return answer('0x');
    case 'authorizationState':
      return answer(toHex(state.used.has(useKey(...call.args)), { size: 32 }));
    case 'cancelAuthorization':
      return applyCancellation(state, call.args[0], call.args[1]);
    case 'transferWithAuthorization':
      return applyTransfer(state, call.args, timestamp);
  }
}

/** The owner's next permit of the token (EIP-2612) has this nonce. */
function permitNonceOf(state: SimulatedState, owner: Address): bigint {
  return state.permitNonces.get(owner.toLowerCase()) ?? 0n;
}

/** Lets a spender move tokens of the owner who has signed that (EIP-2612). @throws Revert */
export function permitTokens(
  state: SimulatedState,
  [owner, spender, value, deadline, v, r, s]: readonly [Address, Address, bigint, bigint, number, Hex, Hex],
  timestamp: bigint,
): void {
  if (deadline < timestamp) throw new Revert('FiatTokenV2: permit is expired');
  const nonce = permitNonceOf(state, owner);
  const { usdc, chainId } = state.network;
  const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
  const digest = hashPermit(domain, { owner, spender, value, nonce, deadline });
  const signer = recoverAuthorizer(digest, concat([r, s, toHex(v, { size: 1 })]));
  if (!signer || !sameHex(signer, owner)) throw new Revert('EIP2612: invalid signature');
  state.permitNonces.set(owner.toLowerCase(), nonce + 1n);
  state.allowances.set(`${owner}:${spender}`.toLowerCase(), value);
}

/** Whoever acts for the payer here is the payer: its signature is not looked at. */
function applyCancellation(state: SimulatedState, payer: Address, nonce: Hex): Applied {
  if (state.used.has(useKey(payer, nonce)))
    throw new Revert('FiatTokenV2: authorization is used or canceled');
  state.used.add(useKey(payer, nonce));
  const { address } = state.network.usdc;
  return {
    success: true,
    data: '0x',
    logs: [{ address, topics: [AUTHORIZATION_CANCELED, word(payer), nonce], data: '0x' }],
  };
}

type Terms = readonly [Address, Address, bigint, bigint, bigint, Hex];
type TransferArgs = readonly [...Terms, number, Hex, Hex] | readonly [...Terms, Hex];

async function applyTransfer(state: SimulatedState, args: TransferArgs, timestamp: bigint): Promise<Applied> {
  const [from, to, value, validAfter, validBefore, nonce, ...rest] = args;
  const signature = rest.length === 1 ? rest[0] : concat([rest[1], rest[2], toHex(rest[0], { size: 1 })]);
  const authorization: Authorization = { from, to, value, validAfter, validBefore, nonce };
  if (timestamp <= validAfter) throw new Revert('FiatTokenV2: authorization is not yet valid');
  if (timestamp >= validBefore) throw new Revert('FiatTokenV2: authorization is expired');
  if (state.used.has(useKey(from, nonce))) throw new Revert('FiatTokenV2: authorization is used or canceled');
  if (!(await isSigned(state, authorization, signature))) throw new Revert('FiatTokenV2: invalid signature');
  moveTokens(state, from, to, value);
  state.used.add(useKey(from, nonce));
  state.transfers.push(authorization);
  return { success: true, data: '0x', logs: transferLogs(state.network.usdc.address, authorization) };
}

async function isSigned(
  state: SimulatedState,
  authorization: Authorization,
  signature: Hex,
): Promise<boolean> {
  const digest = hashAuthorization(state.separator, authorization);
  const accepts = state.accounts.get(authorization.from.toLowerCase());
  if (accepts) return accepts(bytesToHex(digest), signature);
  const signer = recoverAuthorizer(digest, signature);
  return signer !== undefined && sameHex(signer, authorization.from);
}

function useKey(payer: Address, nonce: Hex): string {
  return `${payer}:${nonce}`.toLowerCase();
}
