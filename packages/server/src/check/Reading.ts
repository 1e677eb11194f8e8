import { findNetwork } from '@agentpay/primitives';
import { mpp, x402v1, x402v2 } from '@agentpay/protocol';
import type { SellerDialect } from '../dialects.js';
import type { CheckedResponse } from './asker.js';

/** One way to pay, in words that all dialects have; addresses in lower case. */
export interface OfferedTerms {
  /** CAIP-2 id. */
  readonly network: string;
  readonly asset: string;
  /** Base units. */
  readonly amount: string;
  readonly payTo: string;
}

/** What a 402 says in one dialect. */
export type Reading =
  | { readonly state: 'absent' }
  | { readonly state: 'malformed'; readonly why: string }
  | { readonly state: 'offered'; readonly terms: readonly OfferedTerms[]; readonly urls: readonly string[] };

const absent: Reading = { state: 'absent' };

/** Reads a 402 in every dialect; `nowMs`: ms since the epoch. */
export function readResponse(answer: CheckedResponse, nowMs: number): Record<SellerDialect, Reading> {
  return {
    x402v2: attempt(() => readV2(answer)),
    x402v1: attempt(() => readV1(answer)),
    mpp: attempt(() => readMpp(answer, nowMs)),
  };
}

function attempt(read: () => Reading): Reading {
  try {
    return read();
  } catch (error) {
    return { state: 'malformed', why: (error as Error).message };
  }
}

function readV2({ headers }: CheckedResponse): Reading {
  const header = headers.get(x402v2.PAYMENT_REQUIRED);
  if (header === null) return absent;
  const { accepts, resource } = x402v2.decodePaymentRequired(header);
  for (const entry of accepts) checkDomain(entry);
  return {
    state: 'offered',
    terms: accepts.map((entry) => termsOf(entry.network, entry, entry.amount)),
    urls: [resource.url],
  };
}

function readV1({ json }: CheckedResponse): Reading {
  const { x402Version } = (json ?? {}) as { x402Version?: unknown };
  if (x402Version !== 1) return absent;
  const { accepts } = x402v1.parsePaymentRequired(json);
  for (const entry of accepts) checkDomain(entry);
  const terms = accepts.map((entry) =>
    termsOf(findNetwork(entry.network)?.id ?? entry.network, entry, entry.maxAmountRequired),
  );
  return { state: 'offered', terms, urls: accepts.map(({ resource }) => resource) };
}

/** A buyer signs under the token's EIP-712 domain, which only the offer tells. */
function checkDomain({
  scheme,
  extra,
  network,
}: Pick<x402v2.PaymentRequirements, 'scheme' | 'network' | 'extra'>): void {
  if (scheme !== 'exact' || !/^eip155:|^base/.test(network)) return;
  const { name, version } = extra ?? {};
  if (typeof name !== 'string' || typeof version !== 'string')
    throw new Error('An offer lacks extra.name or extra.version.');
}

function readMpp({ headers }: CheckedResponse, nowMs: number): Reading {
  const header = headers.get(mpp.WWW_AUTHENTICATE) ?? '';
  if (!/(?:^|,)\s*Payment\s/i.test(header)) return absent;
  const challenges = mpp.readChallenges(header);
  if (challenges.length === 0)
    throw new Error('The Payment challenge lacks a parameter or breaks the grammar.');
  const charges = challenges.filter(
    ({ method, intent }) => method === mpp.EVM_METHOD && intent === mpp.CHARGE_INTENT,
  );
  for (const challenge of challenges) {
    if (challenge.expires !== undefined && mpp.expiresAtMs(challenge) <= nowMs)
      throw new Error('The challenge arrives expired.');
  }
  const terms = charges.map((challenge) => {
    const { amount, currency, recipient, methodDetails } = mpp.readEvmChargeRequest(challenge);
    return termsOf(`eip155:${methodDetails.chainId}`, { asset: currency, payTo: recipient }, amount);
  });
  return { state: 'offered', terms, urls: [] };
}

function termsOf(
  network: string,
  { asset, payTo }: { asset: string; payTo: string },
  amount: string,
): OfferedTerms {
  return { network, asset: asset.toLowerCase(), amount, payTo: payTo.toLowerCase() };
}
