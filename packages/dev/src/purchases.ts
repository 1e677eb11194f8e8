import { baseSepolia, formatDecimal, parsePrice, type Clock } from '@agentpay/primitives';
import { createApiClient, createClient, paymentOf, type Dialect } from '@agentpay/sdk';
import { createPublicClient, http, parseAbi } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import type { PurchaseRow } from './purchaseTable.js';
import { readLatest } from './readLatest.js';
import { PRICE as PRICE_TEXT, type Stack } from './stack.js';

const PRICE = parsePrice(PRICE_TEXT);
const dialects: readonly [PurchaseRow['dialect'], Dialect][] = [
  ['x402 v2', 'x402v2'],
  ['x402 v1', 'x402v1'],
  ['MPP', 'mpp'],
  ['token', 'token'],
];

/** Buys once in each dialect from the stack's own seller, as any client would, and checks what moved. */
export async function makePurchases(stack: Stack, clock: Clock): Promise<PurchaseRow[]> {
  const purchases: PurchaseRow[] = [];
  for (const [name, dialect] of dialects) purchases.push(await purchase(stack, clock, name, dialect));
  return purchases;
}

async function purchase(
  stack: Stack,
  clock: Clock,
  name: PurchaseRow['dialect'],
  dialect: Dialect,
): Promise<PurchaseRow> {
  const before = await readBalances(stack, clock);
  const began = clock.now();
  try {
    const { buyer } = stack.state;
    const client = createClient({
      privateKey: stack.state.buyerKey,
      agentpay: { url: stack.urls.api, apiKey: buyer.apiKey, walletId: buyer.walletId },
      prefer: [dialect],
      budget: { perRequest: '$0.02', total: '$0.02' },
    });
    const response = await client.fetch(`${stack.urls.seller}/paid`);
    const ms = clock.now() - began;
    await response.arrayBuffer();
    const payment = paymentOf(response);
    const fault =
      response.status !== 200
        ? `the seller responded ${response.status}`
        : payment?.dialect !== dialect
          ? `was paid as ${payment?.dialect ?? 'nothing'}`
          : balanceFault(dialect, before, await readBalances(stack, clock));
    return {
      dialect: name,
      price: PRICE,
      status: response.status,
      transaction: payment?.transaction,
      ms,
      fault,
    };
  } catch (cause) {
    return {
      dialect: name,
      price: PRICE,
      status: 0,
      transaction: undefined,
      ms: clock.now() - began,
      fault: (cause as Error).message,
    };
  }
}

/** Money of both sides: on the chain in base units, in the ledger in micro-units. */
interface Balances {
  readonly chainBuyer: bigint;
  readonly chainSeller: bigint;
  readonly ledgerBuyer: bigint;
  readonly ledgerHeld: bigint;
}

async function readBalances({ urls, state }: Stack, clock: Clock): Promise<Balances> {
  const chain = createPublicClient({ transport: http(urls.chain) });
  const abi = parseAbi(['function balanceOf(address) view returns (uint256)']);
  const token = { address: baseSepolia.usdc.address, abi, functionName: 'balanceOf' } as const;
  const usdcOf = (address: `0x${string}`) =>
    readLatest(() => chain.readContract({ ...token, args: [address] }), clock);
  const wallets = createApiClient({ url: urls.api, apiKey: state.buyer.apiKey }).wallets;
  const [chainBuyer, chainSeller, wallet] = await Promise.all([
    usdcOf(privateKeyToAddress(state.buyerKey)),
    usdcOf(privateKeyToAddress(state.sellerKey)),
    wallets.balance({ wallet_id: state.buyer.walletId }),
  ]);
  return { chainBuyer, chainSeller, ledgerBuyer: wallet.balance, ledgerHeld: wallet.held };
}

/** What moved must be exactly the price, on the side that paid and nowhere else. */
function balanceFault(dialect: Dialect, before: Balances, after: Balances): string | undefined {
  const onChain = dialect === 'token' ? 0n : PRICE;
  const moves: readonly [string, bigint, bigint][] = [
    ['the buyer paid on the chain', before.chainBuyer - after.chainBuyer, onChain],
    ['the seller received on the chain', after.chainSeller - before.chainSeller, onChain],
    ['the buyer paid in the ledger', before.ledgerBuyer - after.ledgerBuyer, PRICE - onChain],
    ['the ledger still holds', after.ledgerHeld, before.ledgerHeld],
  ];
  const wrong = moves.find(([, moved, expected]) => moved !== expected);
  return wrong && `${wrong[0]} $${formatDecimal(wrong[1])} instead of $${formatDecimal(wrong[2])}`;
}
