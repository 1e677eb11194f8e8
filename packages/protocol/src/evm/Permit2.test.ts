import fc from 'fast-check';
import { hashTypedData, recoverAddress } from 'viem';
import { bytesToHex } from './Hex.js';
import {
  EXACT_PERMIT2_PROXY,
  exactPermitTypedData,
  hashExactPermit,
  hashUptoPermit,
  permit2Separator,
  UPTO_PERMIT2_PROXY,
  uptoPermitTypedData,
  type Permit2Authorization,
  type UptoWitness,
} from './Permit2.js';

const payer = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const to = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const facilitator = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const SIGNATURE =
  '0x9087f8dba70e206ea9e392ad80d3dfd34674063f3e05066f352655fc69a838a429219063e4cf79ced2f218009abfb3f18da9132e4b68543db3e6573018951b961c';

const exact: Permit2Authorization = {
  from: payer,
  permitted: { token: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', amount: 10_000n },
  spender: EXACT_PERMIT2_PROXY,
  nonce: 1n,
  deadline: 1_893_456_000n,
  witness: { to, validAfter: 0n },
};
const upto: Permit2Authorization<UptoWitness> = {
  ...exact,
  spender: UPTO_PERMIT2_PROXY,
  witness: { to, facilitator, validAfter: 0n },
};

describe('Permit2 on Base Sepolia', () => {
  const separator = permit2Separator(84_532);

  it('has the domain separator of the deployed contract', () => {
    expect(bytesToHex(separator)).toBe('0x010f27a92fb9a32622f44f001dc4d15706a85b33499cfc2ce9033113ab26592c');
  });

  it('hashes the known exact permit to the known digest, from which its signature recovers the payer', async () => {
    const hash = bytesToHex(hashExactPermit(separator, exact));
    expect(hash).toBe('0xd1177d8c3d529b7f994347be01bda7f7de4c3a4da8b69b65a057f428fa751a23');
    expect(await recoverAddress({ hash, signature: SIGNATURE })).toBe(payer);
  });

  it('hashes the known upto permit to the known digest', () => {
    expect(bytesToHex(hashUptoPermit(separator, upto))).toBe(
      '0x2f1081b295041d6d14fe1f315db9f397985240849cb7b06aef3915ddc3a2b49d',
    );
  });
});

describe('hashes of permits', () => {
  const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => bytesToHex(bytes));
  const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
  const permit = {
    from: address,
    permitted: fc.record({ token: address, amount: uint256 }),
    spender: address,
    nonce: uint256,
    deadline: uint256,
  };
  const anyExact = fc.record({ ...permit, witness: fc.record({ to: address, validAfter: uint256 }) });
  const anyUpto = fc.record({
    ...permit,
    witness: fc.record({ to: address, facilitator: address, validAfter: uint256 }),
  });
  const chainId = fc.integer({ min: 1 });

  it('equal those of viem for any permit on any chain', () => {
    fc.assert(
      fc.property(chainId, anyExact, anyUpto, (chain, first, second) => {
        const separator = permit2Separator(chain);
        expect(bytesToHex(hashExactPermit(separator, first))).toBe(
          hashTypedData(exactPermitTypedData(chain, first)),
        );
        expect(bytesToHex(hashUptoPermit(separator, second))).toBe(
          hashTypedData(uptoPermitTypedData(chain, second)),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('change with every field that the payer signs', () => {
    const separator = permit2Separator(84_532);
    const flat = ({ permitted, witness, ...rest }: Permit2Authorization<UptoWitness>) => ({
      ...permitted,
      ...witness,
      ...rest,
    });
    const nested = ({
      token,
      amount,
      to: payee,
      facilitator: by,
      validAfter,
      ...rest
    }: ReturnType<typeof flat>) => ({
      ...rest,
      permitted: { token, amount },
      witness: { to: payee, facilitator: by, validAfter },
    });
    fc.assert(
      fc.property(anyUpto, anyUpto, (first, second) => {
        const [a, b] = [flat(first), flat(second)];
        for (const field of Object.keys(a) as (keyof typeof a)[]) {
          if (field === 'from' || a[field] === b[field]) continue;
          const mixed = nested({ ...a, [field]: b[field] });
          expect(hashUptoPermit(separator, mixed)).not.toEqual(hashUptoPermit(separator, first));
          if (field !== 'facilitator')
            expect(hashExactPermit(separator, mixed)).not.toEqual(hashExactPermit(separator, first));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('tell an exact permit from an upto permit of the same terms', () => {
    const separator = permit2Separator(84_532);
    expect(hashExactPermit(separator, upto)).not.toEqual(hashUptoPermit(separator, upto));
  });
});
