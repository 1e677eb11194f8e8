import { baseSepolia, radiusTestnet } from '@agentpay/primitives';
import { PERMIT2 } from '@agentpay/protocol';
import { paywall } from '@agentpay/paywall';
import { testSbc } from '@agentpay/solidity';
import { declareEip2612GasSponsoringExtension } from '@x402/extensions';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { UptoEvmScheme, ExactEvmScheme } from '@x402/evm';
import { ExactEvmScheme as ExactEvmServer } from '@x402/evm/exact/server';
import { UptoEvmScheme as UptoEvmServer } from '@x402/evm/upto/server';
import { HTTPFacilitatorClient } from '@x402/core/server';
import { paymentMiddleware, x402ResourceServer } from '@x402/express';
import { createPublicClient, createTestClient, createWalletClient, http, parseAbi, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { agentpayPaywall } from './agentpay.js';
import { fromX402, type Bought } from './peerClients.js';
import { serveWeather, type PeerSeller } from './peerServers.js';
import { PRICE, type InteropStack } from './stack.js';

const { usdc, id } = baseSepolia;

/** Lets Permit2 move the buyer's test USDC, as a wallet does once. */
export async function allowPermit2({ rpcUrl, buyer }: InteropStack): Promise<void> {
  const transport = http(rpcUrl);
  await createTestClient({ mode: 'anvil', transport }).setBalance({
    address: buyer.address,
    value: 10n ** 18n,
  });
  const hash = await createWalletClient({ account: buyer, transport }).writeContract({
    address: usdc.address,
    abi: parseAbi(['function approve(address spender, uint256 amount) returns (bool)']),
    functionName: 'approve',
    args: [PERMIT2, 2n ** 256n - 1n],
    chain: null,
  });
  await createPublicClient({ transport, pollingInterval: 50 }).waitForTransactionReceipt({ hash });
}

/** The token of Radius on the local chain: ERC-20 and EIP-2612, no EIP-3009. */
export interface LocalSbc {
  /** As `PAYMENT_NETWORKS` has it. */
  readonly entry: object;
  /** Gives base units to an address. */
  fund(address: Hex, amount: bigint): Promise<void>;
  /** Base units of an address. */
  balance(address: Hex): Promise<bigint>;
}

const { asset: sbc } = radiusTestnet;
const sbcAbi = parseAbi([
  'function mint(address to, uint256 amount)',
  'function balanceOf(address account) view returns (uint256)',
]);

/** Puts SBC on the chain of a stack, at its own address. */
export async function placeSbc(stack: InteropStack): Promise<LocalSbc> {
  const { rpcUrl } = stack;
  const transport = http(rpcUrl);
  const { address } = sbc;
  await createTestClient({ mode: 'anvil', transport }).setCode({
    address,
    bytecode: testSbc.runtimeBytecode,
  });
  const reader = createPublicClient({ transport, pollingInterval: 50 });
  const minter = createWalletClient({
    account: privateKeyToAccount(await stack.newFacilitatorKey()),
    transport,
  });
  return {
    entry: {
      id,
      name: 'local-sbc',
      chainId: baseSepolia.chainId,
      mainnet: false,
      asset: sbc.symbol,
      contract: address,
      decimals: sbc.decimals,
      eip712: sbc.eip712,
      transfer: sbc.transfer,
      explorer: radiusTestnet.explorer,
      rpcUrl,
    },
    async fund(to, amount) {
      const call = { address, abi: sbcAbi, functionName: 'mint', args: [to, amount], chain: null } as const;
      await reader.waitForTransactionReceipt({ hash: await minter.writeContract(call) });
    },
    balance: (account) =>
      reader.readContract({ address, abi: sbcAbi, functionName: 'balanceOf', args: [account] }),
  };
}

/** `@x402/express` that sells for SBC, and says that its facilitator pays the gas of the buyer's permit. */
export function x402ExpressSbc(stack: InteropStack, facilitator: string): Promise<PeerSeller> {
  return serveWeather(stack, (app, handler) => {
    const extra = { ...sbc.eip712, assetTransferMethod: 'permit2' };
    const price = { amount: PRICE.toString(), asset: sbc.address, extra };
    const accepts = { scheme: 'exact', network: id, payTo: stack.payTo, maxTimeoutSeconds: 300, price };
    const extensions = declareEip2612GasSponsoringExtension() as unknown as Record<string, unknown>;
    const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator }));
    server.register(id, new ExactEvmServer());
    const route = { accepts, extensions, description: 'Weather', mimeType: 'application/json' };
    app.use(paymentMiddleware({ 'GET /weather': route }, server));
    app.get('/weather', handler);
  });
}

/** AgentPay's paywall that sells for SBC in the same way. */
export function agentpaySbc(stack: InteropStack, facilitator: string): Promise<PeerSeller> {
  const { address, decimals, eip712 } = sbc;
  return agentpayPaywall(stack, facilitator, {
    price: '$0.01',
    accepts: [{ transferMethod: 'permit2', asset: { address, decimals, eip712 } }],
    extensions: { gasSponsoring: true },
  });
}

/** `@x402/express` that takes Permit2 only; under `upto` it charges so much of the price, which is the ceiling. */
export function x402ExpressPermit2(
  stack: InteropStack,
  facilitator: string,
  charged?: bigint,
): Promise<PeerSeller> {
  const scheme = charged === undefined ? 'exact' : 'upto';
  return serveWeather(stack, (app, handler) => {
    const price = {
      amount: PRICE.toString(),
      asset: usdc.address,
      extra: { ...usdc.eip712, assetTransferMethod: 'permit2' },
    };
    const accepts = { scheme, network: id, payTo: stack.payTo, maxTimeoutSeconds: 300, price };
    const server = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator }));
    server.register(id, scheme === 'exact' ? new ExactEvmServer() : new UptoEvmServer());
    app.use(
      paymentMiddleware(
        { 'GET /weather': { accepts, description: 'Weather', mimeType: 'application/json' } },
        server,
      ),
    );
    app.get('/weather', (req, res, next) => {
      if (charged !== undefined)
        res.set('Settlement-Overrides', JSON.stringify({ amount: charged.toString() }));
      return handler(req, res, next);
    });
  });
}

/** AgentPay's paywall with the price as a ceiling, of which the handler says that so much was used. */
export function agentpayUpto(stack: InteropStack, facilitator: string, used: bigint): Promise<PeerSeller> {
  const pay = paywall({ logger: false, payTo: stack.payTo, facilitator });
  return serveWeather(stack, (app, handler) => {
    app.get('/weather', pay.charge({ upto: '$0.01' }), (req, res, next) => {
      pay.used(req, used);
      return handler(req, res, next);
    });
  });
}

/** `@x402/fetch` with the official clients of both schemes. */
export async function buyWithPermit2(stack: InteropStack, url: string): Promise<Bought> {
  const schemes = [new ExactEvmScheme(stack.buyer), new UptoEvmScheme(stack.buyer)];
  const pay = wrapFetchWithPaymentFromConfig(fetch, {
    schemes: schemes.map((client) => ({ network: 'eip155:*', client }) as const),
  });
  return fromX402(await pay(url));
}
