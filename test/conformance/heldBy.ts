import { baseSepolia } from '@agentpay/primitives';
import {
  AGREEMENT_OPERATOR,
  boundSalt,
  ERC3009_COLLECTOR,
  escrowPermitTypedData,
  escrowTypedData,
  fromPaymentInfo,
  hashAuthCaptureOrder,
  payerAgnosticHash,
  PERMIT2_COLLECTOR,
  privateKeySigner,
  type AuthCaptureOrder,
  type FacilitatorRequest,
  type PaymentInfo,
} from '@agentpay/protocol';
import { hashTypedData, type Address, type Hex } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { payee, PRICE } from './facilitatorBed.js';

const { usdc, chainId, id: network } = baseSepolia;
const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
const ZERO: Address = `0x${'0'.repeat(40)}`;

export const transferMethods = ['eip3009', 'permit2'] as const;
export type TransferMethod = (typeof transferMethods)[number];

/** A hold of PRICE by whoever makes the signature, and the capture of all of it. */
export interface Hold {
  readonly authorize: FacilitatorRequest;
  readonly capture: FacilitatorRequest;
}

export async function heldBy(
  payer: Address,
  method: TransferMethod,
  sign: (digest: Hex) => Promise<Hex>,
): Promise<Hold> {
  const authorizer = privateKeySigner(generatePrivateKey());
  const saltNonce = generatePrivateKey();
  const now = Math.floor(Date.now() / 1000);
  const salt = boundSalt(authorizer.address, ZERO, saltNonce);
  const info: PaymentInfo = {
    operator: AGREEMENT_OPERATOR,
    payer,
    receiver: payee,
    token: usdc.address,
    maxAmount: PRICE,
    preApprovalExpiry: now + 300,
    authorizationExpiry: now + 3_600,
    refundExpiry: now + 7_200,
    minFeeBps: 0,
    maxFeeBps: 0,
    feeReceiver: ZERO,
    salt,
  };
  const accepted = {
    scheme: 'auth-capture',
    network,
    amount: PRICE.toString(),
    asset: usdc.address,
    payTo: payee,
    maxTimeoutSeconds: 300,
    extra: {
      ...usdc.eip712,
      captureAuthorizer: info.operator,
      receiverAuthorizer: authorizer.address,
      feeRecipient: info.feeReceiver,
      captureDeadline: info.authorizationExpiry,
      refundDeadline: info.refundExpiry,
      minFeeBps: info.minFeeBps,
      maxFeeBps: info.maxFeeBps,
      assetTransferMethod: method,
    },
  };
  const requestOf = (payload: object): FacilitatorRequest => ({
    x402Version: 2,
    paymentPayload: { x402Version: 2, accepted, payload: { ...payload } },
    paymentRequirements: accepted,
  });
  const consent = { ...(await consentOf(info, method, sign)), salt, saltNonce };
  const order: AuthCaptureOrder = {
    type: 'capture',
    paymentInfo: fromPaymentInfo(info),
    saltNonce,
    amount: PRICE.toString(),
    feeAmount: '0',
    feeReceiver: info.feeReceiver,
    expectedCapturableAmount: PRICE.toString(),
    expectedRefundableAmount: '0',
  };
  const authorizerSignature = authorizer.sign(hashAuthCaptureOrder(chainId, order));
  return { authorize: requestOf(consent), capture: requestOf({ ...order, authorizerSignature }) };
}

async function consentOf(info: PaymentInfo, method: TransferMethod, sign: (digest: Hex) => Promise<Hex>) {
  const { payer: from } = info;
  const value = info.maxAmount.toString();
  const nonce = payerAgnosticHash(chainId, info);
  const end = String(info.preApprovalExpiry);
  if (method === 'eip3009') {
    const times = { validAfter: '0', validBefore: end };
    const authorization = { from, to: ERC3009_COLLECTOR, value, ...times, nonce };
    return { signature: await sign(hashTypedData(escrowTypedData(domain, info))), authorization };
  }
  const permitted = { token: info.token, amount: value };
  const spending = { spender: PERMIT2_COLLECTOR, nonce: BigInt(nonce).toString(), deadline: end };
  const signature = await sign(hashTypedData(escrowPermitTypedData(chainId, info)));
  return { signature, permit2Authorization: { from, permitted, ...spending } };
}
