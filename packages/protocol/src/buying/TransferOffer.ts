import { AgentPayError, parseBaseUnits, type Amount, type PaymentNetwork } from '@agentpay/primitives';
import { addressSchema, checksumAddress, sameHex, type Address, type Hex } from '../evm/Hex.js';
import type { ExactPayload } from '../x402/exact.js';

/** The languages in which sellers ask for a transfer on a chain. */
export type TransferDialect = 'x402v2' | 'mpp' | 'x402v1';

/** A 402 as it came, and what of the request it depends on. */
export interface PaymentDemand {
  /** Of the request. */
  readonly url: string;
  /** Whether the request has an `Authorization` of its own. */
  readonly hasAuthorization: boolean;
  readonly requestBody: Uint8Array | undefined;
  /** A header of the response; null when it has none of that name. */
  header(name: string): string | null;
  /** The response's body as JSON; undefined when it is none, or too long. */
  readonly body: unknown;
}

/** Who would pay, and where that may be. */
export interface TransferBuyer {
  /** Ms since the Unix epoch. */
  now(): number;
  /** The network of this CAIP-2 id or x402 v1 name. @throws AgentPayError `offer_not_acceptable` when it may not be paid on */
  network(idOrName: string): PaymentNetwork;
  /** Who pays there. @throws AgentPayError `offer_not_acceptable` when nobody does */
  payer(network: PaymentNetwork): Address;
  /** @throws AgentPayError `offer_not_acceptable` when the asset of the network may not be paid in */
  assertAsset(network: PaymentNetwork): void;
  /** Whether real money may be paid to sellers without TLS. */
  readonly cleartext: boolean;
}

/** One way to pay by an EIP-3009 authorization, acceptable but for its price. */
export interface TransferOffer {
  readonly dialect: TransferDialect;
  /** Absent: by EIP-3009. */
  readonly method?: undefined;
  readonly network: PaymentNetwork;
  readonly payer: Address;
  /** Base units of the network's asset. */
  readonly amount: Amount;
  readonly payTo: Address;
  /** Nonce of the authorization where the offer fixes it. */
  readonly nonce?: Hex;
  /** For how many seconds from now the seller wants the authorization to be valid. */
  lifetime(): number;
  /** Request header that the proof goes in. */
  readonly header: string;
  /** The value of that header. */
  seal(signed: ExactPayload): string;
}

/** Reads one entry of a demand. @throws AgentPayError `offer_not_acceptable`, `payment_malformed` */
export type ReadTransfer = () => TransferOffer;

/** An offer that is not taken. */
export function refuseOffer(reason: string, why: string, cause?: unknown): AgentPayError {
  return new AgentPayError('offer_not_acceptable', why, { reason, cause });
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

type TransferMethod = NonNullable<PaymentNetwork['asset']['transfer']>;
const METHODS: Readonly<Record<TransferMethod, string>> = { eip3009: 'EIP-3009', permit2: 'Permit2' };

/** Payment flows in which a signed authorization is the whole payment. */
const FLOWS: readonly unknown[] = [undefined, 'authorization', 'upfront'];

/**
 * Holds what a seller asks for against what the buyer may pay. The token's EIP-712 domain always comes from the table of networks, never
 * from the seller.
 * @param method the kind of transfer that the buyer signs
 * @throws AgentPayError `offer_not_acceptable` with the reason
 */
export function readTransfer(
  buyer: TransferBuyer,
  url: string,
  asked: AskedTransfer,
  method: TransferMethod = 'eip3009',
): Pick<TransferOffer, 'network' | 'payer' | 'amount' | 'payTo'> {
  const network = buyer.network(asked.network);
  const { asset } = network;
  if (!sameHex(asked.asset, asset.address))
    throw refuseOffer('unknown_asset', `Asset ${asked.asset} is not known on ${network.name}.`);
  buyer.assertAsset(network);
  if ((asset.transfer ?? 'eip3009') !== method)
    throw refuseOffer(
      'unknown_transfer_method',
      `${asset.symbol} on ${network.name} is not paid by ${METHODS[method]}.`,
    );
  checkExtra(network, asked.extra ?? {}, method);
  if (network.mainnet && isCleartext(url) && !buyer.cleartext)
    throw refuseOffer('cleartext', 'Real money is paid over https only.');
  const payTo = addressSchema.safeParse(asked.payTo);
  if (!payTo.success || BigInt(asked.payTo) === 0n)
    throw refuseOffer('recipient', `${asked.payTo} can receive nothing.`);
  const payer = buyer.payer(network);
  if (sameHex(asked.payTo, payer)) throw refuseOffer('recipient', 'The payer would pay itself.');
  return { network, payer, amount: readAmount(asked.amount), payTo: checksumAddress(payTo.data) };
}

function checkExtra(
  { asset }: PaymentNetwork,
  extra: Readonly<Record<string, unknown>>,
  method: TransferMethod,
): void {
  const { name, version } = asset.eip712;
  const named = extra['name'] ?? name;
  const versioned = extra['version'] ?? version;
  if (named !== name || versioned !== version)
    throw refuseOffer('domain_mismatch', 'The seller describes another token contract.');
  const transfer = extra['assetTransferMethod'] ?? 'eip3009';
  if (transfer !== method)
    throw refuseOffer('unknown_transfer_method', `Only transfers by ${METHODS[method]} are signed.`);
  if (!FLOWS.includes(extra['paymentFlow'] ?? undefined))
    throw refuseOffer('unknown_payment_flow', 'The payment flow is not known.');
}

function readAmount(text: string): Amount {
  const amount = parseBaseUnits(text);
  if (amount === 0n) throw refuseOffer('amount', 'The price is zero.');
  return amount;
}

function isCleartext(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol !== 'https:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
