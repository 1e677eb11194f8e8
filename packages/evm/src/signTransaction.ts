import { bytesToHex, hexToBytes, type Address, type Hex } from '@agentpay/protocol';
import { toRlp, type LocalAccount } from 'viem';
import { keccak256 } from './keccak256.js';

/** A transaction of EIP-1559 that carries no ether. */
export interface TransactionFields {
  readonly chainId: number;
  readonly nonce: number;
  readonly to: Address;
  readonly data: Hex;
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** A transaction ready to be broadcast, and the hash that names it. */
export interface Signed {
  readonly raw: Hex;
  readonly hash: Hex;
}

const TYPE = Uint8Array.of(2);
const NOTHING = new Uint8Array();

/**
 * Signs as `account.signTransaction` does (EIP-1559, EIP-2718), with data as bytes throughout: a batch has tens of kilobytes, which as
 * text would cost more than the signature. An account that signs no hashes, because its key is elsewhere, is asked for the whole.
 */
export async function signTransaction(account: LocalAccount, fields: TransactionFields): Promise<Signed> {
  if (!account.sign) {
    const raw = await account.signTransaction({ type: 'eip1559', value: 0n, ...fields });
    return { raw, hash: bytesToHex(keccak256(hexToBytes(raw))) };
  }
  const { chainId, nonce, to, data, gas, maxFeePerGas, maxPriorityFeePerGas } = fields;
  const prices = [
    number(chainId),
    number(nonce),
    number(maxPriorityFeePerGas),
    number(maxFeePerGas),
    number(gas),
  ];
  const unsigned = [...prices, hexToBytes(to), NOTHING, hexToBytes(data), []];
  const signature = await account.sign({ hash: bytesToHex(keccak256(envelope(unsigned))) });
  const { r, s, yParity } = parts(signature);
  const raw = envelope([...unsigned, number(yParity), number(r), number(s)]);
  return { raw: bytesToHex(raw), hash: bytesToHex(keccak256(raw)) };
}

function envelope(fields: readonly (Uint8Array | never[])[]): Uint8Array {
  return Buffer.concat([TYPE, toRlp(fields, 'bytes')]);
}

/** A number as RLP has it: without leading zeros, and zero as nothing. */
function number(value: bigint | number): Uint8Array {
  if (BigInt(value) === 0n) return NOTHING;
  const digits = value.toString(16);
  return hexToBytes(`0x${digits.length % 2 === 0 ? digits : `0${digits}`}`);
}

/** r, s and the parity of a 65-byte signature. */
function parts(signature: Hex) {
  const v = Number.parseInt(signature.slice(130), 16);
  return {
    r: BigInt(signature.slice(0, 66)),
    s: BigInt(`0x${signature.slice(66, 130)}`),
    yParity: v >= 27 ? v - 27 : v,
  };
}
