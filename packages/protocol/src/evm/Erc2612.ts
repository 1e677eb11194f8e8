import { addressWord, hashWords, typedDataDigest, uint256Word } from './Eip712.js';
import { domainSeparator, type TokenDomain } from './Eip3009.js';
import { keccak256, type Address } from './Hex.js';

/** A signed permission that somebody may move some of the owner's tokens (EIP-2612). Anybody may submit it. */
export interface TokenPermit {
  readonly owner: Address;
  readonly spender: Address;
  /** Base units. */
  readonly value: bigint;
  /** The owner's next at the token: permits of one owner are used in order. */
  readonly nonce: bigint;
  /** Unix seconds; good in a block of this time and before. */
  readonly deadline: bigint;
}

const fields = [
  { name: 'owner', type: 'address' },
  { name: 'spender', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'nonce', type: 'uint256' },
  { name: 'deadline', type: 'uint256' },
] as const;
const PERMIT_TYPE = keccak256(
  'Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)',
);

/** What the owner signs, as typed data: `domain` is that of the token. */
export function permitTypedData(domain: TokenDomain, permit: TokenPermit) {
  return { domain, types: { Permit: fields }, primaryType: 'Permit', message: permit } as const;
}

/** The 32-byte digest of {@link permitTypedData}. */
export function hashPermit(domain: TokenDomain, permit: TokenPermit): Uint8Array {
  const { owner, spender, value, nonce, deadline } = permit;
  const words = [addressWord(owner), addressWord(spender), ...[value, nonce, deadline].map(uint256Word)];
  return typedDataDigest(domainSeparator(domain), hashWords(PERMIT_TYPE, ...words));
}
