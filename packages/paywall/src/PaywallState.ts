import { memoryStore, nonceSource } from '@agentpay/primitives';
import { base64url } from '@agentpay/protocol';
import { signInsIn, type SignIns } from './offer/extensions/SignIns.js';
import { backgroundWork, type Background } from './paid/background.js';
import { claimsIn, type Claims } from './paid/Claims.js';
import { unpaidRunsIn, type UnpaidRuns } from './paid/UnpaidRuns.js';
import { unsettledIn, type Unsettled } from './paid/Unsettled.js';
import { usageIn, type Usage } from './paid/Usage.js';
import { facilitatorsOf } from './seller/facilitators.js';
import { ledgerOfEarnings } from './seller/hooks.js';
import { counters } from './seller/metrics.js';
import { readPaymentOptions, type Accept, type PaymentOption } from './seller/PaymentOption.js';
import type { PaywallConfig } from './seller/PaywallConfig.js';
import { facilitatorKinds, type FacilitatorKinds } from './seller/facilitatorKinds.js';

/** What a paywall knows and counts while it runs: caches, circuit breakers, claims, counters. */
export interface PaywallState {
  /** Ways to pay of routes that name none of their own. */
  readonly paymentOptions: readonly [PaymentOption, ...PaymentOption[]];
  /** Opens what pays and watches for a route; one facilitator has one circuit breaker, whichever routes use it. */
  paymentOptionsOf(accepts: readonly Accept[]): PaywallState['paymentOptions'];
  /** The ways to pay that were opened so far, those above first. */
  readonly used: readonly PaymentOption[];
  readonly kinds: FacilitatorKinds;
  readonly claims: Claims;
  readonly unsettled: Unsettled;
  readonly unpaidRuns: UnpaidRuns;
  readonly usage: Usage;
  readonly signIns: SignIns;
  /** A text that comes once: 128 random bits, in base64url. */
  nonce(): string;
  /** The same, encoded in base64url once more. */
  writtenNonce(): string;
  readonly background: Background;
  /** Keys of payments of which it is being found out whether they were made. */
  readonly followed: Set<string>;
  readonly earnings: ReturnType<typeof ledgerOfEarnings>;
  readonly counters: ReturnType<typeof counters>;
}

/** A paywall: what its seller has configured, and what it knows. */
export interface PaywallParts {
  readonly config: PaywallConfig;
  readonly state: PaywallState;
}

/** @throws TypeError for payment options that cannot be had */
export function openState(config: PaywallConfig): PaywallState {
  const { clock, random, report, mppSecrets } = config;
  const store = config.store ?? memoryStore(clock);
  return {
    ...openPaymentOptions(config),
    kinds: facilitatorKinds(clock, config.holdSigner?.address),
    claims: claimsIn({ store, clock, nonce: nonceSource(random), report }),
    unsettled: unsettledIn({ store, clock, report, max: config.maxUnsettled }),
    unpaidRuns: unpaidRunsIn({ clock, max: config.maxUnpaidRuns }),
    usage: usageIn(report),
    signIns: signInsIn({ store, clock, random, report, secrets: mppSecrets }),
    nonce: nonceSource(random),
    writtenNonce: nonceSource(random, base64url),
    background: backgroundWork(),
    followed: new Set(),
    earnings: ledgerOfEarnings(),
    counters: counters(),
  };
}

function openPaymentOptions({ accepts, defaults, takesHashes, clock, report, fetch }: PaywallConfig) {
  const facilitatorOf = facilitatorsOf({ clock, fetch, report });
  const used: PaymentOption[] = [];
  const paymentOptionsOf = (given: readonly Accept[]) => {
    if (!takesHashes && given.some(({ transfers }) => transfers?.hashes))
      throw new TypeError('accepts: transfers by hashes need a store that lasts as long as mppSecret.');
    const paymentOptions = readPaymentOptions(given, defaults, facilitatorOf);
    used.push(...paymentOptions);
    return paymentOptions;
  };
  return { paymentOptions: paymentOptionsOf(accepts), paymentOptionsOf, used };
}
