import { baseSepolia } from '@agentpay/primitives';
import {
  authorizationTypedData,
  fromAuthorization,
  toAuthorization,
  type Authorization,
  type ExactPayload,
} from '@agentpay/protocol';
import { transferCall, type Call } from '@agentpay/evm';
import type { Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';

const { usdc, chainId } = baseSepolia;
export const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
/** What everything costs, in base units. */
export const PRICE = 10_000n;
export const newAccount = (): PrivateKeyAccount => privateKeyToAccount(generatePrivateKey());
export const inSeconds = (seconds: number): bigint => BigInt(Math.floor(Date.now() / 1000) + seconds);

export interface PaymentOptions {
  readonly payTo: Hex;
  readonly authorization?: Partial<Authorization>;
  /** What is signed instead of USDC's own EIP-712 domain. */
  readonly domain?: Partial<typeof domain>;
  readonly signature?: Hex;
  /** Members of the seller's requirements, and of what the payer says it accepted, that differ from those of an honest payment. */
  readonly terms?: Readonly<Record<string, unknown>>;
  readonly accepted?: Readonly<Record<string, unknown>>;
  readonly resource?: string;
  readonly version?: 1 | 2;
}

export interface Request {
  readonly x402Version: 1 | 2;
  readonly paymentPayload: { readonly payload: ExactPayload; readonly [member: string]: unknown };
  readonly paymentRequirements: Readonly<Record<string, unknown>>;
}

/** A facilitator request that pays the price, but for what the options change. */
export async function paymentOf(account: PrivateKeyAccount, options: PaymentOptions): Promise<Request> {
  const { payTo, resource = 'https://seller.example/paid', version = 2 } = options;
  const authorization: Authorization = {
    from: account.address,
    to: payTo,
    value: PRICE,
    validAfter: 0n,
    validBefore: inSeconds(300),
    nonce: generatePrivateKey(),
    ...options.authorization,
  };
  const signed = () =>
    account.signTypedData(authorizationTypedData({ ...domain, ...options.domain }, authorization));
  const payload = {
    signature: options.signature ?? (await signed()),
    authorization: fromAuthorization(authorization),
  };
  const token = { asset: usdc.address, extra: { ...usdc.eip712 } };
  const common = { scheme: 'exact', payTo, maxTimeoutSeconds: 300, ...token };
  if (version === 1) {
    const terms = {
      ...common,
      network: baseSepolia.name,
      maxAmountRequired: String(PRICE),
      resource,
      description: '',
      ...options.terms,
    };
    const paymentPayload = {
      x402Version: 1,
      scheme: 'exact',
      network: baseSepolia.name,
      payload,
      ...options.accepted,
    };
    return { x402Version: 1, paymentPayload, paymentRequirements: terms };
  }
  const terms = { ...common, network: baseSepolia.id, amount: String(PRICE), ...options.terms };
  const paymentPayload = {
    x402Version: 2,
    resource: { url: resource },
    accepted: { ...terms, ...options.accepted },
    payload,
  };
  return { x402Version: 2, paymentPayload, paymentRequirements: terms };
}

/** The payment with members of its authorization written otherwise. */
export function rewritten(request: Request, members: Readonly<Record<string, unknown>>): unknown {
  const copy = structuredClone(request) as { paymentPayload: { payload: { authorization: object } } };
  Object.assign(copy.paymentPayload.payload.authorization, members);
  return copy;
}

/** The transfer that the payment authorizes, as anybody who sees it can make it. */
export function transferOf({ paymentPayload: { payload } }: Request): Call {
  return transferCall(usdc.address, toAuthorization(payload.authorization), payload.signature);
}
