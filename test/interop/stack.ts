import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { randomBytes } from 'node:crypto';
import { viemChain } from '@agentpay/evm';
import { startLocalChain } from '@agentpay/dev';
import { baseSepolia, formatDecimal } from '@agentpay/primitives';
import { freePort } from '@agentpay/testing';
import type { Express } from 'express';
import { encodeFunctionData, parseAbi, type Hex } from 'viem';
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';

/** Price of everything that is sold in the interop tests, in base units: $0.01. */
export const PRICE = 10_000n;

/** A local chain with a buyer who holds test USDC, a seller who holds none, and servers that are closed with it. */
export interface InteropStack {
  readonly rpcUrl: string;
  readonly buyerKey: Hex;
  readonly buyer: PrivateKeyAccount;
  /** Private key of an account with test ether, for a facilitator. */
  readonly facilitatorKey: Hex;
  /** The key of one more such account. */
  newFacilitatorKey(): Promise<Hex>;
  readonly payTo: Hex;
  /** Serves the app on a free port and gives its URL. */
  serve(app: Express): Promise<string>;
  /** Test USDC of an address, in base units. */
  usdc(address: Hex): Promise<bigint>;
  /** Gives test USDC to an address, in base units. */
  fund(address: Hex, amount: bigint): Promise<void>;
  /** Runs `end` when the stack closes, before its chain does. */
  onClose(end: () => Promise<void>): void;
  close(): Promise<void>;
}

export const randomKey = (): Hex => `0x${randomBytes(32).toString('hex')}`;

/** An address that holds nothing. */
export const newPayee = (): Hex => privateKeyToAccount(randomKey()).address;

/** Reads balances of test USDC, in base units. */
export function usdcReader(rpcUrl: string): (address: Hex) => Promise<bigint> {
  const chain = viemChain({ rpcUrl });
  const balanceOf = parseAbi(['function balanceOf(address) view returns (uint256)']);
  return async (address) => {
    const data = encodeFunctionData({ abi: balanceOf, args: [address] });
    return BigInt((await chain.simulate({ to: baseSepolia.usdc.address, data }, { from: address })).data);
  };
}

export async function startInteropStack(): Promise<InteropStack> {
  const chain = await startLocalChain({ port: await freePort(), blockTime: 0.2 });
  const servers: Server[] = [];
  const ends: (() => Promise<void>)[] = [];
  const buyerKey = randomKey();
  const buyer = privateKeyToAccount(buyerKey);
  await chain.fund(buyer.address, { usdc: 100_000_000n });
  const newFacilitatorKey = async () => {
    const key = randomKey();
    await chain.fund(privateKeyToAccount(key).address, { eth: 10n ** 18n });
    return key;
  };
  return {
    rpcUrl: chain.rpcUrl,
    buyerKey,
    buyer,
    facilitatorKey: await newFacilitatorKey(),
    newFacilitatorKey,
    payTo: newPayee(),
    async serve(app) {
      const server = app.listen(0, '127.0.0.1');
      servers.push(server);
      await once(server, 'listening');
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    usdc: usdcReader(chain.rpcUrl),
    fund: (address, usdc) => chain.fund(address, { usdc }),
    onClose: (end) => void ends.push(end),
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      for (const end of ends) await end();
      await chain.close();
    },
  };
}

/** One purchase, judged: the handler ran once, the response came, and exactly the price moved on the chain. */
export async function expectPurchase(
  stack: InteropStack,
  served: () => number,
  buy: () => Promise<{ status: number; body: unknown; transaction: string | undefined }>,
): Promise<void> {
  const before = {
    seller: await stack.usdc(stack.payTo),
    buyer: await stack.usdc(stack.buyer.address),
    served: served(),
  };
  const { status, body, transaction } = await buy();
  expect({ status, body }).toEqual({ status: 200, body: { weather: 'sunny' } });
  expect(transaction).toMatch(/^0x[0-9a-f]{64}$/);
  expect(served() - before.served).toBe(1);
  expect(formatDecimal((await stack.usdc(stack.payTo)) - before.seller)).toBe(formatDecimal(PRICE));
  expect(formatDecimal(before.buyer - (await stack.usdc(stack.buyer.address)))).toBe(formatDecimal(PRICE));
}
