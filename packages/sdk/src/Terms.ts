import { findNetwork, parseBaseUnits, type Amount, type Network } from '@agentpay/primitives';
import { addressSchema, checksumAddress, sameHex, type Address } from '@agentpay/protocol';
import type { Account } from './Account.js';
import { refuse, type Offer } from './Offer.js';
import type { ClientSettings } from './options.js';

/** A transfer of a known asset on an allowed network, and who is to sign it. */
export interface TransferTerms {
  readonly account: Account;
  readonly network: Network;
  readonly amount: Amount;
  readonly payTo: Address;
}

/** What a seller asks for, as it wrote it. */
export interface AskedTransfer {
  /** CAIP-2 id or x402 v1 name. */
  readonly network: string;
  readonly asset: string;
  readonly amount: string;
  readonly payTo: string;
  /** Of x402: may repeat the token's EIP-712 domain and must not ask for another kind of transfer. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** Payment flows in which an EIP-3009 authorization is the whole payment. */
const FLOWS: readonly unknown[] = [undefined, 'authorization', 'upfront'];

/**
 * Holds what a seller asks for against the networks and assets that are known and allowed. The token's EIP-712 domain always comes from
 * the table of networks, never from the seller.
 * @throws AgentPayError `offer_not_acceptable` with the reason
 */
export function readTerms(settings: ClientSettings, url: string, asked: AskedTransfer): TransferTerms {
  const { account } = settings;
  if (!account) throw refuse('no_account', 'The client has no account to pay from on a chain.');
  const network = findNetwork(asked.network);
  if (!network) throw refuse('unknown_network', `Network ${asked.network} is not known.`);
  if (!settings.networks.includes(network))
    throw refuse('network_not_allowed', `Network ${network.name} is not allowed.`);
  if (!sameHex(asked.asset, network.usdc.address))
    throw refuse('unknown_asset', `Asset ${asked.asset} is not known on ${network.name}.`);
  checkAsset(settings, network.usdc.address, network.usdc.symbol);
  checkExtra(network, asked.extra ?? {});
  if (network.mainnet && isCleartext(url) && !settings.hosts)
    throw refuse('cleartext', 'Real money is paid over https only.');
  const payTo = addressSchema.safeParse(asked.payTo);
  if (!payTo.success || BigInt(asked.payTo) === 0n)
    throw refuse('recipient', `${asked.payTo} can receive nothing.`);
  if (sameHex(asked.payTo, account.address)) throw refuse('recipient', 'The payer would pay itself.');
  return { account, network, amount: readAmount(asked.amount), payTo: checksumAddress(payTo.data) };
}

/** What every offer of a transfer has in common. */
export function transferOf({
  network,
  amount,
  payTo,
}: TransferTerms): Pick<Offer, 'network' | 'asset' | 'amount' | 'payTo'> {
  return { network: network.id, asset: network.usdc.address, amount, payTo };
}

/** @throws AgentPayError `offer_not_acceptable` when none of the asset's names is allowed */
export function checkAsset({ assets }: ClientSettings, ...names: readonly string[]): void {
  if (assets && !names.some((name) => assets.includes(name.toLowerCase()))) {
    throw refuse('asset_not_allowed', `Asset ${names.join(' ')} is not allowed.`);
  }
}

function checkExtra(network: Network, extra: Readonly<Record<string, unknown>>): void {
  const { name, version } = network.usdc.eip712;
  const named = extra['name'] ?? name;
  const versioned = extra['version'] ?? version;
  if (named !== name || versioned !== version)
    throw refuse('domain_mismatch', 'The seller describes another token contract.');
  const transfer = extra['assetTransferMethod'] ?? 'eip3009';
  if (transfer !== 'eip3009')
    throw refuse('unknown_transfer_method', 'Only transfers by EIP-3009 are signed.');
  if (!FLOWS.includes(extra['paymentFlow'] ?? undefined))
    throw refuse('unknown_payment_flow', 'The payment flow is not known.');
}

function readAmount(text: string): Amount {
  const amount = parseBaseUnits(text);
  if (amount === 0n) throw refuse('amount', 'The price is zero.');
  return amount;
}

function isCleartext(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol !== 'https:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
