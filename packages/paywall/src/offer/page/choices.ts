import { findNetwork, formatMoney } from '@agentpay/primitives';
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

/** The offers that the page can pay: scheme `exact` by EIP-3009, in USDC of a network that it knows. */
export function choicesOf({ accepts }: Pick<x402v2.PaymentRequired, 'accepts'>): Choice[] {
  return accepts.flatMap((accepted) => {
    const network = findNetwork(accepted.network);
    const { assetTransferMethod = 'eip3009', name, version } = accepted.extra ?? {};
    const byEip3009 = accepted.scheme === 'exact' && assetTransferMethod === 'eip3009';
    const isSignable = byEip3009 && typeof name === 'string' && typeof version === 'string';
    if (!network || !isSignable || !sameHex(accepted.asset, network.usdc.address)) return [];
    const amount = formatMoney(BigInt(accepted.amount), network.usdc.decimals);
    const label = `${amount} ${network.usdc.symbol} on ${network.title}${network.mainnet ? '' : ' (test money)'}`;
    return [
      {
        accepted,
        chainId: network.chainId,
        chain: {
          chainName: network.title,
          rpcUrls: [network.publicRpcUrl],
          blockExplorerUrls: [network.explorer],
        },
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
