import { randomBytes } from 'node:crypto';
import { bytesToHex, privateKeySigner } from '@agentpay/protocol';
import { nativeSigning, wasmSigning, type SignDigest } from './signDigest.js';

const implementations: [string, SignDigest | undefined][] = [
  ['natively', nativeSigning()],
  ['by WebAssembly', wasmSigning()],
];

describe.each(implementations)('a digest signed %s', (_, sign) => {
  it('has the one signature that every implementation makes', () => {
    expect(sign).toBeDefined();
    for (let n = 0; n < 50; n++) {
      const [key, digest] = [bytesToHex(randomBytes(32)), randomBytes(32)];
      expect(sign?.(key, digest)).toBe(privateKeySigner(key).sign(digest));
    }
  });

  it('is refused for a key outside of the curve, which no message shows', () => {
    const key = `0x${'ff'.repeat(32)}`;
    expect(() => sign?.(key, randomBytes(32))).toThrow();
    expect(() => sign?.(key, randomBytes(32))).not.toThrow(/ffff/);
  });
});
