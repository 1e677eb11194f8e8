import { fromBase64, hasSignedIntent, readSignedIntent, x402v1, x402v2 } from '@agentpay/protocol';
import { headerText } from '../../paid/headerText.js';
import type { RequestContext } from '../../paid/RequestContext.js';
import type { ProofTexts } from '../PaymentRail.js';

/** Scheme of signed intents in `Authorization`. */
export const X402_SCHEME = 'x402';

type Version = 1 | 2;

/** The x402 payloads of a version in a request. The version that a payload names counts, whichever header it came in. */
export function x402Proofs(context: RequestContext, version: Version): ProofTexts {
  const inHeaders = ([2, 1] as const).map((usual) => {
    const text = headerText(context, usual === 2 ? x402v2.PAYMENT_SIGNATURE : x402v1.X_PAYMENT);
    return text && (versionOf(text) ?? usual) === version ? text : undefined;
  });
  const credentials = headerText(context, context.config.authorizationHeader) ?? '';
  if (!hasSignedIntent(credentials)) return inHeaders;
  // An x402 payment among the credentials is the payment that the headers of x402 would carry.
  const { x402Version, payload } = readSignedIntent(credentials);
  return x402Version === version ? [...inHeaders, payload] : inHeaders;
}

/** Undefined where the payload names no version. */
function versionOf(text: string): Version | undefined {
  try {
    const { x402Version } = fromBase64(text) as { x402Version?: unknown };
    return x402Version === 1 || x402Version === 2 ? x402Version : undefined;
  } catch {
    // What cannot be read is refused in the dialect of its header.
    return undefined;
  }
}
