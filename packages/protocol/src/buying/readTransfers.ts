import { parseShape, toBase64 } from '../encoding/Json.js';
import type { Hex } from '../evm/Hex.js';
import * as mpp from '../mpp/Mpp.js';
import * as x402v1 from '../x402/v1.js';
import * as x402v2 from '../x402/v2.js';
import { readTransfer, refuseOffer } from './TransferOffer.js';
import type { PaymentDemand, ReadTransfer, TransferBuyer, TransferDialect } from './TransferOffer.js';
import { writtenDemand } from './writtenDemand.js';

/** Proofs above this length may not fit beside other headers: extensions, which may be left out, then are. */
export const MAX_PROOF = 8 * 1024;
/** Shortest time that must be left of a challenge, in ms: facilitators refuse authorizations that are about to end. */
const MARGIN_MS = 6_000;
/** Seconds for which an authorization is signed when the challenge has no end. */
const DEFAULT_LIFETIME = 300;

/** The offers of a demand in one language, each to be read for itself. @throws AgentPayError when none of them can be found */
export const readTransfers: Readonly<
  Record<TransferDialect, (demand: PaymentDemand, buyer: TransferBuyer) => readonly ReadTransfer[]>
> = { x402v2: x402v2Transfers, mpp: mppTransfers, x402v1: x402v1Transfers };

/** Offers in the `PAYMENT-REQUIRED` header. What the seller wrote is echoed as it came, members unknown here included. */
function x402v2Transfers(demand: PaymentDemand, buyer: TransferBuyer): ReadTransfer[] {
  const written = writtenDemand(demand);
  if (written === undefined) return [];
  if (written.x402Version !== 2 || !Array.isArray(written.accepts))
    throw refuseOffer('malformed', 'The PAYMENT-REQUIRED header is malformed.');
  const { accepts, resource, extensions } = written;

  return accepts.map((accepted: unknown): ReadTransfer => () => {
    const entry = parseShape(x402v2.paymentRequirementsSchema, accepted, 'x402 v2 offer');
    if (entry.scheme !== 'exact') throw refuseOffer('unknown_scheme', `Scheme ${entry.scheme} is not known.`);
    return {
      dialect: 'x402v2',
      ...readTransfer(buyer, demand.url, entry),
      lifetime: () => entry.maxTimeoutSeconds,
      header: x402v2.PAYMENT_SIGNATURE,
      seal(payload) {
        const proof = { x402Version: 2, payload, ...(resource != null && { resource }), accepted };
        const whole = toBase64(extensions == null ? proof : { ...proof, extensions });
        return whole.length <= MAX_PROOF ? whole : toBase64(proof);
      },
    };
  });
}

/** Offers in a 402 body with `x402Version: 1`. */
function x402v1Transfers({ url, body }: PaymentDemand, buyer: TransferBuyer): ReadTransfer[] {
  const { x402Version, accepts } = (body ?? {}) as { x402Version?: unknown; accepts?: unknown };
  if (x402Version !== 1 || !Array.isArray(accepts)) return [];

  return accepts.map((accepted: unknown): ReadTransfer => () => {
    const entry = parseShape(x402v1.paymentRequirementsSchema, accepted, 'x402 v1 offer');
    const { scheme, network } = entry;
    if (scheme !== 'exact') throw refuseOffer('unknown_scheme', `Scheme ${scheme} is not known.`);
    return {
      dialect: 'x402v1',
      ...readTransfer(buyer, url, { ...entry, amount: entry.maxAmountRequired }),
      lifetime: () => entry.maxTimeoutSeconds,
      header: x402v1.X_PAYMENT,
      seal: (payload) => x402v1.encodePaymentPayload({ x402Version: 1, scheme, network, payload }),
    };
  });
}

/** Offers in `WWW-Authenticate: Payment`, method `evm`, intent `charge`, paid by EIP-3009 authorization. */
function mppTransfers(demand: PaymentDemand, buyer: TransferBuyer): ReadTransfer[] {
  const challenges = mpp.readChallenges(demand.header(mpp.WWW_AUTHENTICATE) ?? '');
  return challenges.map((challenge): ReadTransfer => () => {
    const header = headerFor(challenge, demand);
    const transfer = transferIn(challenge, demand, buyer);
    const leftMs = () =>
      challenge.expires === undefined ? DEFAULT_LIFETIME * 1000 : mpp.expiresAtMs(challenge) - buyer.now();
    if (leftMs() < MARGIN_MS) throw refuseOffer('expired', 'The challenge has expired.');
    const nonce: Hex = mpp.challengeNonce(challenge);
    return {
      dialect: 'mpp',
      ...transfer,
      nonce,
      lifetime: () => Math.floor(leftMs() / 1000),
      header,
      seal({ signature, authorization }) {
        const payload = { type: 'authorization', ...authorization, signature };
        const source = mpp.evmSource(transfer.network.chainId, authorization.from);
        return mpp.serializeCredential({ challenge, payload, source });
      },
    };
  });
}

function headerFor({ header }: mpp.Challenge, { hasAuthorization }: PaymentDemand): string {
  if (header === mpp.PAYMENT_AUTHORIZATION) return header;
  if (header !== undefined)
    throw refuseOffer('unknown_header', 'The challenge asks for its proof in an unknown header.');
  if (hasAuthorization)
    throw refuseOffer('authorization_taken', 'The request has an Authorization of its own.');
  return mpp.AUTHORIZATION;
}

function transferIn(challenge: mpp.Challenge, { url, requestBody }: PaymentDemand, buyer: TransferBuyer) {
  if (challenge.method !== mpp.EVM_METHOD || challenge.intent !== mpp.CHARGE_INTENT) {
    throw refuseOffer(
      'unknown_scheme',
      `Payment method ${challenge.method}/${challenge.intent} is not known.`,
    );
  }
  const { amount, currency, recipient, methodDetails } = mpp.readEvmChargeRequest(challenge);
  if (!methodDetails.credentialTypes?.includes('authorization'))
    throw refuseOffer('unknown_transfer_method', 'Only authorizations are signed.');
  if (challenge.digest !== undefined && !mpp.isDigestOf(challenge.digest, requestBody ?? new Uint8Array())) {
    throw refuseOffer('digest_mismatch', 'The challenge is for another request body.');
  }
  const transfer = readTransfer(buyer, url, {
    network: `eip155:${methodDetails.chainId}`,
    asset: currency,
    amount,
    payTo: recipient,
  });
  const { decimals } = transfer.network.asset;
  if ((methodDetails.decimals ?? decimals) !== decimals)
    throw refuseOffer('unit_mismatch', `The asset has ${decimals} decimals.`);
  return transfer;
}
