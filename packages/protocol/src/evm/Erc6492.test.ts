import { isAgentPayError } from '@agentpay/primitives';
import fc from 'fast-check';
import { concatHex, encodeAbiParameters, parseAbiParameters } from 'viem';
import { serializeErc6492Signature } from 'viem/utils';
import { unwrapSignature, wrapSignature } from './Erc6492.js';
import { bytesToHex, checksumAddress, type Hex } from './Hex.js';

const MAGIC: Hex = `0x${'6492'.repeat(16)}`;
const factory = '0x0BA5ED0c6AA8c49038F819E587E2633c4A9F428a';
const refused = (signature: Hex) =>
  expect(() => unwrapSignature(signature)).toThrow(expect.objectContaining({ kind: 'payment_malformed' }));

describe('ERC-6492 signatures', () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((raw) => bytesToHex(raw));
  const address = fc
    .uint8Array({ minLength: 20, maxLength: 20 })
    .map((raw) => checksumAddress(bytesToHex(raw)));

  it('are written as viem writes them, and read back', () => {
    fc.assert(
      fc.property(address, bytes, bytes, (deployer, data, signature) => {
        const wrapped = wrapSignature({ factory: deployer, data }, signature);
        expect(wrapped).toBe(serializeErc6492Signature({ address: deployer, data, signature }));
        expect(unwrapSignature(wrapped)).toEqual({ deployment: { factory: deployer, data }, signature });
        expect(unwrapSignature(wrapped.toUpperCase().replace('0X', '0x') as Hex)).toEqual(
          unwrapSignature(wrapped),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('are any others as they are', () => {
    fc.assert(
      fc.property(bytes, (signature) => {
        expect(unwrapSignature(signature)).toEqual({ signature });
      }),
    );
  });

  it('are refused when any byte of the structure is another, cut off or added', () => {
    const wrapped = wrapSignature({ factory, data: `0x${'12'.repeat(32)}` }, `0x${'ab'.repeat(65)}`);
    const body = wrapped.slice(2, -64);
    const changed = (at: number) =>
      `${body.slice(0, at)}${body[at] === '0' ? '1' : '0'}${body.slice(at + 1)}`;
    // In hex digits: before the factory; both offsets and the length of the call; the length of the signature; its padding.
    const structure = [...range(0, 24), ...range(64, 256), ...range(320, 384), ...range(514, 576)];
    for (const at of structure) refused(`0x${changed(at)}${MAGIC.slice(2)}`);
    for (const length of range(0, body.length / 2))
      refused(`0x${body.slice(0, length * 2)}${MAGIC.slice(2)}`);
    refused(`0x${body}${'00'.repeat(32)}${MAGIC.slice(2)}`);
  });

  it('are refused when they hold another wrapper', () => {
    const inner = wrapSignature({ factory, data: '0x' }, '0xabcd');
    refused(serializeErc6492Signature({ address: factory, data: '0x', signature: inner }));
  });

  it('are refused in an ABI encoding that is not the one of ABI encoders', () => {
    // An empty signature before the empty call, where encoders put it behind.
    const swapped = encodeAbiParameters(parseAbiParameters('address, uint256, uint256, uint256, uint256'), [
      factory,
      128n,
      96n,
      0n,
      0n,
    ]);
    refused(concatHex([swapped, MAGIC]));
  });

  it('are read or refused, whatever stands before the magic suffix', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (raw) => {
        try {
          unwrapSignature(concatHex([bytesToHex(raw), MAGIC]));
        } catch (error) {
          expect(isAgentPayError(error, 'payment_malformed')).toBe(true);
        }
      }),
    );
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
