import { bytesToHex, keccak256 as inJavaScript } from '@agentpay/protocol';
import fc from 'fast-check';
import { keccak256, keccakCompiled } from './keccak256.js';

describe('keccak-256', () => {
  it('gives the same before it is compiled and afterwards, in results that stay', async () => {
    const empty = '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470';
    expect(bytesToHex(keccak256(new Uint8Array()))).toBe(empty);
    expect(await keccakCompiled).toBe(true);
    const kept = keccak256(new Uint8Array());
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(bytesToHex(keccak256(bytes))).toBe(bytesToHex(inJavaScript(bytes)));
      }),
    );
    expect(bytesToHex(kept)).toBe(empty);
  });
});
