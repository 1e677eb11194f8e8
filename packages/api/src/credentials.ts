/** How a credential of one kind is presented and whom it speaks for. */
interface CredentialRow {
  /** The one header it is read from, in lower case. */
  readonly header: string;
  /** Scheme in that header (RFC 9110 section 11.4), where it has one. */
  readonly scheme?: string;
  /** Name of the cookie, where the header is `cookie`. */
  readonly cookie?: string;
  /** Header that a write has to carry beside it, because browsers send cookies by themselves. */
  readonly csrf?: string;
  /** How its text may begin; empty: a secret without a mark. */
  readonly prefixes: readonly string[];
  /** Kind of the party it speaks for. */
  readonly party: string;
  /** What a caller who has none is told to send. */
  readonly shown: string;
}

/** Every kind of credential of the API. A key in a header of another kind is no key. */
export const credentials = {
  /** An agent's key; its signing secret works too. */
  agent: {
    header: 'authorization',
    scheme: 'Bearer',
    prefixes: ['pk_test_', 'sk_test_'],
    party: 'agent',
    shown: 'Authorization: Bearer',
  },
  /** Key of a dashboard user, for programs that buy. */
  apiKey: { header: 'x-api-key', prefixes: ['ap_'], party: 'user', shown: 'X-Api-Key' },
  /** Key of an agent that buys within the limits of its owner. */
  agentKey: { header: 'x-agent-key', prefixes: ['ak_live_'], party: 'agent', shown: 'X-Agent-Key' },
  gateway: { header: 'x-gateway-key', prefixes: ['gw_live_'], party: 'gateway', shown: 'X-Gateway-Key' },
  developer: {
    header: 'x-developer-key',
    prefixes: ['dev_live_'],
    party: 'developer',
    shown: 'X-Developer-Key',
  },
  /** Key of the operator of the platform. */
  admin: { header: 'x-admin-key', prefixes: [], party: 'platform', shown: 'X-Admin-Key' },
  /** Key of the operator of the public demo. */
  demoAdmin: { header: 'x-admin-key', prefixes: [], party: 'platform', shown: 'X-Admin-Key' },
  /** Short-lived access token of an explorer session; speaks for its demo agent. */
  explorer: { header: 'x-explorer-access', prefixes: [], party: 'agent', shown: 'x-explorer-access' },
  /** A signed-in browser. */
  session: {
    header: 'cookie',
    cookie: 'agentpay_session',
    csrf: 'x-csrf-token',
    prefixes: ['ses_'],
    party: 'user',
    shown: 'Cookie',
  },
} as const satisfies Record<string, CredentialRow>;

/** Kind of a credential that an endpoint can ask for. */
export type Auth = keyof typeof credentials;

/** How a credential of this kind is presented. */
export function credentialRow(kind: Auth): CredentialRow {
  return credentials[kind];
}

/** The credentials of an endpoint: any one of these kinds, asked for in this order. */
export function anyOf<const Kinds extends readonly Auth[]>(...kinds: Kinds): readonly Kinds[number][] {
  return Object.freeze([...kinds]);
}

/** An endpoint that asks for no credential. */
export const anyone: readonly never[] = Object.freeze([]);

/** The challenges of `WWW-Authenticate` for these kinds (RFC 9110 section 11.6.1); kinds without a scheme have none. */
export function challengesOf(kinds: readonly Auth[]): string[] {
  return kinds.flatMap((kind) => {
    const { scheme } = credentialRow(kind);
    return scheme === undefined ? [] : [`${scheme} realm="agentpay"`];
  });
}
