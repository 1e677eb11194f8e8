import { AgentPayError } from '@agentpay/primitives';
import { bytesToHex, checksumAddress, hexToBytes, keccak256, type Address, type Hex } from './Hex.js';

/** A signed EIP-1559 transaction, as `eth_sendRawTransaction` takes it. Amounts in wei. */
export interface Eip1559Transaction {
  readonly hash: Hex;
  /** What the sender signed, and the signature: r, s and the parity of y. */
  readonly digest: Hex;
  readonly signature: { readonly r: Hex; readonly s: Hex; readonly yParity: 0 | 1 };
  readonly chainId: number;
  readonly nonce: number;
  readonly maxPriorityFeePerGas: bigint;
  readonly maxFeePerGas: bigint;
  readonly gas: bigint;
  /** Undefined when it creates a contract. */
  readonly to: Address | undefined;
  readonly value: bigint;
  readonly data: Hex;
}

/** First byte of an EIP-1559 transaction (EIP-2718). */
const TYPE = 2;
const MAX_BYTES = 8192;

/** Reads a signed EIP-1559 transaction. @throws AgentPayError `payment_malformed` for anything else */
export function readSignedTransaction(raw: Hex): Eip1559Transaction {
  const bytes = hexToBytes(raw);
  if (bytes.length > MAX_BYTES || bytes[0] !== TYPE) throw malformed('not an EIP-1559 transaction');
  const { item: fields, end } = readItem(bytes, 1);
  if (!Array.isArray(fields) || fields.length !== 12 || end !== bytes.length)
    throw malformed('not the fields of EIP-1559');
  const [chainId, nonce, tip, fee, gas, to, value, data, , yParity, r, s] = fields;
  return {
    hash: bytesToHex(keccak256(bytes)),
    digest: bytesToHex(keccak256(signedPart(fields))),
    signature: {
      r: word(r),
      s: word(s),
      yParity: integer(yParity) === 1n ? 1 : integer(yParity) === 0n ? 0 : fail('no parity'),
    },
    chainId: small(chainId),
    nonce: small(nonce),
    maxPriorityFeePerGas: integer(tip),
    maxFeePerGas: integer(fee),
    gas: integer(gas),
    to: addressOf(to),
    value: integer(value),
    data: bytesToHex(text(data)),
  };
}

/** An item of RLP: bytes or a list. */
type Item = Uint8Array | readonly Item[];

/** Reads the item that begins at `start`. The signer's own encoding is hashed again later, so that only its one spelling passes. */
function readItem(bytes: Uint8Array, start: number, depth = 0): { item: Item; end: number } {
  const first = bytes[start];
  if (first === undefined || depth > 4) throw malformed('not RLP');
  if (first < 0x80) return { item: bytes.subarray(start, start + 1), end: start + 1 };
  const isList = first >= 0xc0;
  const short = first - (isList ? 0xc0 : 0x80);
  const lengthBytes = short <= 55 ? 0 : short - 55;
  const from = start + 1 + lengthBytes;
  const length = lengthBytes === 0 ? short : Number(integer(bytes.subarray(start + 1, from)));
  const end = from + length;
  if (!(end <= bytes.length)) throw malformed('not RLP');
  if (!isList) return { item: bytes.subarray(from, end), end };
  const items: Item[] = [];
  for (let at = from; at < end;) {
    const next = readItem(bytes.subarray(0, end), at, depth + 1);
    items.push(next.item);
    at = next.end;
  }
  return { item: items, end };
}

/** What a signature of the fields covers: the type and all fields but the signature's own three. */
function signedPart(fields: readonly Item[]): Uint8Array {
  return Buffer.concat([Buffer.of(TYPE), encode(fields.slice(0, 9))]);
}

function encode(item: Item): Buffer {
  if (Array.isArray(item)) {
    const content = Buffer.concat(item.map(encode));
    return Buffer.concat([prefix(content.length, 0xc0), content]);
  }
  const bytes = item as Uint8Array;
  if (bytes.length === 1 && (bytes[0] as number) < 0x80) return Buffer.from(bytes);
  return Buffer.concat([prefix(bytes.length, 0x80), bytes]);
}

function prefix(length: number, offset: number): Buffer {
  if (length <= 55) return Buffer.of(offset + length);
  const digits = length.toString(16);
  const size = Buffer.from(digits.length % 2 ? `0${digits}` : digits, 'hex');
  return Buffer.concat([Buffer.of(offset + 55 + size.length), size]);
}

function text(item: Item | undefined): Uint8Array {
  return item instanceof Uint8Array ? item : fail('a list in place of a field');
}

function integer(item: Item | undefined): bigint {
  const bytes = text(item);
  if (bytes.length > 32 || bytes[0] === 0) throw malformed('no integer');
  return bytes.length === 0 ? 0n : BigInt(bytesToHex(bytes));
}

function small(item: Item | undefined): number {
  const value = Number(integer(item));
  return Number.isSafeInteger(value) ? value : fail('an integer out of range');
}

function word(item: Item | undefined): Hex {
  return `0x${integer(item).toString(16).padStart(64, '0')}`;
}

function addressOf(item: Item | undefined): Address | undefined {
  const bytes = text(item);
  if (bytes.length === 0) return undefined;
  return bytes.length === 20 ? checksumAddress(bytesToHex(bytes)) : fail('no address');
}

function fail(why: string): never {
  throw malformed(why);
}

function malformed(why: string): AgentPayError {
  return new AgentPayError('payment_malformed', `The signed transaction cannot be read: ${why}.`);
}
