/** A token that AgentPay takes as money on an EVM chain. */
export interface Asset {
  /** EIP-55 contract address. */
  readonly address: `0x${string}`;
  readonly symbol: string;
  readonly decimals: number;
  /** EIP-712 domain name and version of the token contract. */
  readonly eip712: { readonly name: string; readonly version: string };
  /** How a holder lets somebody else move it: EIP-3009 when absent. */
  readonly transfer?: 'eip3009' | 'permit2';
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
  /** A node that anybody may ask, within limits. */
  readonly publicRpcUrl: string;
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
  publicRpcUrl: 'https://mainnet.base.org',
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
  publicRpcUrl: 'https://sepolia.base.org',
  usdc: {
    address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
    symbol: 'USDC',
    decimals: 6,
    eip712: { name: 'USDC', version: '2' },
  },
};

/** Every network AgentPay knows. */
export const networks: readonly Network[] = [base, baseSepolia];

/** A network and what is paid with there. */
export interface PaymentNetwork extends Omit<Network, 'usdc' | 'publicRpcUrl'> {
  readonly asset: Asset;
}

/** The network with its USDC. */
export function usdcOn({ usdc, ...network }: Network): PaymentNetwork {
  return { ...network, asset: usdc };
}

/** The test network of Radius, whose money is SBC. */
export const radiusTestnet: PaymentNetwork = {
  id: 'eip155:72344',
  name: 'radius-testnet',
  title: 'Radius Testnet',
  chainId: 72344,
  mainnet: false,
  explorer: 'https://testnet.radiustech.xyz',
  asset: {
    address: '0x33ad9e4BD16B69B5BFdED37D8B5D9fF9aba014Fb',
    symbol: 'SBC',
    decimals: 6,
    eip712: { name: 'Stable Coin', version: '1' },
    transfer: 'permit2',
  },
};

/** Every network that buyers know without being told of it. */
export const paymentNetworks: readonly PaymentNetwork[] = [...networks.map(usdcOn), radiusTestnet];

/** The network with this CAIP-2 id ("eip155:84532") or x402 v1 name ("base-sepolia"); undefined when unknown. */
export function findNetwork(idOrName: string): Network | undefined {
  return networks.find((network) => network.id === idOrName || network.name === idOrName);
}

/** Where everybody gets USDC of test networks. */
export const TEST_MONEY = 'https://faucet.circle.com';

/** Multicall3, at the same address on every chain. */
export const MULTICALL3 = '0xcA11bde05977b3631167028862bE2a173976CA11';
