import type { Amount } from '@agentpay/primitives';
import type { x402v2 } from '@agentpay/protocol';
import type { PaywallConfig } from '../seller/PaywallConfig.js';
import type { Terms } from '../seller/Price.js';
import { dueIn, type PaymentOption } from '../seller/PaymentOption.js';

/** A price in one payment option. */
export interface PricedOption {
  readonly option: PaymentOption;
  /** In micro-dollars. */
  readonly price: Amount;
  /** In the words of x402 v2, in which facilitators are asked. */
  readonly v2: x402v2.PaymentRequirements;
}

/** One price in every payment option. Each dialect renders it in its own words, once. */
export interface Quote {
  readonly terms: Terms;
  readonly offers: readonly [PricedOption, ...PricedOption[]];
  /** Whether the price was worked out for one request and is offered with a pin. */
  readonly pinned: boolean;
}

/** @throws TypeError for a price that one of the tokens has no unit for */
export function createQuote(
  config: PaywallConfig,
  terms: Terms,
  { paymentOptions, pinned }: { paymentOptions: readonly PaymentOption[]; pinned: boolean },
): Quote {
  const offers = paymentOptions.map((option): PricedOption => {
    return { option, price: terms.amount, v2: v2Offer(config, terms, option) };
  });
  return { terms, offers: offers as [PricedOption, ...PricedOption[]], pinned };
}

function v2Offer(
  { maxTimeoutSeconds }: PaywallConfig,
  terms: Terms,
  option: PaymentOption,
): x402v2.PaymentRequirements {
  const { network, asset, payTo, uptoAccount, holdTerms } = option;
  return {
    scheme: terms.scheme,
    network: network.id,
    amount: dueIn(option, terms.amount).toString(),
    asset: asset.address,
    payTo,
    maxTimeoutSeconds,
    extra: {
      ...asset.eip712,
      ...(isByPermit2(terms, option) && { assetTransferMethod: 'permit2' }),
      ...(terms.scheme === 'upto' && uptoAccount && { facilitatorAddress: uptoAccount }),
      ...(terms.scheme === 'auth-capture' && { ...holdTerms, paymentFlow: 'escrow', captureMode: 'sync' }),
      // The buyer's money may move before the response is there (x402 v2, payment flows).
      ...(terms.settle !== 'after' && { paymentFlow: 'upfront' }),
    },
  };
}

/** An EIP-3009 authorization is over one amount, so that it cannot pay up to a ceiling. */
export function isByPermit2({ scheme }: Terms, { transferMethod }: PaymentOption): boolean {
  return scheme === 'upto' || transferMethod === 'permit2';
}

/** What is sold, in the words of x402. */
export function resourceOf({ description, mimeType }: Terms) {
  return { description: description || undefined, mimeType };
}
