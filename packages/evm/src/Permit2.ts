import {
  EXACT_PERMIT2_PROXY,
  PERMIT2,
  UPTO_PERMIT2_PROXY,
  sameHex,
  type Address,
  type Hex,
  type Permit2Authorization,
  type UptoWitness,
} from '@agentpay/protocol';
import {
  decodeErrorResult,
  decodeFunctionData,
  encodeFunctionData,
  keccak256,
  parseAbi,
  toBytes,
  toHex,
} from 'viem';
import type { Call, CallResult, Log, LogFilter } from './Chain.js';
import { hasTopics, revertText, TRANSFER, word } from './FiatToken.js';
import { parseSignature } from './Signature.js';

const STRUCTS = [
  'struct TokenPermissions { address token; uint256 amount; }',
  'struct Permit { TokenPermissions permitted; uint256 nonce; uint256 deadline; }',
  'struct Permit2612 { uint256 value; uint256 deadline; bytes32 r; bytes32 s; uint8 v; }',
  'struct ExactWitness { address to; uint256 validAfter; }',
  'struct UptoWitness { address to; address facilitator; uint256 validAfter; }',
] as const;

/** What both x402 proxies say of themselves. */
export const proxyAbi = parseAbi([
  'function PERMIT2() view returns (address)',
  'function WITNESS_TYPEHASH() view returns (bytes32)',
]);

/** The x402 proxy that pays exactly what was permitted. */
export const exactProxyAbi = parseAbi([
  ...STRUCTS,
  'function settle(Permit permit, address owner, ExactWitness witness, bytes signature)',
  'function settleWithPermit(Permit2612 permit2612, Permit permit, address owner, ExactWitness witness, bytes signature)',
]);

/** The x402 proxy that pays up to what was permitted. */
export const uptoProxyAbi = parseAbi([
  ...STRUCTS,
  'function settle(Permit permit, uint256 amount, address owner, UptoWitness witness, bytes signature)',
  'function settleWithPermit(Permit2612 permit2612, Permit permit, uint256 amount, address owner, UptoWitness witness, bytes signature)',
]);

/** The part of Permit2 that payments use. */
export const permit2Abi = parseAbi([
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function nonceBitmap(address owner, uint256 wordPos) view returns (uint256)',
]);

/** How Permit2 and its proxies refuse. */
export const permit2ErrorAbi = parseAbi([
  'error SignatureExpired(uint256 signatureDeadline)',
  'error InvalidNonce()',
  'error InvalidAmount()',
  'error InvalidAmount(uint256 maxAmount)',
  'error InvalidSignatureLength()',
  'error InvalidSignature()',
  'error InvalidSigner()',
  'error InvalidContractSignature()',
  'error InvalidDestination()',
  'error InvalidOwner()',
  'error PaymentTooEarly()',
  'error Permit2612AmountMismatch()',
  'error AmountExceedsPermitted()',
  'error UnauthorizedFacilitator()',
]);

const INVALIDATION = keccak256(toBytes('UnorderedNonceInvalidation(address,uint256,uint256)'));
const SETTLED = ['Settled()', 'SettledWithPermit()'].map((event) => keccak256(toBytes(event)));
/** What each proxy takes for a witness, by its address. */
export const witnessTypehashes: Readonly<Record<Address, Hex>> = {
  [EXACT_PERMIT2_PROXY]: keccak256(toBytes('Witness(address to,uint256 validAfter)')),
  [UPTO_PERMIT2_PROXY]: keccak256(toBytes('Witness(address to,address facilitator,uint256 validAfter)')),
};

export function permit2SeparatorCall(): Call {
  return { to: PERMIT2, data: encodeFunctionData({ abi: permit2Abi, functionName: 'DOMAIN_SEPARATOR' }) };
}

/** Asks a proxy which Permit2 it calls, and what it takes for a witness. */
export function proxyQuestions(proxy: Address): readonly [Call, Call] {
  const ask = (functionName: 'PERMIT2' | 'WITNESS_TYPEHASH') => ({
    to: proxy,
    data: encodeFunctionData({ abi: proxyAbi, functionName }),
  });
  return [ask('PERMIT2'), ask('WITNESS_TYPEHASH')];
}

/** Whether the responses to {@link proxyQuestions} are those of the x402 proxy at that address. */
export function isProxy(proxy: Address, [permit2, typehash]: readonly CallResult[]): boolean {
  const says = (result: CallResult | undefined, expected: Hex) =>
    result?.success === true && sameHex(result.data, expected);
  return says(permit2, word(PERMIT2)) && says(typehash, witnessTypehashes[proxy] ?? '0x');
}

/** Asks for the word of 256 nonces that holds this one. */
export function permitNonceCall(owner: Address, nonce: bigint): Call {
  return {
    to: PERMIT2,
    data: encodeFunctionData({ abi: permit2Abi, functionName: 'nonceBitmap', args: [owner, nonce >> 8n] }),
  };
}

/** Whether the response to {@link permitNonceCall} says that the nonce is used; undefined when it is no response. */
export function isPermitNonceUsed({ success, data }: CallResult, nonce: bigint): boolean | undefined {
  if (!success || data === '0x') return undefined;
  return ((BigInt(data) >> (nonce & 255n)) & 1n) === 1n;
}

/** The logs that owners leave who invalidate nonces. */
export function permitNonceInvalidations(owner: Address): LogFilter {
  return { address: PERMIT2, topics: [INVALIDATION, word(owner)] };
}

/** Whether these logs show that the owner invalidated the nonce. */
export function permitNonceInvalidated(logs: readonly Log[], owner: Address, nonce: bigint): boolean {
  return logs.some((log) => {
    if (
      !sameHex(log.address, PERMIT2) ||
      !hasTopics(log, [INVALIDATION, word(owner)]) ||
      log.data.length !== 130
    )
      return false;
    const [position, mask] = [BigInt(log.data.slice(0, 66)), BigInt(`0x${log.data.slice(66)}`)];
    return position === nonce >> 8n && ((mask >> (nonce & 255n)) & 1n) === 1n;
  });
}

/** Pays what the payer permitted, whoever sends it. */
export function exactSettleCall(authorization: Permit2Authorization, signature: Hex): Call {
  const args = [permitOf(authorization), authorization.from, authorization.witness, signature] as const;
  return {
    to: EXACT_PERMIT2_PROXY,
    data: encodeFunctionData({ abi: exactProxyAbi, functionName: 'settle', args }),
  };
}

/** What lets Permit2 move a token: an EIP-2612 permit of the payer's for Permit2, signed as (r, s, v). */
export interface TokenAllowance {
  readonly value: bigint;
  readonly deadline: bigint;
  readonly signature: Hex;
}

/** {@link exactSettleCall} that brings the payer's permit of the token along. @throws Error for a signature that is not (r, s, v) */
export function exactSettleWithPermitCall(
  authorization: Permit2Authorization,
  signature: Hex,
  { value, deadline, signature: allowed }: TokenAllowance,
): Call {
  const parsed = parseSignature(allowed);
  if (!parsed) throw new Error('A permit is signed by 65 bytes with the low s.');
  const permit2612 = { value, deadline, ...parsed };
  const { from, witness } = authorization;
  const args = [permit2612, permitOf(authorization), from, witness, signature] as const;
  return {
    to: EXACT_PERMIT2_PROXY,
    data: encodeFunctionData({ abi: exactProxyAbi, functionName: 'settleWithPermit', args }),
  };
}

/** Pays so much of what the payer permitted; only for the facilitator of the witness. */
export function uptoSettleCall(
  authorization: Permit2Authorization<UptoWitness>,
  amount: bigint,
  signature: Hex,
): Call {
  const args = [
    permitOf(authorization),
    amount,
    authorization.from,
    authorization.witness,
    signature,
  ] as const;
  return {
    to: UPTO_PERMIT2_PROXY,
    data: encodeFunctionData({ abi: uptoProxyAbi, functionName: 'settle', args }),
  };
}

function permitOf({ permitted, nonce, deadline }: Permit2Authorization) {
  return { permitted, nonce, deadline };
}

/** The owner and the nonce that a call of an x402 proxy uses; undefined when it is no such call. */
export function settledPermit({
  to,
  data,
}: Call): { readonly owner: Address; readonly nonce: bigint } | undefined {
  try {
    if (sameHex(to, EXACT_PERMIT2_PROXY)) {
      const { functionName, args } = decodeFunctionData({ abi: exactProxyAbi, data });
      const [permit, owner] = functionName === 'settle' ? args : ([args[1], args[2]] as const);
      return { owner, nonce: permit.nonce };
    }
    if (!sameHex(to, UPTO_PERMIT2_PROXY)) return undefined;
    const { functionName, args } = decodeFunctionData({ abi: uptoProxyAbi, data });
    const [permit, owner] =
      functionName === 'settle' ? ([args[0], args[2]] as const) : ([args[1], args[3]] as const);
    return { owner, nonce: permit.nonce };
  } catch {
    return undefined;
  }
}

/** A payment through a proxy, as its logs show it. */
export interface ProxyPayment {
  readonly proxy: Address;
  readonly token: Address;
  readonly from: Address;
  readonly to: Address;
  readonly amount: bigint;
}

/**
 * Whether these logs show the payment: `Transfer` of the very payer, payee and amount by the token, and the proxy's word that it settled.
 * They do not name the nonce: for a transaction that carries nothing else.
 */
export function provesProxyPayment(
  logs: readonly Log[],
  { proxy, token, from, to, amount }: ProxyPayment,
): boolean {
  const value = toHex(amount, { size: 32 });
  const moved = logs.some(
    (log) =>
      sameHex(log.address, token) &&
      hasTopics(log, [TRANSFER, word(from), word(to)]) &&
      sameHex(log.data, value),
  );
  return (
    moved &&
    logs.some((log) => sameHex(log.address, proxy) && SETTLED.some((event) => hasTopics(log, [event])))
  );
}

/** The logs of a payment through a proxy, as token and proxy emit them. */
export function proxyPaymentLogs({ proxy, token, from, to, amount }: ProxyPayment): Log[] {
  return [
    { address: token, topics: [TRANSFER, word(from), word(to)], data: toHex(amount, { size: 32 }) },
    { address: proxy, topics: [SETTLED[0] as Hex], data: '0x' },
  ];
}

/** What Permit2, its proxies or the token say when they refuse: the name of the error, or the sentence; undefined for any other. */
export function permit2RevertText(result: CallResult): string | undefined {
  if (result.success) return undefined;
  try {
    return decodeErrorResult({ abi: permit2ErrorAbi, data: result.data }).errorName;
  } catch {
    return revertText(result);
  }
}
