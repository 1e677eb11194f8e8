import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { baseSepolia, type Network } from '@agentpay/primitives';
import {
  domainSeparator,
  fromAuthorization,
  hashAuthorization,
  hexToBytes,
  x402v2,
  type Address,
  type Authorization,
  type Hex,
} from '@agentpay/protocol';
import { privateKeyToAccount } from 'viem/accounts';
import type { Prepared } from './load.js';

const network: Network = baseSepolia;
export const AMOUNT = 1_000n;

interface NativeSigner {
  ecdsaSign(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recid: number };
}
// Of the facilitator's own dependencies. In JavaScript the signatures would take longer than the measurement.
const native = createRequire(import.meta.resolve('@agentpay/evm'))('secp256k1') as NativeSigner;

/** Facilitator requests for distinct payments, signed beforehand and spread over the buyers. */
export function facilitatorRequests(
  path: string,
  count: number,
  buyerKeys: readonly Hex[],
  payTo: Address,
): Prepared[] {
  const requirements: x402v2.PaymentRequirements = {
    scheme: 'exact',
    network: network.id,
    amount: AMOUNT.toString(),
    asset: network.usdc.address,
    payTo,
    maxTimeoutSeconds: 300,
    extra: { ...network.usdc.eip712 },
  };
  return payments(requirements, count, buyerKeys).map((paymentPayload) => {
    const body = Buffer.from(
      JSON.stringify({ x402Version: 2, paymentPayload, paymentRequirements: requirements }),
    );
    return { path, method: 'POST', headers: { 'content-type': 'application/json' }, body };
  });
}

/** Distinct payments for what a seller asks, signed beforehand and spread over the buyers. */
export function payments(
  accepted: x402v2.PaymentRequirements,
  count: number,
  buyerKeys: readonly Hex[],
): x402v2.PaymentPayload[] {
  const buyers = buyerKeys.map((key) => ({
    address: privateKeyToAccount(key).address,
    key: hexToBytes(key),
  }));
  const separator = domainSeparator({
    ...network.usdc.eip712,
    chainId: network.chainId,
    verifyingContract: network.usdc.address,
  });
  return Array.from({ length: count }, (_, i) => {
    const { address, key } = buyers[i % buyers.length] as (typeof buyers)[0];
    const authorization: Authorization = {
      from: address,
      to: accepted.payTo as Address,
      value: BigInt(accepted.amount),
      validAfter: 0n,
      validBefore: BigInt(Math.floor(Date.now() / 1000) + 3_000),
      nonce: `0x${randomBytes(32).toString('hex')}`,
    };
    const { signature, recid } = native.ecdsaSign(hashAuthorization(separator, authorization), key);
    const text = Buffer.from([...signature, 27 + recid]).toString('hex');
    const payload = { signature: `0x${text}`, authorization: fromAuthorization(authorization) };
    return { x402Version: 2, accepted, payload };
  });
}
