import { AgentPayError, networks } from '@agentpay/primitives';
import { addressSchema, checksumAddress, sameHex, type Address, type Hex } from '@agentpay/protocol';
import type { Account } from './Account.js';

/** A wallet in a browser, as EIP-1193 has it: `window.ethereum`, or what EIP-6963 announces. */
export interface WalletProvider {
  request(call: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
}

/** Code of EIP-1193: the user said no. */
const REJECTED = 4001;
/** Code of EIP-3085: the wallet does not know the network. */
const UNKNOWN_CHAIN = 4902;
const ETHER = { name: 'Ether', symbol: 'ETH', decimals: 18 };
const DOMAIN = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
];

/**
 * An account that pays by a wallet, which asks its user for every signature. The wallet is moved to the network of the payment first, and
 * told of it where it does not know it.
 * @param options.address which of the accounts that the wallet shows; default: the first
 * @throws AgentPayError `policy_denied`, reason `wallet_denied`, when the user says no (now or at a signature); `invalid_request` when
 *   the wallet shows no such account
 * @example
 * ```ts
 * import { createClient, walletAccount, type WalletProvider } from '@agentpay/sdk';
 *
 * declare const ethereum: WalletProvider;
 * const client = createClient({ account: await walletAccount(ethereum) });
 * ```
 */
export async function walletAccount(
  wallet: WalletProvider,
  { address: wanted }: { readonly address?: string } = {},
): Promise<Account> {
  const shown = await ask(wallet, 'eth_requestAccounts');
  const address = accountIn(shown, wanted);
  return {
    address,
    async signTypedData({ domain, types, primaryType, message }) {
      await moveTo(wallet, domain.chainId);
      const data = { domain, types: { EIP712Domain: DOMAIN, ...types }, primaryType, message };
      const text = JSON.stringify(data, (_, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      );
      return (await ask(wallet, 'eth_signTypedData_v4', [address, text])) as Hex;
    },
  };
}

function accountIn(shown: unknown, wanted: string | undefined): Address {
  const accounts = (Array.isArray(shown) ? shown : []).filter((one) => addressSchema.safeParse(one).success);
  const found = wanted === undefined ? accounts[0] : accounts.find((one) => sameHex(String(one), wanted));
  if (found === undefined)
    throw new AgentPayError('invalid_request', `The wallet does not show ${wanted ?? 'an account'}.`, {
      param: 'address',
    });
  return checksumAddress(String(found));
}

// Wallets refuse typed data of another network than the one they are on.
async function moveTo(wallet: WalletProvider, chainId: number): Promise<void> {
  const current = await ask(wallet, 'eth_chainId');
  if (Number(current) === chainId) return;
  const id = `0x${chainId.toString(16)}`;
  const move = () => ask(wallet, 'wallet_switchEthereumChain', [{ chainId: id }]);
  try {
    await move();
  } catch (error) {
    const network = networks.find((one) => one.chainId === chainId);
    if (!network || (error as { code?: unknown } | null)?.code !== UNKNOWN_CHAIN) throw error;
    const { title: chainName, publicRpcUrl, explorer } = network;
    const urls = { rpcUrls: [publicRpcUrl], blockExplorerUrls: [explorer] };
    await ask(wallet, 'wallet_addEthereumChain', [
      { chainId: id, chainName, nativeCurrency: ETHER, ...urls },
    ]);
    // Some wallets add a network without moving to it.
    await move();
  }
}

async function ask(
  wallet: WalletProvider,
  method: string,
  params: readonly unknown[] = [],
): Promise<unknown> {
  try {
    return await wallet.request({ method, params });
  } catch (cause) {
    if ((cause as { code?: unknown } | null)?.code !== REJECTED) throw cause;
    throw new AgentPayError('policy_denied', 'The owner of the wallet said no; nothing was sent.', {
      reason: 'wallet_denied',
      cause,
    });
  }
}
