import type { WalletProvider } from '@agentpay/sdk';

/** The wallet of this browser: the first that announces itself (EIP-6963), else the one that is simply there (EIP-1193). */
export function findWallet(): WalletProvider | undefined {
  const announced: WalletProvider[] = [];
  const hear = (event: Event) => {
    const { detail } = event as CustomEvent<{ provider: WalletProvider }>;
    announced.push(detail.provider);
  };
  addEventListener('eip6963:announceProvider', hear);
  // Wallets reply before this returns.
  dispatchEvent(new Event('eip6963:requestProvider'));
  removeEventListener('eip6963:announceProvider', hear);
  return announced[0] ?? (globalThis as { ethereum?: WalletProvider }).ethereum;
}
