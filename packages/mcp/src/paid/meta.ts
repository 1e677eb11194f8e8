import {
  base64url,
  fromBase64,
  fromBase64url,
  jcs,
  mpp,
  PAYMENT_RECEIPT_JWS,
  toBase64,
  x402v2,
} from '@agentpay/protocol';

/** Members of `_meta` of the x402 MCP transport (x402 specs/transports-v2/mcp.md). */
export const X402_PAYMENT = 'x402/payment';
export const X402_RESPONSE = 'x402/payment-response';
/** Member that wraps what is asked for, where it stands as text. */
export const X402_ERROR = 'x402/error';

/** Members of `_meta` of MPP's binding (draft-payment-transport-mcp-00), and its codes of JSON-RPC errors. */
export const MPP_CREDENTIAL = 'org.paymentauth/credential';
export const MPP_RECEIPT = 'org.paymentauth/receipt';
export const MPP_REQUIRED = 'org.paymentauth/payment-required';
export const MPP_CODES: readonly number[] = [-32042, -32043];

/** The signed receipt of a seller that has a key for it: the compact JWS that HTTP has in `X-Payment-Receipt-JWS`. */
export const SIGNED_RECEIPT = 'agentpay/receipt-jws';

export type Meta = Readonly<Record<string, unknown>>;
type Members = Record<string, unknown>;

// What stands in headers over HTTP stands in `_meta` over MCP, as native JSON: both sides here speak HTTP inside.

/** The headers of a request that carries these members. */
export function requestHeaders(meta: Meta | undefined): Record<string, string> {
  const payment = meta?.[X402_PAYMENT];
  const credential = meta?.[MPP_CREDENTIAL];
  return {
    ...(payment !== undefined && { [x402v2.PAYMENT_SIGNATURE]: toBase64(payment) }),
    ...(credential !== undefined && { [mpp.AUTHORIZATION]: credentialText(credential) }),
  };
}

/** The members that a request with these headers carries. */
export function requestMeta(headers: Headers): Members {
  const signature = headers.get(x402v2.PAYMENT_SIGNATURE);
  const authorization = headers.get(mpp.AUTHORIZATION) ?? headers.get(mpp.PAYMENT_AUTHORIZATION);
  if (signature !== null) return { [X402_PAYMENT]: fromBase64(signature) };
  if (authorization === null || !mpp.hasCredential(authorization)) return {};
  const { challenge, ...rest } = mpp.readCredential(authorization);
  return { [MPP_CREDENTIAL]: { ...rest, challenge: nativeChallenge(challenge) } };
}

/** What a 402 asks for, as both bindings write it; undefined where a response asks in neither. */
export function demandIn(headers: Headers): { x402?: Members; challenges?: Members[] } | undefined {
  const required = headers.get(x402v2.PAYMENT_REQUIRED);
  const challenges = mpp.readChallenges(headers.get(mpp.WWW_AUTHENTICATE) ?? '').map(nativeChallenge);
  if (required === null && challenges.length === 0) return undefined;
  return {
    ...(required !== null && { x402: fromBase64(required) as Members }),
    ...(challenges.length > 0 && { challenges }),
  };
}

/** The headers of a 402 that asks for this. */
export function demandHeaders({
  x402,
  challenges = [],
}: {
  x402?: unknown;
  challenges?: readonly unknown[];
}): Headers {
  const headers = new Headers();
  if (x402 !== undefined) headers.set(x402v2.PAYMENT_REQUIRED, toBase64(x402));
  for (const challenge of challenges)
    headers.append(
      mpp.WWW_AUTHENTICATE,
      mpp.serializeChallenge(writtenChallenge(challenge) as mpp.Challenge),
    );
  return headers;
}

/** The receipts of a response, by the members that carry them. */
export function receiptMeta(headers: Headers): Members {
  const settled = headers.get(x402v2.PAYMENT_RESPONSE);
  const receipt = headers.get(mpp.PAYMENT_RECEIPT);
  const signed = headers.get(PAYMENT_RECEIPT_JWS);
  return {
    ...(settled !== null && { [X402_RESPONSE]: fromBase64(settled) }),
    ...(receipt !== null && { [MPP_RECEIPT]: mpp.readReceipt(receipt) }),
    ...(signed !== null && { [SIGNED_RECEIPT]: signed }),
  };
}

/** The headers of a response with these receipts. */
export function receiptHeaders(meta: Meta | undefined): Record<string, string> {
  const settled = meta?.[X402_RESPONSE];
  const receipt = meta?.[MPP_RECEIPT];
  const signed = meta?.[SIGNED_RECEIPT];
  return {
    ...(typeof signed === 'string' && { [PAYMENT_RECEIPT_JWS]: signed }),
    ...(settled !== undefined && { [x402v2.PAYMENT_RESPONSE]: toBase64(settled) }),
    ...(receipt !== undefined && { [mpp.PAYMENT_RECEIPT]: base64url(JSON.stringify(receipt)) }),
  };
}

/** `request` as the JSON that it encodes. */
function nativeChallenge(challenge: mpp.Challenge): Members {
  return { ...challenge, request: fromBase64url(challenge.request) };
}

function writtenChallenge(challenge: unknown): unknown {
  const { request, ...rest } = Object(challenge) as Members;
  return typeof request === 'object' ? { ...rest, request: base64url(jcs(request)) } : challenge;
}

function credentialText(credential: unknown): string {
  const { challenge, ...rest } = Object(credential) as Members;
  return `${mpp.SCHEME} ${base64url(JSON.stringify({ challenge: writtenChallenge(challenge), ...rest }))}`;
}
