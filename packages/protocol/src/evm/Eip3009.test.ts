import { readFileSync } from 'node:fs';
import { base, findNetwork, type Network } from '@agentpay/primitives';
import fc from 'fast-check';
import { domainSeparator as viemDomainSeparator, getAddress, hashTypedData, recoverAddress } from 'viem';
import {
  authorizationTypedData,
  domainSeparator,
  hashAuthorization,
  type Authorization,
  type TokenDomain,
} from './Eip3009.js';
import { bytesToHex, checksumAddress, hexToBytes, type Hex } from './Hex.js';
import { privateKeySigner } from './PrivateKey.js';

const domainOf = (network: Network): TokenDomain => ({
  ...network.usdc.eip712,
  chainId: network.chainId,
  verifyingContract: network.usdc.address,
});

/** What the Python package is held against as well. */
const file = new URL('../../../sdk-python/tests/vectors/signing.json', import.meta.url);
const known = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly key: Hex;
  readonly address: Hex;
  readonly authorization: Readonly<Record<keyof Authorization, string>>;
  readonly eip3009: readonly {
    readonly network: string;
    readonly separator: Hex;
    readonly digest: Hex;
    readonly signature: Hex;
  }[];
};

const { from, to, value, validAfter, validBefore, nonce } = known.authorization;
const authorization: Authorization = {
  from: from as Hex,
  to: to as Hex,
  value: BigInt(value),
  validAfter: BigInt(validAfter),
  validBefore: BigInt(validBefore),
  nonce: nonce as Hex,
};
const vectors = known.eip3009.map((vector) => ({
  ...vector,
  network: findNetwork(vector.network) as Network,
}));

it('has vectors of a test network and of real money', () => {
  expect(vectors.map(({ network }) => network.mainnet)).toEqual([true, false]);
});

describe.each(vectors)('EIP-3009 with USDC on $network.name', ({ network, separator, digest, signature }) => {
  it('has the domain separator of the deployed contract', () => {
    expect(bytesToHex(domainSeparator(domainOf(network)))).toBe(separator);
  });

  it('hashes the known authorization to the known digest, from which its signature recovers the payer', async () => {
    const hash = bytesToHex(hashAuthorization(hexToBytes(separator), authorization));
    expect(hash).toBe(digest);
    expect(await recoverAddress({ hash, signature })).toBe(known.address);
    expect(privateKeySigner(known.key).sign(hexToBytes(digest))).toBe(signature);
  });
});

describe('hashes of authorizations', () => {
  const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => bytesToHex(bytes));
  const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => bytesToHex(bytes));
  const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
  const times = { validAfter: uint256, validBefore: uint256 };
  const anyAuthorization = fc.record({
    from: address,
    to: address,
    value: uint256,
    ...times,
    nonce: bytes32,
  });

  it('equal those of viem for any authorization and any domain', () => {
    // viem leaves empty members out of the domain; a token contract has none.
    const text = fc.string({ minLength: 1 });
    const anyDomain = fc.record({
      name: text,
      version: text,
      chainId: fc.integer({ min: 1 }),
      verifyingContract: address,
    });
    fc.assert(
      fc.property(anyDomain, anyAuthorization, (domain, message) => {
        const separator = domainSeparator(domain);
        expect(bytesToHex(separator)).toBe(viemDomainSeparator({ domain }));
        expect(bytesToHex(hashAuthorization(separator, message))).toBe(
          hashTypedData(authorizationTypedData(domain, message)),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('change with every field', () => {
    const separator = domainSeparator(domainOf(base));
    fc.assert(
      fc.property(anyAuthorization, anyAuthorization, (first, second) => {
        for (const field of Object.keys(first) as (keyof Authorization)[]) {
          fc.pre(first[field] !== second[field]);
          const mixed = { ...first, [field]: second[field] };
          expect(hashAuthorization(separator, mixed)).not.toEqual(hashAuthorization(separator, first));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('checksums addresses as EIP-55 says', () => {
    fc.assert(
      fc.property(
        address,
        (raw) =>
          checksumAddress(raw) === getAddress(raw) && checksumAddress(getAddress(raw)) === getAddress(raw),
      ),
      { numRuns: 200 },
    );
  });
});
