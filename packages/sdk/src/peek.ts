import { readStart, type BodyLimits } from '@agentpay/protocol';

/** A response whose body was looked at. */
export interface Peeked {
  /** The whole body; undefined when it is too long, or broke off. */
  readonly bytes: Uint8Array | undefined;
  /** Why the body broke off. */
  readonly error: unknown;
  /** The same response, its body unread. */
  readonly response: Response;
}

/** Reads the body of a response within the limits, and gives back a response with the whole of it. */
export async function peek(response: Response, limits: BodyLimits): Promise<Peeked> {
  if (response.body === null) return { bytes: new Uint8Array(), error: undefined, response };
  const { bytes, error, body } = await readStart(response.body, limits);
  return { bytes, error, response: withBody(response, body) };
}

function withBody(response: Response, body: ReadableStream<Uint8Array>): Response {
  const { status, statusText, headers } = response;
  return comingFrom(response, new Response(body, { status, statusText, headers }));
}

// Where a response came from can be given by `fetch` alone.
function comingFrom({ url, redirected, type }: Response, response: Response): Response {
  const own = (value: unknown) => ({ value, configurable: true });
  return Object.defineProperties(response, {
    url: own(url),
    redirected: own(redirected),
    type: own(type),
    clone: own(() => comingFrom(response, Response.prototype.clone.call(response))),
  });
}
