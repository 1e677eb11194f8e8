import { isAgentPayError } from '@agentpay/primitives';
import { mpp, PURCHASE, sameHex, type Address } from '@agentpay/protocol';
import type { Receipt } from '../../paid/Claims.js';
import { resourceUrl, type PricedContext, type RequestContext } from '../../paid/RequestContext.js';
import type { PaywallConfig } from '../../seller/PaywallConfig.js';
import { Refusal, type ProvenPayment } from '../../paid/Payment.js';
import { variantOf } from '../../offer/variant.js';
import { scopeOf } from '../../paid/scope.js';
import { exactPayment } from '../facilitated/exact.js';
import { nodeOf } from './nodeOf.js';
import { credentialTypesOf, mppOffersOf, type MppOffer } from './offers.js';
import { hashPayment, transactionPayment } from './transfer.js';

/**
 * Reads a Payment credential and checks that it is for a challenge of ours, for this very request and at today's terms.
 * @throws AgentPayError `payment_ambiguous`, `payload_too_large`, Refusal
 */
export async function mppPayment(context: PricedContext, header: string): Promise<ProvenPayment> {
  const { config, quote } = context;
  const { challenge, payload, source } = credentialIn(header);
  if (!mpp.isOwnChallenge(challenge, config.mppSecrets)) throw invalid('The challenge was not issued here.');
  const offer = mppOffersOf(quote, context).find(({ mpp: own }) => offersSame(challenge, own));
  if (!offer) throw invalid('The challenge offers other terms than this request has.');
  const expiresAtMs = readable('invalid-challenge', () => mpp.expiresAtMs(challenge));
  await checkScope(context, challenge);
  const answer = { challenge, source, expiresAtMs, receipt: receiptOf(config, challenge, offer) };
  const read = readable('invalid-payload', () =>
    mpp.readEvmPayload(payload, credentialTypesOf(offer.option)),
  );
  if (read.type === 'authorization') return authorizationPayment(context, offer, answer, read);
  return transferPayment(config, offer, answer, read);
}

/** The challenge that a credential is for, and how a payment by it is acknowledged. */
interface AnsweredChallenge {
  readonly challenge: mpp.Challenge;
  readonly source: string | undefined;
  /** End of the challenge, in ms since the epoch. */
  readonly expiresAtMs: number;
  readonly receipt: (transaction: string) => Receipt;
}

function authorizationPayment(
  context: PricedContext,
  offer: MppOffer,
  answering: AnsweredChallenge,
  payload: mpp.AuthorizationPayload,
): ProvenPayment {
  const { config } = context;
  const { challenge, source, receipt } = answering;
  const { signature, type: _, ...authorization } = payload;
  checkPayer(challenge, authorization, { source, chainId: offer.option.network.chainId });
  const payment = exactPayment(config, offer, {
    authorization,
    request: {
      x402Version: 2,
      paymentPayload: {
        x402Version: 2,
        resource: { url: resourceUrl(context).split('?', 1)[0] as string },
        accepted: offer.v2,
        payload: { signature, authorization },
        extensions: { [PURCHASE]: { challengeId: challenge.id } },
      },
      paymentRequirements: offer.v2,
    },
    // The id of the challenge.
    isSecret: true,
    receipt: ({ transaction }) => receipt(transaction),
    failure: () => ({}),
  });
  return {
    ...payment,
    checkTime() {
      checkExpiry(config, answering);
      payment.checkTime();
    },
  };
}

type TransferPayload = Exclude<mpp.EvmPayload, mpp.AuthorizationPayload>;

function transferPayment(
  config: PaywallConfig,
  { option, v2 }: MppOffer,
  answering: AnsweredChallenge,
  payload: TransferPayload,
): ProvenPayment {
  const { source, expiresAtMs, receipt } = answering;
  const checkTime = () => checkExpiry(config, answering);
  const transfers = option.transfers as NonNullable<typeof option.transfers>;
  const charge = {
    config,
    option,
    transfers,
    node: nodeOf(transfers, option, config),
    amount: BigInt(v2.amount),
    source,
    expiresAtMs,
    checkTime,
    receipt,
  };
  if (payload.type === 'hash') return hashPayment(charge, payload.hash);
  return readable('invalid-payload', () => transactionPayment(charge, payload.signature));
}

function receiptOf(
  config: PaywallConfig,
  { id }: mpp.Challenge,
  { option }: MppOffer,
): (transaction: string) => Receipt {
  return (transaction) => ({
    [mpp.PAYMENT_RECEIPT]: mpp.serializeReceipt({
      status: 'success',
      method: mpp.EVM_METHOD,
      timestamp: new Date(config.clock.now()).toISOString(),
      reference: transaction,
      challengeId: id,
      chainId: option.network.chainId,
    }),
  });
}

function checkExpiry({ clock }: PaywallConfig, { expiresAtMs }: AnsweredChallenge): void {
  if (expiresAtMs <= clock.now())
    throw new Refusal('payment_expired', 'The challenge has expired.', 'payment-expired');
}

/** The credential of a header. @throws AgentPayError `payment_ambiguous`, Refusal */
function credentialIn(header: string): mpp.Credential {
  return readable('malformed-credential', () => mpp.readCredential(header));
}

/** What cannot be read gets a fresh challenge, as every refusal of the Payment scheme. */
function readable<T>(problem: mpp.ProblemCode, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isAgentPayError(error, 'payment_malformed')) throw error;
    throw new Refusal(error.kind, error.message, problem);
  }
}

function offersSame(challenge: mpp.Challenge, own: MppOffer['mpp']): boolean {
  return (
    challenge.realm === own.realm &&
    challenge.method === own.method &&
    challenge.intent === own.intent &&
    challenge.request === own.request &&
    challenge.header === own.header
  );
}

async function checkScope(context: PricedContext, challenge: mpp.Challenge): Promise<void> {
  const scope = scopeOf(context.req, await context.body());
  const { s, b } = readable('invalid-challenge', () => mpp.readOpaque(challenge));
  if (s !== scope.s) throw invalid('The challenge is for another method, path or query.');
  if (b === scope.b && challenge.digest === scope.digest) return;
  throw new Refusal('body_mismatch', 'The challenge is for another request body.', 'invalid-challenge');
}

function checkPayer(
  challenge: mpp.Challenge,
  authorization: { from: Address; nonce: string },
  { source, chainId }: { source: string | undefined; chainId: number },
): void {
  if (!sameHex(authorization.nonce, mpp.challengeNonce(challenge))) {
    throw new Refusal('nonce_mismatch', 'The nonce does not belong to the challenge.');
  }
  if (source !== undefined && !sameHex(source, mpp.evmSource(chainId, authorization.from))) {
    throw new Refusal('source_mismatch', 'The source is not the payer of the authorization.');
  }
}

/**
 * The charge that a challenge of ours offered, at a price that was worked out for the same headers; undefined for any other credential.
 * @throws as {@link mppPayment}
 */
export function offeredCharge(context: RequestContext, header: string): mpp.EvmChargeRequest | undefined {
  const { challenge } = credentialIn(header);
  if (!mpp.isOwnChallenge(challenge, context.config.mppSecrets)) return undefined;
  const { v } = readable('invalid-challenge', () => mpp.readOpaque(challenge));
  return v === variantOf(context) ? mpp.readEvmChargeRequest(challenge) : undefined;
}

function invalid(message: string): Refusal {
  return new Refusal('invalid_challenge', message, 'invalid-challenge');
}
