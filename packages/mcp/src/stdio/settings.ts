import { credentials, type Auth } from '@agentpay/api';
import { parsePrice } from '@agentpay/primitives';
import type { ApiClientOptions, ClientOptions } from '@agentpay/sdk';

/** What the variables of the process say. */
export interface StdioSettings {
  readonly api: ApiClientOptions;
  /** Groups of tools that are offered; undefined: all. */
  readonly groups: readonly string[] | undefined;
  readonly paying: PayingSettings;
}

/** How `fetch_paid` pays, and within which limits. */
export interface PayingSettings {
  readonly payer: Pick<ClientOptions, 'privateKey' | 'agentpay'> | undefined;
  /** Most that one call may cost, and all calls of this process. */
  readonly maxPerCall: string;
  readonly maxTotal: string;
  readonly networks: readonly string[] | undefined;
  readonly hosts: readonly string[] | undefined;
}

/** What the variables are without being set, and what each says. */
export const variables = {
  AGENTPAY_URL: { unset: 'http://127.0.0.1:3100', says: 'base URL of the API' },
  AGENTPAY_API_KEY: {
    unset: 'none',
    says: 'a key of any kind, or several separated by commas; kinds are told by how keys begin',
  },
  AGENTPAY_TOOLS: { unset: 'all', says: 'groups to offer, such as `payments,wallets,gateway.calls`' },
  AGENTPAY_PRIVATE_KEY: { unset: 'none', says: '`fetch_paid` pays with this key' },
  AGENTPAY_WALLET_ID: {
    unset: 'none',
    says: 'or with payment tokens from this wallet of the agent whose key is above',
  },
  AGENTPAY_MAX_PER_CALL: {
    unset: '$1',
    says: 'most that one `fetch_paid` may cost, whatever the model asks for',
  },
  AGENTPAY_MAX_TOTAL: { unset: '$10', says: 'most that all of them may cost until the process ends' },
  AGENTPAY_NETWORKS: {
    unset: 'test networks',
    says: 'networks that may be paid on: `base` is real money',
  },
  AGENTPAY_HOSTS: { unset: 'any', says: 'hosts that may be paid' },
} as const;

type PriceVariable = 'AGENTPAY_MAX_PER_CALL' | 'AGENTPAY_MAX_TOTAL';
type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables. Keys are told apart by how they begin, so that one variable takes those of every kind.
 * @throws Error with a sentence that names the variable, never its value
 */
export function readSettings(env: Env): StdioSettings {
  const url = env['AGENTPAY_URL'] || variables.AGENTPAY_URL.unset;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Error('AGENTPAY_URL must be a URL that begins with http:// or https://.');
  const keys = Object.fromEntries(parts(env['AGENTPAY_API_KEY'])?.map((key) => [kindOf(key), key]) ?? []);
  const { agent, ...others } = keys as Partial<Record<Auth, string>>;
  const api = { url, ...(agent !== undefined && { apiKey: agent }), keys: others };
  const limits = {
    maxPerCall: price(env, 'AGENTPAY_MAX_PER_CALL'),
    maxTotal: price(env, 'AGENTPAY_MAX_TOTAL'),
  };
  return {
    api,
    groups: parts(env['AGENTPAY_TOOLS']),
    paying: {
      payer: payerOf(env, api),
      ...limits,
      networks: parts(env['AGENTPAY_NETWORKS']),
      hosts: parts(env['AGENTPAY_HOSTS']),
    },
  };
}

function payerOf(env: Env, api: ApiClientOptions): PayingSettings['payer'] {
  const privateKey = env['AGENTPAY_PRIVATE_KEY'];
  const walletId = env['AGENTPAY_WALLET_ID'];
  const { url, apiKey } = api;
  if (privateKey) {
    if (!/^0x[0-9a-fA-F]{64}$/.test(privateKey))
      throw new Error('AGENTPAY_PRIVATE_KEY must be 0x and 64 hex digits.');
    return { privateKey };
  }
  return walletId && apiKey !== undefined ? { agentpay: { url, apiKey, walletId } } : undefined;
}

function parts(text: string | undefined): string[] | undefined {
  return text ? text.split(',').flatMap((part) => part.trim() || []) : undefined;
}

function price(env: Env, name: PriceVariable): string {
  const text = env[name] || variables[name].unset;
  try {
    parsePrice(text);
  } catch {
    throw new Error(`${name} must be an amount such as "$0.10".`);
  }
  return text;
}

/** The kind of a key by how it begins; an agent's where that says nothing. */
function kindOf(key: string): Auth {
  const kinds = Object.entries(credentials) as [Auth, { readonly prefixes: readonly string[] }][];
  return kinds.find(([, { prefixes }]) => prefixes.some((prefix) => key.startsWith(prefix)))?.[0] ?? 'agent';
}
