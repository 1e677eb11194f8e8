/** A token that AgentPay takes as money on an EVM chain. */
export interface Asset {
  /** EIP-55 contract address. */
  readonly address: `0x${string}`;
  readonly symbol: string;
  readonly decimals: number;
  /** EIP-712 domain name and version of the token contract. */
  readonly eip712: { readonly name: string; readonly version: string };
}

/** An EVM network with its default asset. */
export interface Network {
  /** CAIP-2 id, as x402 v2 writes it. */
  readonly id: `eip155:${number}`;
  /** Name in x402 v1. */
  readonly name: string;
  /** Name for people. */
  readonly title: string;
  readonly chainId: number;
  readonly mainnet: boolean;
  readonly explorer: string;
  readonly usdc: Asset;
}

/** Base, real money. */
export const base: Network = {
  id: 'eip155:8453',
  name: 'base',
  title: 'Base',
  chainId: 8453,
  mainnet: true,
  explorer: 'https://basescan.org',
  usdc: {
    address: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913',
    symbol: 'USDC',
    decimals: 6,
    eip712: { name: 'USD Coin', version: '2' },
  },
};

/** Base Sepolia, test money. */
export const baseSepolia: Network = {
  id: 'eip155:84532',
  name: 'base-sepolia',
  title: 'Base Sepolia',
  chainId: 84532,
  mainnet: false,
  explorer: 'https://sepolia.basescan.org',
  usdc: {
    address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
    symbol: 'USDC',
    decimals: 6,
    eip712: { name: 'USDC', version: '2' },
  },
};

/** Every network AgentPay knows. */
export const networks: readonly Network[] = [base, baseSepolia];

/** The network with this CAIP-2 id ("eip155:84532") or x402 v1 name ("base-sepolia"); undefined when unknown. */
export function findNetwork(idOrName: string): Network | undefined {
  return networks.find((network) => network.id === idOrName || network.name === idOrName);
}

/** Multicall3, at the same address on every chain. */
export const MULTICALL3 = '0xcA11bde05977b3631167028862bE2a173976CA11';
