import { base, baseSepolia, type Network } from '@agentpay/primitives';
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

const domainOf = (network: Network): TokenDomain => ({
  ...network.usdc.eip712,
  chainId: network.chainId,
  verifyingContract: network.usdc.address,
});

const authorization: Authorization = {
  from: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
  to: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
  value: 10_000n,
  validAfter: 0n,
  validBefore: 1_893_456_000n,
  nonce: `0x${'11'.repeat(32)}`,
};

interface Vector {
  readonly network: Network;
  readonly separator: Hex;
  readonly digest: Hex;
  readonly signature: Hex;
}

const BASE_SIGNATURE =
  '0xc8563961bf19b5416e4e6839c1f7edfe1f194bfb375c746f2f2ab2c9a7a8a6b462907c88d358eeaa254246fae023ab5a062cbbee15e02c06069e06d1678e3f751b';
const SEPOLIA_SIGNATURE =
  '0x7b8cebf9b81ccb11162e1ec0f9b58c1b0405138bbd754b7cd06d71d03d92f88261134753f56f921d37dec70f5844cd6c3030eab84cd59aea1ac3ba2113bb7c311c';

const vectors: readonly Vector[] = [
  {
    network: base,
    separator: '0x02fa7265e7c5d81118673727957699e4d68f74cd74b7db77da710fe8a2c7834f',
    digest: '0xf7e41d46ba298f52df6eea0508cae3dd35cbb41d1a7cb6a6b521142b4f305200',
    signature: BASE_SIGNATURE,
  },
  {
    network: baseSepolia,
    separator: '0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818',
    digest: '0xaf12c98a9a82b0f30500ece1733b91d404761baef31ae2a61565c6525d123a5d',
    signature: SEPOLIA_SIGNATURE,
  },
];

describe.each(vectors)('EIP-3009 with USDC on $network.name', ({ network, separator, digest, signature }) => {
  it('has the domain separator of the deployed contract', () => {
    expect(bytesToHex(domainSeparator(domainOf(network)))).toBe(separator);
  });

  it('hashes the known authorization to the known digest, from which its signature recovers the payer', async () => {
    const hash = bytesToHex(hashAuthorization(hexToBytes(separator), authorization));
    expect(hash).toBe(digest);
    expect(await recoverAddress({ hash, signature })).toBe(authorization.from);
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
