/** How a credential of one kind is presented and whom it speaks for. */
interface CredentialRow {
  /** The one header it is read from, in lower case. */
  readonly header: string;
  /** Scheme in that header (RFC 9110 section 11.4), where it has one. */
  readonly scheme?: string;
  /** How its text may begin; empty: a secret without a mark. */
  readonly prefixes: readonly string[];
  /** Kind of the party it speaks for. */
  readonly party: string;
  /** What a caller who has none is told to send. */
  readonly shown: string;
}

/** Every kind of credential of the API. A key in a header of another kind is no key. */
export const credentials = {
  agent: {
    header: 'authorization',
    scheme: 'Bearer',
    prefixes: ['pk_test_', 'sk_test_'],
    party: 'agent',
    shown: 'Authorization: Bearer',
  },
  admin: { header: 'x-admin-key', prefixes: [], party: 'platform', shown: 'X-Admin-Key' },
} as const satisfies Record<string, CredentialRow>;

/** Kind of a credential that an endpoint can ask for. */
export type Auth = keyof typeof credentials;

/** The credentials of an endpoint: any one of these kinds. */
export function anyOf<const Kinds extends readonly Auth[]>(...kinds: Kinds): readonly Kinds[number][] {
  return Object.freeze([...kinds]);
}

/** An endpoint that asks for no credential. */
export const anyone: readonly never[] = Object.freeze([]);

/** The challenges of `WWW-Authenticate` for these kinds (RFC 9110 section 11.6.1); kinds without a scheme have none. */
export function challengesOf(kinds: readonly Auth[]): string[] {
  return kinds.flatMap((kind) => {
    const row: CredentialRow = credentials[kind];
    return row.scheme === undefined ? [] : [`${row.scheme} realm="agentpay"`];
  });
}
