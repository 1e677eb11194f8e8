import { mpp } from '@agentpay/protocol';
import { refuse, type Demand, type ReadOffer } from '../Offer.js';
import type { ClientSettings } from '../options.js';
import { endOf, signTransfer } from '../signTransfer.js';
import { readTerms, transferOf, type TransferTerms } from '../Terms.js';

/** Shortest time that must be left of a challenge, in ms: facilitators refuse authorizations that are about to end. */
const MARGIN_MS = 6_000;
/** Seconds for which an authorization is signed when the challenge has no end. */
const DEFAULT_LIFETIME = 300;

/** Offers in `WWW-Authenticate: Payment`, method `evm`, intent `charge`, paid by EIP-3009 authorization. */
export function mppOffers(demand: Demand, settings: ClientSettings): ReadOffer[] {
  const challenges = mpp.readChallenges(demand.headers.get(mpp.WWW_AUTHENTICATE) ?? '');
  return challenges.map((challenge): ReadOffer => () => {
    const header = headerFor(challenge, demand);
    const terms = termsOf(challenge, demand, settings);
    const lifetime = lifetimeOf(challenge, settings);
    if (lifetime < MARGIN_MS) throw refuse('expired', 'The challenge has expired.');
    const nonce = mpp.challengeNonce(challenge);
    return {
      dialect: 'mpp',
      ...transferOf(terms),
      nonce,
      async prove() {
        // Counted anew: other offers may have taken their time.
        const left = Math.floor(lifetimeOf(challenge, settings) / 1000);
        const signed = await signTransfer(settings, terms, { lifetime: left, nonce });
        const { signature, authorization } = signed;
        const payload = { type: 'authorization', ...authorization, signature };
        const source = mpp.evmSource(terms.network.chainId, authorization.from);
        return {
          header,
          value: mpp.serializeCredential({ challenge, payload, source }),
          validUntil: endOf(signed),
        };
      },
    };
  });
}

function headerFor({ header }: mpp.Challenge, { request }: Demand): string {
  if (header === mpp.PAYMENT_AUTHORIZATION) return header;
  if (header !== undefined)
    throw refuse('unknown_header', 'The challenge asks for its proof in an unknown header.');
  if (request.headers.has(mpp.AUTHORIZATION))
    throw refuse('authorization_taken', 'The request has an Authorization of its own.');
  return mpp.AUTHORIZATION;
}

function termsOf(challenge: mpp.Challenge, { request }: Demand, settings: ClientSettings): TransferTerms {
  if (challenge.method !== mpp.EVM_METHOD || challenge.intent !== mpp.CHARGE_INTENT) {
    throw refuse('unknown_scheme', `Payment method ${challenge.method}/${challenge.intent} is not known.`);
  }
  const { amount, currency, recipient, methodDetails } = mpp.readEvmChargeRequest(challenge);
  if (!methodDetails.credentialTypes?.includes('authorization'))
    throw refuse('unknown_transfer_method', 'Only authorizations are signed.');
  if (challenge.digest !== undefined && !mpp.isDigestOf(challenge.digest, request.body ?? new Uint8Array())) {
    throw refuse('digest_mismatch', 'The challenge is for another request body.');
  }
  const terms = readTerms(settings, request.url, {
    network: `eip155:${methodDetails.chainId}`,
    asset: currency,
    amount,
    payTo: recipient,
  });
  const { decimals } = terms.network.usdc;
  if ((methodDetails.decimals ?? decimals) !== decimals)
    throw refuse('unit_mismatch', `The asset has ${decimals} decimals.`);
  return terms;
}

function lifetimeOf(challenge: mpp.Challenge, { clock }: ClientSettings): number {
  return challenge.expires === undefined ? DEFAULT_LIFETIME * 1000 : mpp.expiresAtMs(challenge) - clock.now();
}
