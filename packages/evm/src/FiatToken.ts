import { authorizationUseIn, sameHex, type Address, type Authorization, type Hex } from '@agentpay/protocol';
import {
  decodeErrorResult,
  decodeFunctionResult,
  encodeFunctionData,
  keccak256,
  pad,
  parseAbi,
  toBytes,
  toFunctionSelector,
  toHex,
} from 'viem';
import type { Call, CallResult, Log } from './Chain.js';
import { encodeWords } from './encodeWords.js';
import { canonicalSignature, parseSignature } from './Signature.js';

const TERMS =
  'address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce';

/** The part of USDC (Circle's FiatTokenV2_2) that payments use. */
export const fiatTokenAbi = parseAbi([
  'function name() view returns (string)',
  'function version() view returns (string)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function balanceOf(address account) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  `function transferWithAuthorization(${TERMS}, uint8 v, bytes32 r, bytes32 s)`,
  `function transferWithAuthorization(${TERMS}, bytes signature)`,
  'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
  'function nonces(address owner) view returns (uint256)',
  'function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)',
]);
const errorAbi = parseAbi(['error Error(string)']);

/** First topic of the log that moved tokens leave (ERC-20). */
export const TRANSFER = keccak256(toBytes('Transfer(address,address,uint256)'));
/** First topic of the log that a used authorization leaves. */
export const AUTHORIZATION_USED = keccak256(toBytes('AuthorizationUsed(address,bytes32)'));
/** First topic of the log that a cancelled authorization leaves. */
export const AUTHORIZATION_CANCELED = keccak256(toBytes('AuthorizationCanceled(address,bytes32)'));
const IS_VALID_SIGNATURE = '0x1626ba7e';

const TRANSFER_BY_VRS = toFunctionSelector(
  `transferWithAuthorization(${TERMS}, uint8 v, bytes32 r, bytes32 s)`,
);
const AUTHORIZATION_STATE = toFunctionSelector('authorizationState(address,bytes32)');
const BALANCE_OF = toFunctionSelector('balanceOf(address)');

/** The transfer that the payer authorized: by (v, r, s) for an ECDSA signature as wallets write it, by bytes for any other. */
export function transferCall(asset: Address, authorization: Authorization, signature: Hex): Call {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const ecdsa = signature === canonicalSignature(signature) ? parseSignature(signature) : undefined;
  if (ecdsa) {
    const { v, r, s } = ecdsa;
    return {
      to: asset,
      data: encodeWords(TRANSFER_BY_VRS, from, to, value, validAfter, validBefore, nonce, BigInt(v), r, s),
    };
  }
  const args = [from, to, value, validAfter, validBefore, nonce, signature] as const;
  return {
    to: asset,
    data: encodeFunctionData({ abi: fiatTokenAbi, functionName: 'transferWithAuthorization', args }),
  };
}

/** The payer's word that the nonce is used up by nothing; only for chains that take it without a signature. */
export function cancelCall(asset: Address, payer: Address, nonce: Hex): Call {
  const args = [payer, nonce, '0x'] as const;
  return {
    to: asset,
    data: encodeFunctionData({ abi: fiatTokenAbi, functionName: 'cancelAuthorization', args }),
  };
}

export function authorizationStateCall(asset: Address, payer: Address, nonce: Hex): Call {
  return { to: asset, data: encodeWords(AUTHORIZATION_STATE, payer, nonce) };
}

export function balanceCall(asset: Address, account: Address): Call {
  return { to: asset, data: encodeWords(BALANCE_OF, account) };
}

/** Asks how much of the owner's token the spender may move. */
export function allowanceCall(asset: Address, owner: Address, spender: Address): Call {
  return {
    to: asset,
    data: encodeFunctionData({ abi: fiatTokenAbi, functionName: 'allowance', args: [owner, spender] }),
  };
}

/** Asks a token for the nonce of the owner's next permit (EIP-2612). */
export function tokenNonceCall(asset: Address, owner: Address): Call {
  return {
    to: asset,
    data: encodeFunctionData({ abi: fiatTokenAbi, functionName: 'nonces', args: [owner] }),
  };
}

export function domainSeparatorCall(asset: Address): Call {
  return { to: asset, data: encodeFunctionData({ abi: fiatTokenAbi, functionName: 'DOMAIN_SEPARATOR' }) };
}

/** Asks a token for its EIP-712 domain: separator, name, version. */
export function tokenDomainCalls(asset: Address): readonly Call[] {
  const ask = (functionName: 'name' | 'version') => ({
    to: asset,
    data: encodeFunctionData({ abi: fiatTokenAbi, functionName }),
  });
  return [domainSeparatorCall(asset), ask('name'), ask('version')];
}

/** The name and version in the last two responses to {@link tokenDomainCalls}; undefined when the token does not tell. */
export function readTokenDomain([name, version]: readonly CallResult[]):
  | { name: string; version: string }
  | undefined {
  if (!name?.success || !version?.success) return undefined;
  try {
    return {
      name: decodeFunctionResult({ abi: fiatTokenAbi, functionName: 'name', data: name.data }),
      version: decodeFunctionResult({ abi: fiatTokenAbi, functionName: 'version', data: version.data }),
    };
  } catch {
    return undefined;
  }
}

/** Asks an account with code whether the signature is its own (ERC-1271). */
export function isValidSignatureCall(account: Address, digest: Hex, signature: Hex): Call {
  const digits = signature.slice(2);
  const padded = digits.padEnd(Math.ceil(digits.length / 64) * 64, '0');
  return {
    to: account,
    data: `${encodeWords(IS_VALID_SIGNATURE, digest, 64n, BigInt(digits.length / 2))}${padded}`,
  };
}

/** Whether an account answered {@link isValidSignatureCall} with yes. */
export function saysValidSignature(result: CallResult): boolean {
  return result.success && result.data.startsWith(IS_VALID_SIGNATURE);
}

/** The sentence of a revert made by `require(..., "sentence")`; undefined for any other. */
export function revertText(result: CallResult): string | undefined {
  if (result.success) return undefined;
  try {
    return decodeErrorResult({ abi: errorAbi, data: result.data }).args[0];
  } catch {
    return undefined;
  }
}

/** Whether these logs prove that the authorization moved its money: see `authorizationUseIn`. */
export function provesTransfer(logs: readonly Log[], asset: Address, authorization: Authorization): boolean {
  return authorizationUseIn(logs, asset, authorization) === 'payment';
}

/** Whether the log has these topics and no more. */
export function hasTopics(log: Log, topics: readonly Hex[]): boolean {
  return (
    log.topics.length === topics.length && topics.every((topic, i) => sameHex(log.topics[i] as Hex, topic))
  );
}

/** An address as an indexed member of a log has it. */
export function word(address: Address): Hex {
  return pad(address, { size: 32 });
}

/** The two logs of a transfer by authorization, as the token emits them. */
export function transferLogs(asset: Address, { from, to, value, nonce }: Authorization): Log[] {
  return [
    { address: asset, topics: [AUTHORIZATION_USED, word(from), nonce], data: '0x' },
    { address: asset, topics: [TRANSFER, word(from), word(to)], data: toHex(value, { size: 32 }) },
  ];
}
