import { AgentPayError, isAgentPayError, sleep, unixSeconds, type Clock } from '@agentpay/primitives';
import type { PricedContext } from '../../paid/RequestContext.js';
import { Refusal, type ProvenPayment, type SettleOutcome } from '../../paid/Payment.js';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import type { PaywallParts } from '../../PaywallState.js';
import type { Terms } from '../../seller/Price.js';
import type { TokenOptions } from '../../seller/options.js';
import { perPaywall } from '../perPaywall.js';
import { issuer, type CallEvent, type Issuer, type IssuerResponse } from './issuer.js';
import { unavailable } from '../../seller/keySet.js';

/** Response headers of a call that was paid by token. */
export const X_PAYMENT_TOKEN_ID = 'X-Payment-Token-Id';
export const X_PAYMENT_TOKEN_STATUS = 'X-Payment-Token-Status';

/** Who issues payment tokens for a route, and under what name. */
export interface TokenSale {
  readonly issuer: Issuer;
  readonly service: string;
}

/** Undefined where a route takes no payment tokens: they are over one amount, and need a service. */
export function tokenSaleOf(
  paywall: PaywallParts,
  { scheme, service = paywall.config.token?.service }: Pick<Terms, 'scheme' | 'service'>,
): TokenSale | undefined {
  if (!paywall.config.token || service === undefined || scheme !== 'exact') return undefined;
  return { issuer: issuerOf(paywall), service };
}

const issuerOf = perPaywall(({ token, clock, fetch = globalThis.fetch }) =>
  issuer({ ...(token as TokenOptions), clock, fetch }),
);

const CURRENCY = 'USD';
/** Waits between attempts to report a step, in ms. */
const WAITS = [100, 400];

/**
 * Reads an AgentPay payment token and does the provider's side of it: verify, call-started and call-accepted before the handler,
 * call-completed or call-failed after it.
 * @throws AgentPayError `payment_malformed`, `facilitator_unavailable`, Refusal
 */
export async function tokenPayment(context: PricedContext, token: string): Promise<ProvenPayment> {
  const { config, quote } = context;
  const { clock } = config;
  const { issuer, service } = tokenSaleOf(context, quote.terms) as TokenSale;
  const claims = await readClaims(issuer, token, service);
  if (claims.amount !== quote.terms.amount.toString() || claims.currency !== CURRENCY) {
    throw new Refusal(
      'token_amount_mismatch',
      'The payment token is not over the price of this route.',
      'payment-insufficient',
    );
  }

  const report = (event: CallEvent) => reportFirmly(issuer, claims.jti, { event, clock });

  async function release(): Promise<void> {
    try {
      await report('call-failed');
    } catch (error) {
      // The issuer gives the money back by itself when the call's time is up.
      config.report({ what: 'the hold of a payment token could not be released at once', error });
    }
  }

  return {
    payer: claims.sub,
    // The token itself.
    isSecret: true,
    key: `token:${claims.iss}:${claims.jti}`,
    expiresAtMs: claims.exp * 1000,
    // The issuer's SLA timer bounds the call.
    deadlineMs: Number.MAX_SAFE_INTEGER,
    checkTime() {
      if (claims.exp <= unixSeconds(clock)) throw expired();
    },
    async verify() {
      accepted(await redeem(issuer, token, release));
      try {
        accepted(await report('call-started'));
        accepted(await report('call-accepted'));
      } catch (error) {
        await release();
        throw isAgentPayError(error, 'settlement_unknown') ? unavailable(error) : error;
      }
      return { isHeld: true };
    },
    settle: () => settlement(config, issuer, claims.jti),
    release,
  };
}

async function settlement(
  { report }: PaywallConfig,
  issuer: Issuer,
  tokenId: string,
): Promise<SettleOutcome> {
  try {
    const { reason } = await issuer.report(tokenId, 'call-completed');
    if (reason !== undefined) return { state: 'refused', error: notSettled() };
    return {
      state: 'settled',
      receipt: { [X_PAYMENT_TOKEN_ID]: tokenId, [X_PAYMENT_TOKEN_STATUS]: 'settled' },
    };
  } catch (error) {
    report({ what: 'a payment token could not be settled yet', error });
    return { state: isAgentPayError(error, 'facilitator_unavailable') ? 'unsent' : 'unknown' };
  }
}

async function readClaims(issuer: Issuer, token: string, service: string) {
  try {
    return await issuer.read(token, service);
  } catch (error) {
    if (isAgentPayError(error, 'token_invalid')) throw new Refusal('token_invalid', error.message);
    throw error;
  }
}

/** Reports a step until there is a response, a bounded number of times. */
async function reportFirmly(
  issuer: Issuer,
  tokenId: string,
  { event, clock }: { event: CallEvent; clock: Clock },
): Promise<IssuerResponse> {
  for (const wait of WAITS) {
    try {
      return await issuer.report(tokenId, event);
    } catch {
      await sleep(clock, wait);
    }
  }
  return issuer.report(tokenId, event);
}

/** @throws the refusal, if the issuer's response is one */
function accepted({ reason, status }: IssuerResponse): void {
  if (reason !== undefined) throw refusalOf(status);
}

// Redeeming is single use and cannot be queried: after a lost response the hold of the token is released.
async function redeem(issuer: Issuer, token: string, release: () => Promise<void>): Promise<IssuerResponse> {
  try {
    return await issuer.redeem(token);
  } catch (error) {
    if (!isAgentPayError(error, 'settlement_unknown')) throw error;
    await release();
    throw unavailable(error);
  }
}

function refusalOf(status: number): Error {
  if (status === 410) return expired();
  if (status === 409) return new AgentPayError('payment_already_used', 'This payment token was used before.');
  return new Refusal('token_invalid', 'The issuer does not take this payment token.');
}

// The call outlived its SLA, or the like: the issuer has given the money back.
function notSettled(): Refusal {
  return new Refusal('token_not_settled', 'The payment token could not be settled.');
}

function expired(): Refusal {
  return new Refusal('token_expired', 'The payment token has expired.', 'payment-expired');
}
