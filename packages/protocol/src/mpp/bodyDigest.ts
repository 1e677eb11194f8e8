import { sha256, writeBase64 } from '#platform';

/** The `digest` of a request body: RFC 9530 form, `sha-256=:<base64>:`. */
export function bodyDigest(body: Uint8Array): string {
  return `sha-256=:${writeBase64(sha256(body), 'base64')}:`;
}

/** Whether the digest is that of the body; the form without colons, which some implementations write, counts as well. */
export function isDigestOf(digest: string, body: Uint8Array): boolean {
  const expected = bodyDigest(body);
  return digest === expected || digest === expected.replaceAll(':', '');
}
