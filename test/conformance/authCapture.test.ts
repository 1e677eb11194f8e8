import { baseSepolia } from '@agentpay/primitives';
import {
  AGREEMENT_OPERATOR,
  AUTH_CAPTURE_ESCROW,
  authCaptureCollector,
  authCaptureExtraSchema,
  authCapturePayloadSchema,
  authCapturePaymentInfo,
  bytesToHex,
  captureTypedData,
  earlyCaptureTypedData,
  escrowPermitTypedData,
  hashCapture,
  hashRefund,
  hashVoid,
  payerAgnosticHash,
  paymentInfoHash,
  PERMIT2,
  PERMIT2_COLLECTOR,
  RECEIVER_REFUND_COLLECTOR,
  refundTypedData,
  saltIsBound,
  voidTypedData,
} from '@agentpay/protocol';
import { agreementOperator, receiverRefundCollector } from '@agentpay/solidity';
import { AuthCaptureEvmScheme } from '@x402/evm/auth-capture/client';
import {
  encodeAbiParameters,
  encodeFunctionData,
  getContractAddress,
  hashTypedData,
  keccak256,
  type Address,
} from 'viem';
import { usdcAbi } from './contractBed.js';
import { domain, escrowAbi, operatorAbi, startEscrowBed, type EscrowBed } from './escrowBed.js';

const { chainId, usdc } = baseSepolia;
const escrow = { address: AUTH_CAPTURE_ESCROW as Address, abi: escrowAbi };
const operator = { address: AGREEMENT_OPERATOR as Address, abi: operatorAbi };

let bed: EscrowBed;
beforeAll(async () => void (bed = await startEscrowBed()));
afterAll(() => bed.close());

async function authorized(options: Parameters<EscrowBed['payment']>[0] = {}) {
  const payment = await bed.payment(options);
  expect(await bed.operate('authorizeMany', [await bed.authorizeItem(payment)])).toMatchObject({
    refused: 0,
  });
  return payment;
}

describe('the operator and the refund collector', () => {
  it.each([
    ['AGREEMENT_OPERATOR', AGREEMENT_OPERATOR, agreementOperator],
    ['RECEIVER_REFUND_COLLECTOR', RECEIVER_REFUND_COLLECTOR, receiverRefundCollector],
  ])('%s is where the deterministic deployment proxy puts its code', (_, address, { bytecode }) => {
    const from = '0x4e59b44847b379578588920cA78FbF26c0B4956C';
    const salt = `0x${'0'.repeat(64)}` as const;
    expect(getContractAddress({ opcode: 'CREATE2', from, salt, bytecode })).toBe(address);
  });
});

describe('hashes of the codec', () => {
  it('are those of the escrow and of the operator', async () => {
    const { info, id, binding } = await bed.payment({ captureNotBefore: 4_000_000_000 });
    expect(await bed.read({ ...escrow, functionName: 'getHash', args: [info] })).toBe(id);
    expect(await bed.read({ ...operator, functionName: 'hashOf', args: [info] })).toBe(id);
    expect(await bed.read({ ...operator, functionName: 'saltOf', args: [binding] })).toBe(BigInt(info.salt));
    const zero: Address = `0x${'0'.repeat(40)}`;
    expect(payerAgnosticHash(chainId, info)).toBe(paymentInfoHash(chainId, { ...info, payer: zero }));
  });

  it('are those of the typed data', async () => {
    const { id } = await bed.payment();
    const capture = {
      paymentInfoHash: id,
      amount: 5n,
      feeAmount: 1n,
      feeReceiver: bed.stranger,
      expectedCapturableAmount: 7n,
      expectedRefundableAmount: 9n,
    };
    const refund = { ...capture, tokenCollector: bed.stranger };
    const typed = [
      [
        hashCapture(chainId, AGREEMENT_OPERATOR, capture),
        captureTypedData(chainId, AGREEMENT_OPERATOR, capture),
      ],
      [hashVoid(chainId, AGREEMENT_OPERATOR, id), voidTypedData(chainId, AGREEMENT_OPERATOR, id)],
      [hashRefund(chainId, AGREEMENT_OPERATOR, refund), refundTypedData(chainId, AGREEMENT_OPERATOR, refund)],
    ] as const;
    for (const [digest, data] of typed) {
      expect(bytesToHex(digest)).toBe(hashTypedData(data as Parameters<typeof hashTypedData>[0]));
    }
  });
});

describe('what the unmodified official client signs', () => {
  const offer = async (extra: object = {}) => {
    const now = await bed.now();
    return {
      scheme: 'auth-capture',
      network: baseSepolia.id as `${string}:${string}`,
      amount: '250000',
      asset: usdc.address,
      payTo: bed.receiver.address,
      maxTimeoutSeconds: 300,
      extra: {
        ...usdc.eip712,
        captureAuthorizer: AGREEMENT_OPERATOR,
        receiverAuthorizer: bed.authorizer.address,
        feeRecipient: bed.stranger,
        captureDeadline: now + 3_600,
        refundDeadline: now + 7_200,
        minFeeBps: 0,
        maxFeeBps: 500,
        ...extra,
      },
    };
  };

  it.each(['eip3009', 'permit2'] as const)('is escrowed, by %s', async (assetTransferMethod) => {
    const payer = await bed.payer(1_000_000n);
    await bed.send({
      account: payer,
      address: usdc.address,
      abi: usdcAbi,
      functionName: 'approve',
      args: [PERMIT2, 10n ** 12n],
    });
    const accepted = await offer({ assetTransferMethod });
    const { payload } = await new AuthCaptureEvmScheme(payer).createPaymentPayload(2, accepted);
    const extra = authCaptureExtraSchema.parse(accepted.extra);
    const signed = authCapturePayloadSchema.parse(payload);
    expect(saltIsBound(extra, signed)).toBe(true);
    const info = authCapturePaymentInfo(accepted, extra, signed);
    const item = { info, tokenCollector: authCaptureCollector(signed), collectorData: signed.signature };
    expect(await bed.operate('authorizeMany', [item])).toMatchObject({ refused: 0 });
    const id = paymentInfoHash(chainId, info);
    expect(await bed.read({ ...escrow, functionName: 'paymentState', args: [id] })).toEqual([
      true,
      250_000n,
      0n,
    ]);
    expect(await bed.usdc(payer.address)).toBe(750_000n);
  });

  it('is refused when its salt commits to another authorizer', async () => {
    const payer = await bed.payer(0n);
    const accepted = await offer({ receiverAuthorizer: bed.stranger });
    const { payload } = await new AuthCaptureEvmScheme(payer).createPaymentPayload(2, accepted);
    const extra = authCaptureExtraSchema.parse((await offer()).extra);
    expect(saltIsBound(extra, authCapturePayloadSchema.parse(payload))).toBe(false);
  });
});

describe('single calls', () => {
  const call = (functionName: string, ...args: unknown[]) => ({
    ...operator,
    account: bed.stranger,
    functionName,
    args,
  });

  it('authorize, capture and void, sent by anybody', async () => {
    const payment = await bed.payment();
    const { info, tokenCollector, collectorData } = (await bed.authorizeItem(payment)) as Record<
      string,
      unknown
    >;
    await bed.send(call('authorize', info, 1_000_000n, tokenCollector, collectorData));
    await bed.send(call('capture', await bed.captureItem(payment, { amount: 600_000n })));
    await bed.send(call('void', await bed.voidItem(payment)));
    expect(await bed.state(payment)).toEqual({ collected: true, capturable: 0n, refundable: 600_000n });
    expect(await bed.usdc(payment.payer.address)).toBe(400_000n);
  });

  it('revert when they are refused', async () => {
    const payment = await authorized();
    const { info, tokenCollector, collectorData } = (await bed.authorizeItem(payment)) as Record<
      string,
      unknown
    >;
    const item = (await bed.captureItem(payment, {})) as Record<string, unknown>;
    const refusals = [
      [call('authorize', info, 999_999n, tokenCollector, collectorData), 'NotFullAmount'],
      [call('capture', { ...item, authorizerSignature: '0x' }), 'InvalidAuthorizerSignature'],
      [call('capture', { ...item, binding: { ...payment.binding, saltNonce: 1n } }), 'SaltNotBound'],
      [
        call('capture', await bed.captureItem(payment, { expectedRefundableAmount: 1n })),
        'UnexpectedPaymentState',
      ],
    ] as const;
    for (const [refused, error] of refusals) expect(await bed.refusal(refused)).toBe(error);
  });
});

describe('authorize', () => {
  it('holds the whole amount in the store of the operator, once', async () => {
    const payment = await bed.payment();
    const item = await bed.authorizeItem(payment);
    expect(await bed.operate('authorizeMany', [item, item])).toMatchObject({ refused: 1 });
    expect(await bed.state(payment)).toEqual({ collected: true, capturable: 1_000_000n, refundable: 0n });
    expect(await bed.usdc(payment.payer.address)).toBe(0n);
    expect(await bed.usdc(AGREEMENT_OPERATOR)).toBe(0n);
  });

  it('takes Permit2 signatures, and collectors of the escrow only', async () => {
    const payment = await bed.payment();
    const collectorData = await payment.payer.signTypedData(escrowPermitTypedData(chainId, payment.info));
    const item = { info: payment.info, tokenCollector: PERMIT2_COLLECTOR, collectorData };
    expect(await bed.operate('authorizeMany', [{ ...item, tokenCollector: bed.stranger }])).toMatchObject({
      refused: 1,
    });
    await bed.send({
      account: payment.payer,
      address: usdc.address,
      abi: usdcAbi,
      functionName: 'approve',
      args: [PERMIT2, 10n ** 12n],
    });
    expect(await bed.operate('authorizeMany', [item])).toMatchObject({ refused: 0 });
  });
});

describe('capture', () => {
  it('pays the receiver and the fee, in parts, each signature once', async () => {
    const payment = await authorized();
    const before = { receiver: await bed.usdc(bed.receiver.address), fee: await bed.usdc(bed.stranger) };
    const first = await bed.captureItem(payment, { amount: 300_000n, feeAmount: 15_000n });
    expect(await bed.operate('captureMany', [first])).toMatchObject({ refused: 0 });
    expect(await bed.operate('captureMany', [first])).toMatchObject({ refused: 1 });
    expect(await bed.state(payment)).toMatchObject({ capturable: 700_000n, refundable: 300_000n });
    const second = await bed.captureItem(payment, { amount: 100_000n });
    await bed.operate('captureMany', [second]);
    expect(await bed.state(payment)).toMatchObject({ capturable: 600_000n, refundable: 400_000n });
    expect((await bed.usdc(bed.receiver.address)) - before.receiver).toBe(385_000n);
    expect((await bed.usdc(bed.stranger)) - before.fee).toBe(15_000n);
  });

  it.each([
    ['more than is held', { amount: 1_000_001n }],
    ['a fee above the bounds that the payer signed', { amount: 100_000n, feeAmount: 5_001n }],
    ['another fee receiver', { amount: 100_000n, feeAmount: 1n, feeReceiver: AGREEMENT_OPERATOR as Address }],
    ['for balances that are not there', { amount: 1n, expectedCapturableAmount: 999_999n }],
  ])('refuses %s and carries out the others of the batch', async (_, wanted) => {
    const [bad, good] = [await authorized(), await authorized()];
    const items = [await bed.captureItem(bad, wanted), await bed.captureItem(good, {})];
    expect(await bed.operate('captureMany', items)).toMatchObject({ refused: 1 });
    expect(await bed.state(bad)).toMatchObject({ capturable: 1_000_000n });
    expect(await bed.state(good)).toMatchObject({ capturable: 0n, refundable: 1_000_000n });
  });

  it('refuses a signature of anybody but the receiver authorizer, and a binding that the payer did not sign', async () => {
    const payment = await authorized();
    const item = (await bed.captureItem(payment, {})) as Record<string, unknown>;
    const message = await bed.order(payment, {});
    const byPayer = await payment.payer.signTypedData(captureTypedData(chainId, AGREEMENT_OPERATOR, message));
    const binding = { ...payment.binding, receiverAuthorizer: payment.payer.address };
    const forged = [
      { ...item, authorizerSignature: byPayer },
      { ...item, binding, authorizerSignature: byPayer },
      { ...item, authorizerSignature: '0x' },
    ];
    expect(await bed.operate('captureMany', forged)).toMatchObject({ refused: 3 });
    expect(await bed.state(payment)).toMatchObject({ capturable: 1_000_000n });
  });

  it('of an agreement waits for the end of the challenge window, unless the payer agrees', async () => {
    const captureNotBefore = (await bed.now()) + 900;
    const [early, late] = [await authorized({ captureNotBefore }), await authorized({ captureNotBefore })];
    const escape = {
      ...((await bed.captureItem(late, {})) as object),
      binding: { ...late.binding, captureNotBefore: 0 },
    };
    expect(await bed.operate('captureMany', [await bed.captureItem(late, {}), escape])).toMatchObject({
      refused: 2,
    });
    const message = await bed.order(early, {});
    const consent = await early.payer.signTypedData(
      earlyCaptureTypedData(chainId, AGREEMENT_OPERATOR, message),
    );
    expect(await bed.operate('captureMany', [await bed.captureItem(early, {}, consent)])).toMatchObject({
      refused: 0,
    });
    await bed.skip(901);
    expect(await bed.operate('captureMany', [await bed.captureItem(late, {})])).toMatchObject({ refused: 0 });
  });
});

describe('void, reclaim and refund', () => {
  it('capture what was used and void the rest share a transaction', async () => {
    const payment = await authorized();
    const calls = [
      encodeFunctionData({
        abi: operatorAbi,
        functionName: 'captureMany',
        args: [[await bed.captureItem(payment, { amount: 400_000n })]],
      }),
      encodeFunctionData({
        abi: operatorAbi,
        functionName: 'voidMany',
        args: [[await bed.voidItem(payment)]],
      }),
    ];
    expect(await bed.operate('multicall', calls)).toMatchObject({ refused: 0 });
    expect(await bed.usdc(payment.payer.address)).toBe(600_000n);
    expect(await bed.state(payment)).toEqual({ collected: true, capturable: 0n, refundable: 400_000n });
  });

  it('a void that the authorizer did not sign is refused', async () => {
    const payment = await authorized();
    const other = await authorized();
    const { authorizerSignature } = (await bed.voidItem(other)) as { authorizerSignature: string };
    const item = { info: payment.info, binding: payment.binding, authorizerSignature };
    expect(await bed.operate('voidMany', [item])).toMatchObject({ refused: 1 });
  });

  it('the receiver refunds by one signature, once', async () => {
    const payment = await authorized();
    await bed.operate('captureMany', [await bed.captureItem(payment, {})]);
    const amount = 250_000n;
    const left = 1_000_000n - amount;
    const nonce = keccak256(
      encodeAbiParameters(
        [{ type: 'bytes32' }, { type: 'uint256' }, { type: 'uint120' }],
        [payment.id, amount, left],
      ),
    );
    const collectorData = await bed.receiver.signTypedData({
      domain,
      types: {
        ReceiveWithAuthorization: [
          { name: 'from', type: 'address' },
          { name: 'to', type: 'address' },
          { name: 'value', type: 'uint256' },
          { name: 'validAfter', type: 'uint256' },
          { name: 'validBefore', type: 'uint256' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'ReceiveWithAuthorization',
      message: {
        from: bed.receiver.address,
        to: RECEIVER_REFUND_COLLECTOR,
        value: amount,
        validAfter: 0n,
        validBefore: BigInt(payment.info.refundExpiry),
        nonce,
      },
    });
    const order = {
      paymentInfoHash: payment.id,
      amount,
      tokenCollector: RECEIVER_REFUND_COLLECTOR as Address,
      expectedCapturableAmount: 0n,
      expectedRefundableAmount: 1_000_000n,
    };
    const authorizerSignature = await bed.authorizer.signTypedData(
      refundTypedData(chainId, AGREEMENT_OPERATOR, order),
    );
    const item = {
      ...order,
      info: payment.info,
      binding: payment.binding,
      collectorData,
      authorizerSignature,
    };
    expect(await bed.operate('refundMany', [item, item])).toMatchObject({ refused: 1 });
    expect(await bed.usdc(payment.payer.address)).toBe(amount);
    expect(await bed.state(payment)).toEqual({ collected: true, capturable: 0n, refundable: left });
  });

  it('the payer reclaims without anybody, but not before the authorization expires', async () => {
    const payment = await authorized();
    const reclaim = { ...escrow, account: payment.payer, functionName: 'reclaim', args: [payment.info] };
    expect(await bed.refusal(reclaim)).toBe('BeforeAuthorizationExpiry');
    expect(await bed.refusal({ ...reclaim, account: bed.stranger })).toBe('InvalidSender');
    await bed.skip(3_700);
    await bed.send(reclaim);
    expect(await bed.usdc(payment.payer.address)).toBe(1_000_000n);
    expect(await bed.operate('captureMany', [await bed.captureItem(payment, { amount: 1n })])).toMatchObject({
      refused: 1,
    });
  });
});
