import { isAgentPayError, type AgentPayError } from '@agentpay/primitives';
import { bytesToHex } from '@agentpay/protocol';
import type { Reservation } from './Budget.js';
import type { BufferedRequest } from './BufferedRequest.js';
import { tell } from './tell.js';
import type { ClientState } from './ClientState.js';
import { refuse, type Demand, type Offer, type Proof } from './Offer.js';
import { PaymentError } from './PaymentError.js';
import type { Peeked } from './peek.js';
import type { SignedPurchase } from './Purchase.js';
import { paymentFor } from './Receipt.js';
import { readOffers } from './readOffers.js';

/** Longest 402 body that is read. */
export const MAX_DEMAND = 256 * 1024;
/** Longest that the body of a 402 is waited for: with what follows, a 402 is decided on within 30 seconds. */
export const DEMAND_MS = 15_000;

/**
 * Chooses an offer of a 402, reserves its amount and makes the one proof.
 * Undefined when the response asks for nothing in a dialect known here.
 * @throws PaymentError `offer_not_acceptable`, `budget_exceeded`: nothing was signed
 */
export async function buy(
  client: ClientState,
  request: BufferedRequest,
  { response, bytes }: Peeked,
): Promise<SignedPurchase | undefined> {
  const demand: Demand = { request, headers: response.headers, body: readJson(bytes) };
  const { offers, refusals } = readOffers(demand, client.settings);
  if (offers.length === 0 && refusals.length === 0) return undefined;
  try {
    checkAddress(client, request, response);
    for (const offer of offers) {
      const purchase = await accept(client, request, response, offer, refusals);
      if (purchase) return purchase;
    }
  } catch (error) {
    if (!isAgentPayError(error, 'offer_not_acceptable')) throw error;
    refusals.unshift(error);
  }
  throw noDeal(refusals, response);
}

// Only the origin that the caller asked is paid.
function checkAddress({ settings }: ClientState, request: BufferedRequest, response: Response): void {
  const url = new URL(urlOf(request, response));
  if (url.origin !== new URL(request.url).origin)
    throw refuse('redirected_elsewhere', `${url.origin} asks for money unasked.`);
  if (response.redirected && request.method !== 'GET' && request.method !== 'HEAD') {
    throw refuse('redirected', `The ${request.method} request was redirected to where payment is asked for.`);
  }
  const { hosts } = settings;
  const allowed = !hosts || hosts.includes(url.host) || hosts.includes(url.hostname);
  if (!allowed) throw refuse('host_not_allowed', `Host ${url.host} is not allowed.`);
}

function urlOf(request: BufferedRequest, response: Response): string {
  return response.url || request.url;
}

// What could not be agreed on is added to the refusals.
async function accept(
  client: ClientState,
  request: BufferedRequest,
  response: Response,
  offer: Offer,
  refusals: AgentPayError[],
): Promise<SignedPurchase | undefined> {
  try {
    const url = urlOf(request, response);
    const { reservation, proof } = await agree(client, offer, new URL(url).host);
    const { dialect, network, asset, payTo, nonce } = offer;
    const { header, value, validUntil, tokenId, order } = proof;
    const purchase: SignedPurchase = {
      id: bytesToHex(client.settings.random.bytes(16)).slice(2),
      request: request.key,
      url,
      signedAt: client.settings.clock.now(),
      dialect,
      network,
      asset,
      amount: offer.amount.toString(),
      payTo,
      header,
      proof: value,
      validUntil,
      ...(tokenId !== undefined && { tokenId }),
      ...(order && { order }),
      ...(nonce !== undefined && { nonce }),
      state: 'open',
    };
    client.purchases.open(purchase, reservation);
    tell(client.settings.onEvent, { type: 'signed', url, payment: paymentFor(purchase) });
    return purchase;
  } catch (error) {
    if (!isAgentPayError(error, 'offer_not_acceptable') && !isAgentPayError(error, 'budget_exceeded'))
      throw error;
    refusals.push(error);
    return undefined;
  }
}

// Reservation and nonce are taken without a wait between them; without a proof they cost nothing.
async function agree(
  { budget, purchases }: ClientState,
  offer: Offer,
  host: string,
): Promise<{ reservation: Reservation; proof: Proof }> {
  const reservation = budget.reserve({ ...offer, host });
  try {
    if (offer.nonce !== undefined && !purchases.claim(offer.nonce))
      throw refuse('challenge_reused', 'The challenge was paid before.');
    return { reservation, proof: await offer.prove() };
  } catch (error) {
    reservation.release();
    throw error;
  }
}

function readJson(bytes: Uint8Array | undefined): unknown {
  try {
    return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as unknown);
  } catch {
    return undefined;
  }
}

function noDeal(refusals: readonly AgentPayError[], response: Response): PaymentError {
  const first = refusals.find(({ kind }) => kind === 'budget_exceeded') ?? (refusals[0] as AgentPayError);
  // Offers of one price in several dialects are refused by the same words.
  const messages = new Set([first, ...refusals].map(({ message }) => message));
  const message = [...messages].slice(0, 4).join(' ');
  const kind = first.kind === 'budget_exceeded' ? first.kind : 'offer_not_acceptable';
  return new PaymentError(kind, message, {
    reason: first.reason ?? first.kind,
    response,
    cause: first.cause,
  });
}
