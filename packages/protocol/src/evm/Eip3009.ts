import {
  addressWord,
  authorizationFields,
  hashWords,
  typedDataDigest,
  uint256Word,
  type Keccak256,
} from './Eip712.js';
import { hexToBytes, keccak256, type Address, type Hex } from './Hex.js';

/** A signed permission to move tokens once (EIP-3009 TransferWithAuthorization). Times are Unix seconds; both bounds are exclusive. */
export interface Authorization {
  readonly from: Address;
  readonly to: Address;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** 32 bytes, unique per `from`. */
  readonly nonce: Hex;
}

/** EIP-712 domain of a token contract. */
export interface TokenDomain {
  readonly name: string;
  readonly version: string;
  readonly chainId: number;
  readonly verifyingContract: Address;
}

const DOMAIN_TYPE = keccak256(
  'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)',
);
const TRANSFER_TYPE = keccak256(
  'TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)',
);

const MOST_SEPARATORS = 256;
const separators = new Map<string, Uint8Array>();

/** EIP-712 domain separator, 32 bytes, not to be changed: the latest ones are remembered. */
export function domainSeparator(domain: TokenDomain): Uint8Array {
  const { name, version, chainId, verifyingContract } = domain;
  // Names and versions are free text: the length tells where the first of them ends.
  const key = `${chainId} ${verifyingContract} ${version.length} ${version} ${name}`;
  const known = separators.get(key);
  if (known) return known;
  const separator = hashDomain(domain);
  if (separators.size >= MOST_SEPARATORS) separators.clear();
  separators.set(key, separator);
  return separator;
}

function hashDomain({ name, version, chainId, verifyingContract }: TokenDomain): Uint8Array {
  const words = [
    keccak256(name),
    keccak256(version),
    uint256Word(BigInt(chainId)),
    addressWord(verifyingContract),
  ];
  return hashWords(DOMAIN_TYPE, ...words);
}

/** The 32-byte digest that the payer signs (EIP-712 with EIP-3009's struct). Whoever hashes a lot may bring a faster `keccak`. */
export function hashAuthorization(
  separator: Uint8Array,
  authorization: Authorization,
  keccak: Keccak256 = keccak256,
): Uint8Array {
  const struct = new Uint8Array(7 * 32);
  struct.set(TRANSFER_TYPE, 0);
  struct.set(addressWord(authorization.from), 32);
  struct.set(addressWord(authorization.to), 64);
  struct.set(uint256Word(authorization.value), 96);
  struct.set(uint256Word(authorization.validAfter), 128);
  struct.set(uint256Word(authorization.validBefore), 160);
  struct.set(hexToBytes(authorization.nonce), 192);
  return typedDataDigest(separator, keccak(struct), keccak);
}

/** The same as typed data, for wallets (`eth_signTypedData_v4`, viem's `signTypedData`). */
export function authorizationTypedData(domain: TokenDomain, authorization: Authorization) {
  return {
    domain,
    types: {
      TransferWithAuthorization: authorizationFields,
    },
    primaryType: 'TransferWithAuthorization',
    message: authorization,
  } as const;
}
