import { isAgentPayError, remembered, unixSeconds } from '@agentpay/primitives';
import { base64url, mpp, PURCHASE, sameHex, type Address } from '@agentpay/protocol';
import type { Receipt } from '../../paid/Claims.js';
import { resourceUrl, type PricedContext, type RequestContext } from '../../paid/RequestContext.js';
import type { Settings } from '../../seller/options.js';
import { Refusal, type Payment } from '../../paid/Payment.js';
import { credentialTypesOf, type MppOffer } from '../../offer/Quote.js';
import type { RequestBody } from '../../paid/RequestBody.js';
import { variantOf } from '../../offer/variant.js';
import { exactPayment } from '../x402/exact.js';
import { hashPayment, transactionPayment } from './transfer.js';
import { digestOfLine, scopeOf } from '../../paid/scope.js';

/** Fresh challenges for this request, one for each offer that the client would pay; none where the body cannot be bound. */
export function challengesFor(context: PricedContext, body: RequestBody): readonly mpp.IssuedChallenge[] {
  const { settings, quote, req } = context;
  if (body.kind === 'too_large' || body.kind === 'used') return [];
  const offers = wantedOf(quote.mppOffers, req.headers[ACCEPT_PAYMENT]);
  if (offers.length === 0) return [];
  const { s, b, digest } = scopeOf(req, body);
  const v = quote.pinned ? variantOf(context) : undefined;
  const expires = expiryOf(settings);
  // Every challenge is unique, that of another request of the same buyer as well: the nonce he signs derives from its id
  // (draft-evm-charge), so that challenges that are the same could be paid only once.
  const before = `{${b === undefined ? '' : `"b":"${b}",`}${OPAQUE_NONCE}`;
  const after = `${OPAQUE_SCOPE}${s}"${v === undefined ? '' : `,"v":"${v}"`}}`;
  const opaque = () => base64url(before + settings.nonce() + after);
  return offers.map(({ challenge }) =>
    challenge.one({ expires, digest, opaque: opaque() }, settings.mppSecrets[0]),
  );
}

/** Canonical JSON as it stands: the members in their order, and nothing in them that JSON would escape. */
const OPAQUE_NONCE = '"n":"';
const OPAQUE_SCOPE = '","s":"';

function expiryOf({ clock, maxTimeoutSeconds }: Settings): string {
  return new Date((unixSeconds(clock) + maxTimeoutSeconds) * 1000).toISOString();
}

/**
 * Gives fresh challenges for requests without a body, one for each offer. Those of one second differ in their nonces only, which stand
 * where their encoding does not depend on what is around them.
 * @param line method and target of the requests
 */
export function issuerFor(
  settings: Settings,
  offers: readonly MppOffer[],
  line: string,
): () => readonly mpp.IssuedChallenge[] {
  const [before, after] = [
    base64url(`{${OPAQUE_NONCE}`),
    base64url(`${OPAQUE_SCOPE}${digestOfLine(line)}"}`),
  ];
  const opaque = { before, length: settings.writtenNonce().length, after };
  let issuedIn = Number.NaN;
  let issue: ((nonce: string) => mpp.IssuedChallenge)[] = [];
  return () => {
    const second = unixSeconds(settings.clock);
    if (second !== issuedIn) {
      const same = { expires: expiryOf(settings), opaque };
      issue = offers.map(({ challenge }) => challenge.many(same, settings.mppSecrets[0]));
      issuedIn = second;
    }
    return issue.map((next) => next(settings.writtenNonce()));
  };
}

/** As Node names it. */
export const ACCEPT_PAYMENT = mpp.ACCEPT_PAYMENT.toLowerCase();
/** Clients say the same few things over and over. */
const rangesIn = remembered(100, mpp.readAcceptPayment);

function wantedOf(offers: readonly MppOffer[], accepted: string | string[] | undefined): readonly MppOffer[] {
  return accepted === undefined
    ? offers
    : mpp.rankOffers(offers, rangesIn(String(accepted)), (offer) => offer.mpp);
}

/**
 * Reads a Payment credential and checks that it answers a challenge of ours, for this very request and at today's terms.
 * @throws AgentPayError `payment_ambiguous`, `payload_too_large`, Refusal
 */
export async function mppPayment(context: PricedContext, header: string): Promise<Payment> {
  const { settings, quote } = context;
  const { challenge, payload, source } = credentialIn(header);
  if (!mpp.isOwnChallenge(challenge, settings.mppSecrets))
    throw invalid('The challenge was not issued here.');
  const offer = quote.mppOffers.find(({ mpp: own }) => offersSame(challenge, own));
  if (!offer) throw invalid('The challenge offers other terms than this request has.');
  const expiresAtMs = readable('invalid-challenge', () => mpp.expiresAtMs(challenge));
  await checkScope(context, challenge);
  const answer = { challenge, source, expiresAtMs, receipt: receiptOf(settings, challenge, offer) };
  const read = readable('invalid-payload', () =>
    mpp.readEvmPayload(payload, credentialTypesOf(offer.option)),
  );
  if (read.type === 'authorization') return authorizationPayment(context, offer, answer, read);
  return transferPayment(settings, offer, answer, read);
}

/** A credential without its payload: what it answers, and how it is answered. */
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
): Payment {
  const { settings } = context;
  const { challenge, source, receipt } = answering;
  const { signature, type: _, ...authorization } = payload;
  checkPayer(challenge, authorization, { source, chainId: offer.option.network.chainId });
  const payment = exactPayment(settings, offer, {
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
      checkExpiry(settings, answering);
      payment.checkTime();
    },
  };
}

type TransferPayload = Exclude<mpp.EvmPayload, mpp.AuthorizationPayload>;

function transferPayment(
  settings: Settings,
  { option, v2 }: MppOffer,
  answering: AnsweredChallenge,
  payload: TransferPayload,
): Payment {
  const { source, expiresAtMs, receipt } = answering;
  const checkTime = () => checkExpiry(settings, answering);
  const transfers = option.transfers as NonNullable<typeof option.transfers>;
  const charge = {
    settings,
    option,
    transfers,
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
  settings: Settings,
  { id }: mpp.Challenge,
  { option }: MppOffer,
): (transaction: string) => Receipt {
  return (transaction) => ({
    [mpp.PAYMENT_RECEIPT]: mpp.serializeReceipt({
      status: 'success',
      method: mpp.EVM_METHOD,
      timestamp: new Date(settings.clock.now()).toISOString(),
      reference: transaction,
      challengeId: id,
      chainId: option.network.chainId,
    }),
  });
}

function checkExpiry({ clock }: Settings, { expiresAtMs }: AnsweredChallenge): void {
  if (expiresAtMs <= clock.now())
    throw new Refusal('payment_expired', 'The challenge has expired.', 'payment-expired');
}

/** The credential of a header. @throws AgentPayError `payment_ambiguous`, Refusal */
function credentialIn(header: string): mpp.Credential {
  return readable('malformed-credential', () => mpp.readCredential(header));
}

/** What cannot be read is answered with a fresh challenge, as every refusal of the Payment scheme. */
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
  if (!mpp.isOwnChallenge(challenge, context.settings.mppSecrets)) return undefined;
  const { v } = readable('invalid-challenge', () => mpp.readOpaque(challenge));
  return v === variantOf(context) ? mpp.readEvmChargeRequest(challenge) : undefined;
}

function invalid(message: string): Refusal {
  return new Refusal('invalid_challenge', message, 'invalid-challenge');
}
