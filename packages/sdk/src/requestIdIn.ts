/** The id that a server gives a request (`X-Request-Id`), by which it finds the request again. */
export function requestIdIn(headers: Headers | undefined): string | undefined {
  return headers?.get('x-request-id') ?? undefined;
}
