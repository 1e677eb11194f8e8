import { createRequire } from 'node:module';

/**
 * Recovers the public key (65 bytes, uncompressed) that signed a 32-byte digest, from the 64 bytes of r and s and the recovery id 0 or 1.
 * Undefined when no key does.
 */
export type RecoverKey = (
  digest: Uint8Array,
  signature: Uint8Array,
  recoveryId: 0 | 1,
) => Uint8Array | undefined;

/** An implementation of {@link RecoverKey} and what it is, for start-up messages. */
export interface KeyRecovery {
  readonly name: 'native' | 'wasm';
  readonly recover: RecoverKey;
}

const require = createRequire(import.meta.url);

interface NativeAddon {
  ecdsaRecover(
    signature: Uint8Array,
    recoveryId: number,
    digest: Uint8Array,
    compressed: boolean,
  ): Uint8Array;
}
interface WasmModule {
  recover(
    digest: Uint8Array,
    signature: Uint8Array,
    recoveryId: 0 | 1,
    compressed: boolean,
  ): Uint8Array | null;
}

/** libsecp256k1 as a native addon; undefined on platforms for which it is not built. */
export function nativeRecovery(): KeyRecovery | undefined {
  try {
    // Not the package's main door: that one falls back to slow JavaScript without a word.
    const addon = require('secp256k1/bindings') as NativeAddon;
    return {
      name: 'native',
      recover: orUndefined((digest, signature, id) => addon.ecdsaRecover(signature, id, digest, false)),
    };
  } catch {
    return undefined;
  }
}

/** libsecp256k1 as WebAssembly: runs everywhere, at about a quarter of the speed. */
export function wasmRecovery(): KeyRecovery {
  const wasm = require('tiny-secp256k1') as WasmModule;
  return {
    name: 'wasm',
    recover: orUndefined((digest, signature, id) => wasm.recover(digest, signature, id, false)),
  };
}

/** The implementation in use, chosen once. */
export const keyRecovery: KeyRecovery = nativeRecovery() ?? wasmRecovery();

// Both throw for an r or s outside the curve's order.
function orUndefined(recover: (...args: Parameters<RecoverKey>) => Uint8Array | null): RecoverKey {
  return (digest, signature, recoveryId) => {
    try {
      return recover(digest, signature, recoveryId) ?? undefined;
    } catch {
      return undefined;
    }
  };
}
