import { baseSepolia } from '@agentpay/primitives';
import {
  authorizationTypedData,
  bytesToHex,
  fromAuthorization,
  type Address,
  type Authorization,
  type FacilitatorRequest,
  type Hex,
} from '@agentpay/protocol';
import { keccak256, toHex, type PrivateKeyAccount } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { Dice } from './Dice.js';

const { usdc, id, chainId } = baseSepolia;
const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };
const accountOf = (name: string): PrivateKeyAccount => privateKeyToAccount(keccak256(toHex(name)));

export const payers = ['payer 1', 'payer 2', 'payer 3'].map(accountOf);
export const gasAccounts = ['gas 1', 'gas 2'].map(accountOf);
export const payees: readonly Address[] = ['payee 1', 'payee 2'].map((name) => accountOf(name).address);

/** How a call ended for whoever bought: `unknown` while it is open, or when it died with the process. */
export type Answer = 'unknown' | 'pending' | 'settled' | 'refused';

/** One thing that somebody buys, with the authorization that shall pay for it. */
export interface Purchase {
  readonly label: string;
  readonly authorization: Authorization;
  readonly signature: Hex;
  readonly request: FacilitatorRequest;
  /** What the buyer knows after all answers so far. */
  answer: Answer;
  /** Calls without an answer, those included that never get one. */
  open: number;
}

export function randomAuthorization(dice: Dice, nowSeconds: number): Authorization {
  return {
    from: dice.pick(payers).address,
    to: dice.pick(payees),
    value: BigInt(dice.between(1, 40)),
    validAfter: 0n,
    validBefore: BigInt(nowSeconds + dice.between(8, 90)),
    nonce: bytesToHex(dice.random.bytes(32)),
  };
}

export async function buy(label: string, authorization: Authorization): Promise<Purchase> {
  const payer = payers.find(({ address }) => address === authorization.from) as PrivateKeyAccount;
  const signature = await payer.signTypedData(authorizationTypedData(domain, authorization));
  return purchaseOf(label, authorization, signature);
}

/** The same authorization for something else. */
export function buyWithSame(label: string, { authorization, signature }: Purchase): Purchase {
  return purchaseOf(label, authorization, signature);
}

function purchaseOf(label: string, authorization: Authorization, signature: Hex): Purchase {
  const { to: payTo, value } = authorization;
  const token = { asset: usdc.address, extra: { ...usdc.eip712 } };
  const terms = { scheme: 'exact', network: id, amount: String(value), payTo, maxTimeoutSeconds: 300, ...token };
  const resource = { url: `https://seller.example/${label}` };
  const payload = { signature, authorization: fromAuthorization(authorization) };
  const paymentPayload = { x402Version: 2 as const, resource, accepted: terms, payload };
  const request: FacilitatorRequest = { x402Version: 2, paymentPayload, paymentRequirements: terms };
  return { label, authorization, signature, request, answer: 'unknown', open: 0 };
}

/** Names the authorization's nonce: at most one purchase of each may be granted. */
export const nonceKey = ({ from, nonce }: Pick<Authorization, 'from' | 'nonce'>): string => `${from}:${nonce}`.toLowerCase();
