import { randomBytes } from 'node:crypto';
import { baseSepolia, type Network } from '@agentpay/primitives';
import { authorizationTypedData, fromAuthorization, x402v2, type Address, type Authorization, type Hex } from '@agentpay/protocol';
import { privateKeyToAccount } from 'viem/accounts';
import type { Prepared } from './load.js';

const network: Network = baseSepolia;
export const AMOUNT = 1_000n;

/** Facilitator requests for distinct payments, signed beforehand and spread over the buyers. */
export async function facilitatorRequests(path: string, count: number, buyerKeys: readonly Hex[], payTo: Address): Promise<Prepared[]> {
  const accounts = buyerKeys.map((key) => privateKeyToAccount(key));
  const requirements: x402v2.PaymentRequirements = {
    scheme: 'exact',
    network: network.id,
    amount: AMOUNT.toString(),
    asset: network.usdc.address,
    payTo,
    maxTimeoutSeconds: 300,
    extra: { ...network.usdc.eip712 },
  };
  const domain = { ...network.usdc.eip712, chainId: network.chainId, verifyingContract: network.usdc.address };
  const prepared: Prepared[] = [];
  for (let i = 0; i < count; i++) {
    const account = accounts[i % accounts.length];
    if (!account) throw new Error('no buyers');
    const authorization: Authorization = {
      from: account.address,
      to: payTo,
      value: AMOUNT,
      validAfter: 0n,
      validBefore: BigInt(Math.floor(Date.now() / 1000) + 3_000),
      nonce: `0x${randomBytes(32).toString('hex')}`,
    };
    const signature = await account.signTypedData(authorizationTypedData(domain, authorization));
    const paymentPayload = {
      x402Version: 2,
      accepted: requirements,
      payload: { signature, authorization: fromAuthorization(authorization) },
    };
    const body = Buffer.from(JSON.stringify({ x402Version: 2, paymentPayload, paymentRequirements: requirements }));
    prepared.push({ path, method: 'POST', headers: { 'content-type': 'application/json' }, body });
  }
  return prepared;
}
