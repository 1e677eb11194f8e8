import { baseSepolia } from '@agentpay/primitives';
import {
  bytesToHex,
  EXACT_PERMIT2_PROXY,
  exactPermit2PayloadSchema,
  exactPermitTypedData,
  hashExactPermit,
  hashUptoPermit,
  PERMIT2,
  permit2Separator,
  toPermit2Authorization,
  UPTO_PERMIT2_PROXY,
  uptoPayloadSchema,
  uptoPermitTypedData,
  type Permit2Authorization,
  type UptoWitness,
} from '@agentpay/protocol';
import { permit2 } from '@agentpay/solidity';
import { ExactEvmScheme, UptoEvmScheme, x402ExactPermit2ProxyABI, x402UptoPermit2ProxyABI } from '@x402/evm';
import {
  hashStruct,
  parseAbi,
  parseSignature,
  recoverAddress,
  serializeCompactSignature,
  signatureToCompactSignature,
  type Abi,
  type Hex,
} from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { startContractBed, usdcAbi, type ContractBed, type ContractCall } from './contractBed.js';

const token = baseSepolia.usdc.address;
const payee = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const PRICE = 10_000n;
const FAR = 4_102_444_800n;
const separator = permit2Separator(baseSepolia.chainId);
const permit2Abi = permit2.abi as Abi;
const permit2Errors = permit2Abi.filter(({ type }) => type === 'error');
// The proxies are called by the official ABI, not by that of our own contracts.
const exactAbi: Abi = [...x402ExactPermit2ProxyABI, ...permit2Errors];
// The official ABI of this one leaves an error out.
const uptoAbi: Abi = [...x402UptoPermit2ProxyABI, ...parseAbi(['error InvalidAmount()']), ...permit2Errors];

interface Signed<Permit> {
  readonly permit: Permit;
  readonly signature: Hex;
}
type SignedExact = Signed<Permit2Authorization>;
type SignedUpto = Signed<Permit2Authorization<UptoWitness>>;

let bed: ContractBed;
let payer: PrivateKeyAccount;
let nonces = 0n;
const requirements = (extra: Record<string, unknown>) => ({
  scheme: 'exact',
  network: baseSepolia.id,
  amount: PRICE.toString(),
  asset: token,
  payTo: payee,
  maxTimeoutSeconds: 300,
  extra: { ...baseSepolia.usdc.eip712, assetTransferMethod: 'permit2', ...extra },
});

beforeAll(async () => {
  bed = await startContractBed();
  payer = await bed.payer(1_000_000n);
  await approve(payer);
});
afterAll(() => bed.close());

const approve = (owner: PrivateKeyAccount) =>
  bed.send({
    account: owner,
    address: token,
    abi: usdcAbi,
    functionName: 'approve',
    args: [PERMIT2, 2n ** 256n - 1n],
  });

async function signedByOfficialExact(): Promise<SignedExact> {
  const { payload } = await new ExactEvmScheme(payer).createPaymentPayload(2, requirements({}));
  const { permit2Authorization, signature } = exactPermit2PayloadSchema.parse(payload);
  return { permit: toPermit2Authorization(permit2Authorization), signature };
}

async function signedByOfficialUpto(): Promise<SignedUpto> {
  const offer = { ...requirements({ facilitatorAddress: bed.facilitator }), scheme: 'upto' };
  const { payload } = await new UptoEvmScheme(payer).createPaymentPayload(2, offer);
  const { permit2Authorization, signature } = uptoPayloadSchema.parse(payload);
  return { permit: toPermit2Authorization(permit2Authorization), signature };
}

const common = () => ({ permitted: { token, amount: PRICE }, nonce: nonces++, deadline: FAR }) as const;

async function signedExact(change: Partial<Permit2Authorization> = {}, signer = payer): Promise<SignedExact> {
  const witness = { to: payee, validAfter: 0n } as const;
  const permit = {
    ...common(),
    from: signer.address,
    spender: EXACT_PERMIT2_PROXY,
    witness,
    ...change,
  } as const;
  return { permit, signature: await signer.signTypedData(exactPermitTypedData(baseSepolia.chainId, permit)) };
}

async function signedUpto(
  change: Partial<Permit2Authorization<UptoWitness>> = {},
  signer = payer,
): Promise<SignedUpto> {
  const witness = { to: payee, facilitator: bed.facilitator, validAfter: 0n } as const;
  const permit = {
    ...common(),
    from: signer.address,
    spender: UPTO_PERMIT2_PROXY,
    witness,
    ...change,
  } as const;
  return { permit, signature: await signer.signTypedData(uptoPermitTypedData(baseSepolia.chainId, permit)) };
}

function exactCall({ permit, signature }: SignedExact, account: Hex = bed.stranger): ContractCall {
  const args = [permit, permit.from, permit.witness, signature];
  return { account, address: EXACT_PERMIT2_PROXY, abi: exactAbi, functionName: 'settle', args };
}

function uptoCall(
  { permit, signature }: SignedUpto,
  amount: bigint,
  account: Hex = bed.facilitator,
): ContractCall {
  const args = [permit, amount, permit.from, permit.witness, signature];
  return { account, address: UPTO_PERMIT2_PROXY, abi: uptoAbi, functionName: 'settle', args };
}

/** What the payee gained by this. */
async function gain(act: () => Promise<unknown>): Promise<bigint> {
  const before = await bed.usdc(payee);
  await act();
  return (await bed.usdc(payee)) - before;
}

describe('Permit2', () => {
  const direct = (account: Hex, args: readonly unknown[]): ContractCall => ({
    account,
    address: PERMIT2,
    abi: permit2Abi,
    functionName: 'permitWitnessTransferFrom',
    args,
  });

  it('has the domain separator of the deployed contract', async () => {
    const read = { address: PERMIT2, abi: permit2Abi, functionName: 'DOMAIN_SEPARATOR', args: [] } as const;
    expect(await bed.read(read)).toBe(bytesToHex(separator));
  });

  it('takes a permit from its spender only', async () => {
    const witnessType =
      'Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)';
    const call = ({ permit, signature }: SignedExact) => {
      const { types } = exactPermitTypedData(baseSepolia.chainId, permit);
      const witness = hashStruct({ types, primaryType: 'Witness', data: { ...permit.witness } });
      return direct(bed.stranger, [
        permit,
        { to: payee, requestedAmount: PRICE },
        payer.address,
        witness,
        witnessType,
        signature,
      ]);
    };
    expect(await bed.refusal(call(await signedExact({ spender: bed.facilitator })))).toBe('InvalidSigner');
    const own = call(await signedExact({ spender: bed.stranger }));
    expect(await gain(() => bed.send(own))).toBe(PRICE);
  });

  it('moves several tokens by one signature, each up to its amount, and none twice', async () => {
    const permitted = [
      { token, amount: 5n },
      { token, amount: 7n },
    ];
    const witness = bytesToHex(new Uint8Array(32).fill(7));
    const permit = { permitted, nonce: nonces++, deadline: FAR };
    const signature = await payer.signTypedData({
      domain: { name: 'Permit2', chainId: baseSepolia.chainId, verifyingContract: PERMIT2 },
      types: {
        PermitBatchWitnessTransferFrom: [
          { name: 'permitted', type: 'TokenPermissions[]' },
          { name: 'spender', type: 'address' },
          { name: 'nonce', type: 'uint256' },
          { name: 'deadline', type: 'uint256' },
          { name: 'witness', type: 'bytes32' },
        ],
        TokenPermissions: [
          { name: 'token', type: 'address' },
          { name: 'amount', type: 'uint256' },
        ],
      },
      primaryType: 'PermitBatchWitnessTransferFrom',
      message: { ...permit, spender: bed.stranger, witness },
    });
    const witnessType = 'bytes32 witness)TokenPermissions(address token,uint256 amount)';
    const call = (...amounts: bigint[]) => {
      const details = amounts.map((requestedAmount) => ({ to: payee, requestedAmount }));
      return direct(bed.stranger, [permit, details, payer.address, witness, witnessType, signature]);
    };
    expect(await bed.refusal(call(5n))).toBe('LengthMismatch');
    expect(await bed.refusal(call(5n, 8n))).toBe('InvalidAmount');
    expect(await gain(() => bed.send(call(0n, 6n)))).toBe(6n);
    expect(await bed.refusal(call(0n, 1n))).toBe('InvalidNonce');
  });

  it('refuses a nonce that its owner invalidated, and no other of the same word', async () => {
    const [gone, neighbour] = [
      await signedExact({ nonce: 3n * 256n + 255n }),
      await signedExact({ nonce: 3n * 256n + 254n }),
    ];
    const functionName = 'invalidateUnorderedNonces';
    await bed.send({
      account: payer,
      address: PERMIT2,
      abi: permit2Abi,
      functionName,
      args: [3n, 1n << 255n],
    });
    expect(await bed.refusal(exactCall(gone))).toBe('InvalidNonce');
    expect(await gain(() => bed.send(exactCall(neighbour)))).toBe(PRICE);
  });
});

describe('the exact proxy', () => {
  it('takes what the official client signs, once, from any caller', async () => {
    const signed = await signedByOfficialExact();
    const { permit, signature } = signed;
    expect(await recoverAddress({ hash: bytesToHex(hashExactPermit(separator, permit)), signature })).toBe(
      payer.address,
    );
    expect(await gain(() => bed.send(exactCall(signed)))).toBe(PRICE);
    expect(await bed.refusal(exactCall(signed))).toBe('InvalidNonce');
  });

  it('takes what our typed data signs, also as a compact signature', async () => {
    const { permit, signature } = await signedExact();
    const compact = serializeCompactSignature(signatureToCompactSignature(parseSignature(signature)));
    expect(await gain(() => bed.send(exactCall({ permit, signature: compact })))).toBe(PRICE);
    const longer = { permit: { ...permit, nonce: nonces++ }, signature: `${signature}00` } as const;
    expect(await bed.refusal(exactCall(longer))).toBe('InvalidSignatureLength');
  });

  it('refuses another payee, another amount and another signer', async () => {
    const signed = await signedExact();
    const { permit } = signed;
    const elsewhere = { ...permit, witness: { ...permit.witness, to: bed.stranger } };
    const more = { ...permit, permitted: { token, amount: PRICE + 1n } };
    for (const changed of [elsewhere, more, { ...permit, from: payee }] as const) {
      expect(await bed.refusal(exactCall({ ...signed, permit: changed }))).toBe('InvalidSigner');
    }
    expect(await bed.refusal(exactCall({ permit, signature: `0x${'00'.repeat(65)}` }))).toBe(
      'InvalidSignature',
    );
  });

  it('refuses a permit for the other proxy', async () => {
    expect(await bed.refusal(exactCall(await signedExact({ spender: UPTO_PERMIT2_PROXY })))).toBe(
      'InvalidSigner',
    );
    const { permit, signature } = await signedExact();
    const witness = { ...permit.witness, facilitator: bed.facilitator };
    expect(await bed.refusal(uptoCall({ permit: { ...permit, witness }, signature }, PRICE))).toBe(
      'InvalidSigner',
    );
  });

  it('refuses a permit out of its time', async () => {
    expect(await bed.refusal(exactCall(await signedExact({ deadline: 1n })))).toBe('SignatureExpired');
    expect(await bed.refusal(exactCall(await signedExact({ witness: { to: payee, validAfter: FAR } })))).toBe(
      'PaymentTooEarly',
    );
  });

  it('refuses nothing, nobody and money that is not there', async () => {
    expect(await bed.refusal(exactCall(await signedExact({ permitted: { token, amount: 0n } })))).toBe(
      'InvalidAmount',
    );
    const zero = '0x0000000000000000000000000000000000000000';
    expect(await bed.refusal(exactCall(await signedExact({ witness: { to: zero, validAfter: 0n } })))).toBe(
      'InvalidDestination',
    );
    expect(await bed.refusal(exactCall(await signedExact({ from: zero })))).toBe('InvalidOwner');
    const tooMuch = { token, amount: 10n ** 18n };
    expect(await bed.refusal(exactCall(await signedExact({ permitted: tooMuch })))).toBe(
      'TRANSFER_FROM_FAILED',
    );
    expect(await bed.refusal(exactCall(await signedExact({ permitted: { token: payee, amount: 1n } })))).toBe(
      'TRANSFER_FROM_FAILED',
    );
  });
});

describe('the proxies with an EIP-2612 permit', () => {
  const types = {
    Permit: [
      { name: 'owner', type: 'address' },
      { name: 'spender', type: 'address' },
      { name: 'value', type: 'uint256' },
      { name: 'nonce', type: 'uint256' },
      { name: 'deadline', type: 'uint256' },
    ],
  } as const;

  async function approvalOf(owner: PrivateKeyAccount, value = PRICE) {
    const nonce = (await bed.read({
      address: token,
      abi: usdcAbi,
      functionName: 'nonces',
      args: [owner.address],
    })) as bigint;
    const domain = { ...baseSepolia.usdc.eip712, chainId: baseSepolia.chainId, verifyingContract: token };
    const message = { owner: owner.address, spender: PERMIT2, value, nonce, deadline: FAR } as const;
    const { r, s, v } = parseSignature(
      await owner.signTypedData({ domain, types, primaryType: 'Permit', message }),
    );
    return { value, deadline: FAR, r, s, v: Number(v) };
  }
  const withApproval = (
    call: ContractCall,
    approval: Awaited<ReturnType<typeof approvalOf>>,
  ): ContractCall => ({
    ...call,
    functionName: 'settleWithPermit',
    args: [approval, ...call.args],
  });

  it('pay for accounts that never approved Permit2', async () => {
    const newcomer = await bed.payer(2n * PRICE);
    const exact = exactCall(await signedExact({}, newcomer));
    expect(await bed.refusal(exact)).toBe('TRANSFER_FROM_FAILED');
    expect(await gain(async () => bed.send(withApproval(exact, await approvalOf(newcomer))))).toBe(PRICE);
    // The exact payment used up the allowance.
    const upto = uptoCall(await signedUpto({}, newcomer), 9n);
    expect(await bed.refusal(upto)).toBe('TRANSFER_FROM_FAILED');
    expect(await gain(async () => bed.send(withApproval(upto, await approvalOf(newcomer))))).toBe(9n);
  });

  it('do not stop at a permit that somebody else used before, while the allowance stands', async () => {
    const newcomer = await bed.payer(PRICE);
    const approval = await approvalOf(newcomer);
    const { value, deadline, v, r, s } = approval;
    const abi = parseAbi(['function permit(address, address, uint256, uint256, uint8, bytes32, bytes32)']);
    const args = [newcomer.address, PERMIT2, value, deadline, v, r, s];
    await bed.send({ account: bed.stranger, address: token, abi, functionName: 'permit', args });
    const call = withApproval(exactCall(await signedExact({}, newcomer)), approval);
    expect(await gain(() => bed.send(call))).toBe(PRICE);
  });

  it('refuse a permit of another amount', async () => {
    const approval = await approvalOf(payer, PRICE + 1n);
    expect(await bed.refusal(withApproval(exactCall(await signedExact()), approval))).toBe(
      'Permit2612AmountMismatch',
    );
    expect(await bed.refusal(withApproval(uptoCall(await signedUpto(), 1n), approval))).toBe(
      'Permit2612AmountMismatch',
    );
  });
});

describe('the upto proxy', () => {
  it('takes what the official client signs, for any amount up to the permitted one, once', async () => {
    const [part, whole] = [await signedByOfficialUpto(), await signedByOfficialUpto()];
    const { permit, signature } = part;
    expect(await recoverAddress({ hash: bytesToHex(hashUptoPermit(separator, permit)), signature })).toBe(
      payer.address,
    );
    expect(await gain(() => bed.send(uptoCall(part, 1n)))).toBe(1n);
    expect(await bed.refusal(uptoCall(part, 1n))).toBe('InvalidNonce');
    expect(await gain(() => bed.send(uptoCall(whole, PRICE)))).toBe(PRICE);
  });

  it('refuses more than was permitted, and nothing', async () => {
    const signed = await signedUpto();
    expect(await bed.refusal(uptoCall(signed, PRICE + 1n))).toBe('AmountExceedsPermitted');
    expect(await bed.refusal(uptoCall(signed, 0n))).toBe('InvalidAmount');
  });

  it('refuses any caller but the facilitator that the payer named', async () => {
    const signed = await signedUpto();
    expect(await bed.refusal(uptoCall(signed, PRICE, bed.stranger))).toBe('UnauthorizedFacilitator');
    const usurped = { ...signed.permit, witness: { ...signed.permit.witness, facilitator: bed.stranger } };
    expect(await bed.refusal(uptoCall({ ...signed, permit: usurped }, PRICE, bed.stranger))).toBe(
      'InvalidSigner',
    );
  });

  it('refuses a permit out of its time', async () => {
    expect(await bed.refusal(uptoCall(await signedUpto({ deadline: 1n }), PRICE))).toBe('SignatureExpired');
    const witness = { to: payee, facilitator: bed.facilitator, validAfter: FAR } as const;
    expect(await bed.refusal(uptoCall(await signedUpto({ witness }), PRICE))).toBe('PaymentTooEarly');
  });
});
