import { createRequire } from 'node:module';
import { bytesToHex, hexToBytes, type Hex } from '@agentpay/protocol';

/**
 * Signs a 32-byte digest by a private key, 0x and 64 hex digits: r, the low s (EIP-2) and v as 27 or 28. The same digest and key give the
 * same signature (RFC 6979).
 */
export type SignDigest = (privateKey: string, digest: Uint8Array) => Hex;

const require = createRequire(import.meta.url);

interface NativeAddon {
  ecdsaSign(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recid: number };
}
interface WasmModule {
  signRecoverable(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recoveryId: number };
}

/** By libsecp256k1 as a native addon; undefined on platforms for which it is not built. */
export function nativeSigning(): SignDigest | undefined {
  try {
    const addon = require('secp256k1/bindings') as NativeAddon;
    return (privateKey, digest) => {
      const { signature, recid } = addon.ecdsaSign(digest, hexToBytes(privateKey as Hex));
      return joined(signature, recid);
    };
  } catch {
    return undefined;
  }
}

/** By libsecp256k1 as WebAssembly: runs everywhere. */
export function wasmSigning(): SignDigest {
  const wasm = require('tiny-secp256k1') as WasmModule;
  return (privateKey, digest) => {
    const { signature, recoveryId } = wasm.signRecoverable(digest, hexToBytes(privateKey as Hex));
    return joined(signature, recoveryId);
  };
}

/** The implementation in use, chosen once. */
export const signDigest: SignDigest = nativeSigning() ?? wasmSigning();

function joined(signature: Uint8Array, recoveryId: number): Hex {
  return `${bytesToHex(signature)}${(27 + recoveryId).toString(16)}` as Hex;
}
