import { AgentPayError } from '@agentpay/primitives';
import { addressWord, uint256Word } from './Eip712.js';
import { bytesToHex, checksumAddress, hexToBytes, sameHex, type Address, type Hex } from './Hex.js';

/** The call that deploys a smart account. */
export interface Deployment {
  readonly factory: Address;
  readonly data: Hex;
}

/** A signature with the call that deploys the account that will know it, if that account may not exist yet. */
export interface UnwrappedSignature {
  readonly deployment?: Deployment;
  readonly signature: Hex;
}

/** The last 32 bytes of a wrapped signature. */
const MAGIC = '6492'.repeat(16);
/** `factory` and the offsets of `data` and `signature`. */
const HEAD_BYTES = 96;

/** The signature of an account that may not exist yet, as ERC-6492 writes it. */
export function wrapSignature({ factory, data }: Deployment, signature: Hex): Hex {
  const call = encodeBytes(data);
  const head = [
    addressWord(factory),
    uint256Word(BigInt(HEAD_BYTES)),
    uint256Word(BigInt(HEAD_BYTES + call.length)),
  ];
  return `${bytesToHex(Buffer.concat([...head, call, encodeBytes(signature)]))}${MAGIC}`;
}

/**
 * Takes an ERC-6492 signature apart; any other is returned as it is. One spelling is accepted, that of {@link wrapSignature}.
 * @throws AgentPayError `payment_malformed` when the wrapper is broken, or holds another wrapper
 */
export function unwrapSignature(wrapped: Hex): UnwrappedSignature {
  if (!isWrapped(wrapped)) return { signature: wrapped };
  const bytes = Buffer.from(hexToBytes(wrapped.slice(0, -MAGIC.length)));
  const data = decodeBytes(bytes, HEAD_BYTES);
  const signature = data && decodeBytes(bytes, HEAD_BYTES + encodeBytes(data).length);
  if (signature && !isWrapped(signature)) {
    const deployment = { factory: checksumAddress(bytesToHex(bytes.subarray(12, 32))), data };
    if (sameHex(wrapSignature(deployment, signature), wrapped)) return { deployment, signature };
  }
  throw new AgentPayError('payment_malformed', 'The signature is a broken ERC-6492 wrapper.');
}

function isWrapped(signature: Hex): boolean {
  return signature.toLowerCase().endsWith(MAGIC);
}

function encodeBytes(data: Hex): Uint8Array {
  const bytes = hexToBytes(data);
  const padding = Buffer.alloc((32 - (bytes.length % 32)) % 32);
  return Buffer.concat([uint256Word(BigInt(bytes.length)), bytes, padding]);
}

/** What stands behind its length at this place; undefined when that is beyond the end. */
function decodeBytes(from: Buffer, offset: number): Hex | undefined {
  const start = offset + 32;
  if (start > from.length) return undefined;
  const length = BigInt(bytesToHex(from.subarray(offset, start)));
  if (length > BigInt(from.length - start)) return undefined;
  return bytesToHex(from.subarray(start, start + Number(length)));
}
