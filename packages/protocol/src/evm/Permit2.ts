import { addressWord, hashWords, typedDataDigest, uint256Word } from './Eip712.js';
import { keccak256, type Address } from './Hex.js';

/** Permit2, at the same address on every chain. */
export const PERMIT2 = '0x000000000022D473030F116dDEE9F6B43aC78BA3';
/** The x402 proxy that pays exactly what was permitted, at the same address on every chain. */
export const EXACT_PERMIT2_PROXY = '0x402085c248EeA27D92E8b30b2C58ed07f9E20001';
/** The x402 proxy that pays up to what was permitted, at the same address on every chain. */
export const UPTO_PERMIT2_PROXY = '0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002';

/** Whom the exact proxy pays, and from when on (Unix seconds, inclusive). */
export interface ExactWitness {
  readonly to: Address;
  readonly validAfter: bigint;
}

/** The same for the upto proxy, which only `facilitator` may call. */
export interface UptoWitness extends ExactWitness {
  readonly facilitator: Address;
}

/** A signed permission to move tokens once by Permit2, through the proxy that is its `spender`. */
export interface Permit2Authorization<Witness extends ExactWitness = ExactWitness> {
  readonly from: Address;
  /** `amount` is in base units of `token`. */
  readonly permitted: { readonly token: Address; readonly amount: bigint };
  readonly spender: Address;
  /** A uint256, unique per `from`, in any order. */
  readonly nonce: bigint;
  /** Unix seconds, inclusive. */
  readonly deadline: bigint;
  readonly witness: Witness;
}

const TOKEN_PERMISSIONS = 'TokenPermissions(address token,uint256 amount)';
const EXACT_WITNESS = 'Witness(address to,uint256 validAfter)';
const UPTO_WITNESS = 'Witness(address to,address facilitator,uint256 validAfter)';

const DOMAIN_TYPE = keccak256('EIP712Domain(string name,uint256 chainId,address verifyingContract)');
const NAME = keccak256('Permit2');
const TOKEN_PERMISSIONS_TYPE = keccak256(TOKEN_PERMISSIONS);
const EXACT_WITNESS_TYPE = keccak256(EXACT_WITNESS);
const UPTO_WITNESS_TYPE = keccak256(UPTO_WITNESS);
const EXACT_TYPE = permitType(EXACT_WITNESS);
const UPTO_TYPE = permitType(UPTO_WITNESS);

/** EIP-712 domain separator of Permit2, 32 bytes. Constant per chain: compute once. */
export function permit2Separator(chainId: number): Uint8Array {
  return hashWords(DOMAIN_TYPE, NAME, uint256Word(BigInt(chainId)), addressWord(PERMIT2));
}

/** The 32-byte digest that the payer signs for the exact proxy. */
export function hashExactPermit(separator: Uint8Array, authorization: Permit2Authorization): Uint8Array {
  const { to, validAfter } = authorization.witness;
  const witness = hashWords(EXACT_WITNESS_TYPE, addressWord(to), uint256Word(validAfter));
  return hashPermit(separator, EXACT_TYPE, authorization, witness);
}

/** The 32-byte digest that the payer signs for the upto proxy. */
export function hashUptoPermit(
  separator: Uint8Array,
  authorization: Permit2Authorization<UptoWitness>,
): Uint8Array {
  const { to, facilitator, validAfter } = authorization.witness;
  const witness = hashWords(
    UPTO_WITNESS_TYPE,
    addressWord(to),
    addressWord(facilitator),
    uint256Word(validAfter),
  );
  return hashPermit(separator, UPTO_TYPE, authorization, witness);
}

/** What {@link hashExactPermit} hashes as typed data, for wallets (`eth_signTypedData_v4`, viem's `signTypedData`). */
export function exactPermitTypedData(chainId: number, authorization: Permit2Authorization) {
  return permitTypedData(chainId, authorization, [
    { name: 'to', type: 'address' },
    { name: 'validAfter', type: 'uint256' },
  ]);
}

/** What {@link hashUptoPermit} hashes as typed data, for wallets (`eth_signTypedData_v4`, viem's `signTypedData`). */
export function uptoPermitTypedData(chainId: number, authorization: Permit2Authorization<UptoWitness>) {
  return permitTypedData(chainId, authorization, [
    { name: 'to', type: 'address' },
    { name: 'facilitator', type: 'address' },
    { name: 'validAfter', type: 'uint256' },
  ]);
}

function permitTypedData<Witness extends ExactWitness, const Fields>(
  chainId: number,
  { permitted, spender, nonce, deadline, witness }: Permit2Authorization<Witness>,
  witnessFields: Fields,
) {
  return {
    domain: { name: 'Permit2', chainId, verifyingContract: PERMIT2 },
    types: {
      PermitWitnessTransferFrom: [
        { name: 'permitted', type: 'TokenPermissions' },
        { name: 'spender', type: 'address' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
        { name: 'witness', type: 'Witness' },
      ],
      TokenPermissions: [
        { name: 'token', type: 'address' },
        { name: 'amount', type: 'uint256' },
      ],
      Witness: witnessFields,
    },
    primaryType: 'PermitWitnessTransferFrom',
    message: { permitted, spender, nonce, deadline, witness },
  } as const;
}

function permitType(witnessType: string): Uint8Array {
  const members = 'TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness';
  return keccak256(`PermitWitnessTransferFrom(${members})${TOKEN_PERMISSIONS}${witnessType}`);
}

function hashPermit(
  separator: Uint8Array,
  type: Uint8Array,
  { permitted, spender, nonce, deadline }: Permit2Authorization,
  witness: Uint8Array,
): Uint8Array {
  const tokens = hashWords(
    TOKEN_PERMISSIONS_TYPE,
    addressWord(permitted.token),
    uint256Word(permitted.amount),
  );
  const struct = hashWords(
    type,
    tokens,
    addressWord(spender),
    uint256Word(nonce),
    uint256Word(deadline),
    witness,
  );
  return typedDataDigest(separator, struct);
}
