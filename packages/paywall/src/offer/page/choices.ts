import { base, baseSepolia, findNetwork, formatMoney, type Network } from '@agentpay/primitives';
import { sameHex, type x402v2 } from '@agentpay/protocol';

/** An offer that a browser's wallet can pay by one signature. */
export interface Choice {
  readonly accepted: x402v2.PaymentRequirements;
  readonly chainId: number;
  /** The network as EIP-3085 describes it, for wallets that do not know it. */
  readonly chain: {
    readonly chainName: string;
    readonly rpcUrls: readonly string[];
    readonly blockExplorerUrls: readonly string[];
  };
  /** In dollars, such as "$0.01". */
  readonly price: string;
  /** What moves and where: "0.01 USDC on Base". */
  readonly label: string;
}

const chains: ReadonlyMap<Network, { readonly chainName: string; readonly rpcUrls: readonly string[] }> =
  new Map([
    [base, { chainName: 'Base', rpcUrls: ['https://mainnet.base.org'] }],
    [baseSepolia, { chainName: 'Base Sepolia', rpcUrls: ['https://sepolia.base.org'] }],
  ]);

/** The offers that the page can pay: scheme `exact` by EIP-3009, in USDC of a network whose name and node it knows. */
export function choicesOf({ accepts }: Pick<x402v2.PaymentRequired, 'accepts'>): Choice[] {
  return accepts.flatMap((accepted) => {
    const network = findNetwork(accepted.network);
    const chain = network && chains.get(network);
    const { assetTransferMethod = 'eip3009', name, version } = accepted.extra ?? {};
    const byEip3009 = accepted.scheme === 'exact' && assetTransferMethod === 'eip3009';
    const isSignable = byEip3009 && typeof name === 'string' && typeof version === 'string';
    if (!network || !chain || !isSignable || !sameHex(accepted.asset, network.usdc.address)) return [];
    const amount = formatMoney(BigInt(accepted.amount), network.usdc.decimals);
    const label = `${amount} ${network.usdc.symbol} on ${chain.chainName}${network.mainnet ? '' : ' (test money)'}`;
    return [
      {
        accepted,
        chainId: network.chainId,
        chain: { ...chain, blockExplorerUrls: [network.explorer] },
        price: `$${amount}`,
        label,
      },
    ];
  });
}

/** The most that a request may cost where the price is known afterwards (scheme `upto`), such as "$0.10"; undefined where it is fixed. */
export function ceilingOf({ accepts }: Pick<x402v2.PaymentRequired, 'accepts'>): string | undefined {
  const accepted = accepts.find(({ scheme }) => scheme === 'upto');
  const network = accepted && findNetwork(accepted.network);
  if (!network || !sameHex(accepted.asset, network.usdc.address)) return undefined;
  return `$${formatMoney(BigInt(accepted.amount), network.usdc.decimals)}`;
}
