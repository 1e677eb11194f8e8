import type { agreements } from '@agentpay/core';
import {
  allowanceCall,
  balanceCall,
  parseSignature,
  recoverAuthorizer,
  type Call,
  type CallResult,
  type Chain,
  type EcdsaSignature,
} from '@agentpay/evm';
import { unixSeconds, type Clock, type Db, type Network } from '@agentpay/primitives';
import {
  hashPermit,
  sameHex,
  toAuthorization,
  type Address,
  type Facilitator,
  type Hex,
  type TokenPermit,
} from '@agentpay/protocol';
import { encodeFunctionData, parseAbi } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { custody } from '@agentpay/core';
import { balanceOn } from './ChainTill.js';
import { createGasCalls, type GasCall, type GasCalls } from './GasCalls.js';
import { createTreasury, type Treasury } from './Treasury.js';

export interface FeeWalletOptions {
  /** Pays gas with its own ether, and is nobody else's. */
  readonly privateKey: Hex;
  readonly network: Network;
  readonly chain: Chain;
  /** What shows whether a fee was given back. */
  readonly proofs: custody.PaymentChain;
  readonly facilitator: Facilitator;
  readonly db: Db;
  readonly clock: Clock;
  readonly confirmations: number;
  readonly onError?: ((error: unknown) => void) | undefined;
}

const abi = parseAbi([
  'function nonces(address owner) view returns (uint256)',
  'function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)',
  'function transferFrom(address from, address to, uint256 value) returns (bool)',
]);
/** What is not used is not paid. */
const GAS = 150_000n;

/**
 * Permits end on the full ten minutes, so that a signature alone tells the permit: the last end within an hour is given out, and those
 * before it are still good.
 */
const STEP_SECONDS = 600;
const LONGEST_SECONDS = 3_600;
/** How many permits of an owner may have been used since one that still allows its fee. */
const FORMER_PERMITS = 4n;

/** Collects fees by permit: the permit first, by anybody's transaction, then a transfer of just the fee to its own account. */
export function createFeeWallet(options: FeeWalletOptions): agreements.FeeWallet {
  const { privateKey, network, chain, facilitator, clock, db, confirmations, onError } = options;
  const account = privateKeyToAccount(privateKey);
  const { chainId, usdc } = network;
  const calls = createGasCalls({ chain, chainId, db, clock, account, confirmations, onError });
  const treasury = createTreasury({ privateKey, network, facilitator, clock });
  const spender = account.address;
  const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
  const permitUntil = async (owner: Address, value: bigint): Promise<TokenPermit> => {
    const last = Math.floor((unixSeconds(clock) + LONGEST_SECONDS) / STEP_SECONDS) * STEP_SECONDS;
    const nonce = await nonceOf(chain, usdc.address, owner);
    return { owner, spender, value, nonce, deadline: BigInt(last) };
  };
  return {
    network: network.id,
    address: spender,
    permitFor: ({ owner, amount }) => permitUntil(owner, amount),
    async signedPermit({ owner, amount, signature }) {
      const isSigned = (permit: TokenPermit): boolean => {
        const signer = recoverAuthorizer(hashPermit(domain, permit), signature);
        return signer !== undefined && sameHex(signer, owner);
      };
      const last = await permitUntil(owner, amount);
      const unused = candidates(last).find(isSigned);
      if (unused) return unused;
      const [allowance] = await numbers(chain, [allowanceCall(usdc.address, owner, spender)]);
      // Somebody else has submitted it: what counts is what it allows.
      return allowance < amount ? undefined : formerOf(last).flatMap(candidates).find(isSigned);
    },
    collect: (fee) => collect({ calls, chain, token: usdc.address }, fee),
    giveBack: (fee) => giveBack(treasury, options.proofs, fee),
    balance: () => balanceOn(chain, { token: usdc.address, account: spender }),
  };
}

/** The permit and those that were given out before it. */
function candidates(last: TokenPermit): TokenPermit[] {
  const steps = LONGEST_SECONDS / STEP_SECONDS;
  return Array.from({ length: steps }, (_, i) => ({
    ...last,
    deadline: last.deadline - BigInt(i * STEP_SECONDS),
  }));
}

/** The last permits that can have been used. */
function formerOf(next: TokenPermit): TokenPermit[] {
  const count = next.nonce < FORMER_PERMITS ? next.nonce : FORMER_PERMITS;
  return Array.from({ length: Number(count) }, (_, i) => ({ ...next, nonce: next.nonce - BigInt(i + 1) }));
}

interface Collecting {
  readonly calls: GasCalls;
  readonly chain: Chain;
  readonly token: Address;
}

/** One step of collecting a fee, by what chain and records say. */
async function collect(
  { calls, chain, token }: Collecting,
  { id, permit, signature }: agreements.PermitFee,
): Promise<agreements.FeeState> {
  const [transferName, permitName] = [`${id}:fee`, `${id}:permit`];
  const { owner, spender, value, nonce, deadline } = permit;
  const giveUp = async (reason: string) => stateOf(await calls.giveUp(transferName, reason));
  const made = await calls.follow(transferName);
  if (made) return stateOf(made);
  const permitted = await calls.follow(permitName);
  // The time first: what is unused after a block past its end can never be used.
  const { timestamp } = await chain.block();
  const [nextNonce, allowance, balance] = await numbers(chain, [
    noncesCall(token, owner),
    allowanceCall(token, owner, spender),
    balanceCall(token, owner),
  ]);
  if (balance < value) return giveUp('insufficient_funds');
  if (nextNonce === nonce) {
    if (timestamp > deadline) return giveUp('fee_permit_expired');
    if (permitted?.status === 'mined' && !permitted.receipt.success) return giveUp('fee_permit_refused');
    if (permitted) return { status: 'processing' };
    const { r, s, v } = parseSignature(signature) as EcdsaSignature;
    const args = [owner, spender, value, deadline, v, r, s] as const;
    const data = encodeFunctionData({ abi, functionName: 'permit', args });
    await calls.make(permitName, { to: token, data, gas: GAS });
    return { status: 'processing' };
  }
  // A transaction of ours that is under way goes first, whatever becomes of it.
  if (permitted?.status === 'pending') return { status: 'processing' };
  // Whoever has submitted it: what counts is what it allows.
  if (nextNonce < nonce || allowance < value) return giveUp('fee_permit_used');
  const data = encodeFunctionData({ abi, functionName: 'transferFrom', args: [owner, spender, value] });
  return stateOf(await calls.make(transferName, { to: token, data, gas: GAS }));
}

function stateOf(call: GasCall): agreements.FeeState {
  if (call.status === 'pending') return { status: 'processing' };
  if (call.status === 'never') return { status: 'failed', reason: call.reason };
  const { success, hash } = call.receipt;
  return success
    ? { status: 'completed', reference: hash }
    : { status: 'failed', reason: 'fee_transfer_reverted' };
}

async function giveBack(
  treasury: Treasury,
  proofs: custody.PaymentChain,
  { id, to, amount, since }: Parameters<agreements.FeeWallet['giveBack']>[0],
): Promise<agreements.FeeState> {
  const transfer = await treasury.sign({ key: `${id}:fee-return`, to, amount, since });
  const sent = await treasury.send(transfer);
  if (sent.status === 'completed') return sent;
  // An earlier transfer of the same nonce may have been made.
  const fate = await proofs.fateOf(toAuthorization(transfer.authorization));
  if (fate?.use === 'payment') return { status: 'completed', reference: fate.transaction };
  if (sent.status === 'failed' && fate?.use === 'unused') return sent;
  return { status: sent.status === 'pending' ? 'processing' : 'unknown' };
}

function noncesCall(token: Address, owner: Address): Call {
  return { to: token, data: encodeFunctionData({ abi, functionName: 'nonces', args: [owner] }) };
}

async function nonceOf(chain: Chain, token: Address, owner: Address): Promise<bigint> {
  const [nonce] = await numbers(chain, [noncesCall(token, owner)]);
  return nonce as bigint;
}

/** @throws Error when the chain gives no number */
async function numbers<const Calls extends readonly Call[]>(
  chain: Chain,
  calls: Calls,
): Promise<{ [Index in keyof Calls]: bigint }> {
  const read = ({ success, data }: CallResult): bigint => {
    if (success && data !== '0x') return BigInt(data);
    throw new Error('The token gives no number.');
  };
  return (await chain.read(calls)).map(read) as { [Index in keyof Calls]: bigint };
}
