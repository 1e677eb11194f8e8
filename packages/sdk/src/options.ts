import {
  AgentPayError,
  findNetwork,
  networks as knownNetworks,
  parsePrice,
  systemClock,
  systemRandom,
  type Amount,
  type Clock,
  type Network,
  type Random,
} from '@agentpay/primitives';
import { credentials, pay, runtime } from '@agentpay/api';
import type { Account } from './Account.js';
import type { ClientEvent } from './ClientEvent.js';
import { createFamilyClient, type FamilyClient } from './familyClient.js';
import { localAccount } from './localAccount.js';
import { dialects, type Dialect } from './Offer.js';
import { checkClientOptions } from './optionShapes.js';
import type { PurchaseJournal } from './Purchase.js';

/** Longest that the API is waited for when a payment token is bought. */
const TOKEN_MS = 10_000;

export interface ClientOptions {
  /** Pays on EVM chains: a viem account, or anything with an address that signs typed data. */
  readonly account?: Account | undefined;
  /** The same, from a private key: 0x and 64 hex digits. */
  readonly privateKey?: string | undefined;
  /**
   * With the key of an agent: pays with AgentPay payment tokens, from this wallet. With the key of a dashboard user ("ap_…") and no
   * account: AgentPay pays sellers that take x402 v2, from the wallets of the key.
   */
  readonly agentpay?:
    | { readonly url: string; readonly apiKey: string; readonly walletId?: string | undefined }
    | undefined;
  /**
   * Limits as prices such as "$0.10": of one request, of all requests to one host, of any 24 hours, and of all that this client ever buys.
   * Default: $1 per request, $10 in total.
   */
  readonly budget?:
    | {
        readonly perRequest?: string | undefined;
        readonly perHost?: string | undefined;
        readonly perDay?: string | undefined;
        readonly total?: string | undefined;
      }
    | undefined;
  /**
   * What may be paid. Networks by name or CAIP-2 id; default: every known test network, so real money has to be named.
   * Assets by address or symbol; default: every known one. Hosts ("api.example.com", "localhost:3101"); default: any.
   */
  readonly allow?:
    | {
        readonly networks?: readonly string[] | undefined;
        readonly assets?: readonly string[] | undefined;
        readonly hosts?: readonly string[] | undefined;
      }
    | undefined;
  /** Dialects to pay in, best first; others are not used. Within a dialect the cheapest offer is taken. */
  readonly prefer?: readonly Dialect[] | undefined;
  /** How often the same proof is sent until there is a response. Default: 6. */
  readonly maxAttempts?: number | undefined;
  /** Deadline of one attempt in milliseconds; then the proof is sent again. Default: 60 000. */
  readonly attemptTimeoutMs?: number | undefined;
  /** Largest request body, which is kept so that it can be sent again. Default: 16 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Keeps purchases when the process ends. */
  readonly journal?: PurchaseJournal | undefined;
  /**
   * URL of a facilitator of AgentPay that sellers settle with. It is asked what became of a payment where the seller does not say, or says
   * no: the error has it as `settlement`.
   */
  readonly facilitator?: string | undefined;
  /** Hears what happens while a request is paid for; what it throws is ignored. */
  readonly onEvent?: ((event: ClientEvent) => void) | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** The calls by which payment tokens are bought. */
export type TokenApi = FamilyClient<{ readonly runtime: typeof runtime }>['runtime'];

/** {@link ClientOptions}, checked and completed. */
export interface ClientSettings {
  readonly account: Account | undefined;
  readonly wallet: { readonly api: TokenApi; readonly id: string } | undefined;
  /** Pays on chains where there is no account. */
  readonly payApi: FamilyClient<{ readonly pay: typeof pay }> | undefined;
  readonly perRequest: Amount;
  readonly total: Amount;
  readonly perHost: Amount | undefined;
  readonly perDay: Amount | undefined;
  readonly networks: readonly Network[];
  readonly assets: readonly string[] | undefined;
  readonly hosts: readonly string[] | undefined;
  readonly prefer: readonly Dialect[];
  readonly maxAttempts: number;
  readonly attemptTimeoutMs: number;
  readonly maxBodyBytes: number;
  readonly journal: PurchaseJournal | undefined;
  readonly facilitator: string | undefined;
  readonly onEvent: ((event: ClientEvent) => void) | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws AgentPayError `invalid_request` naming the option at fault, `invalid_amount` for a budget that is no price */
export function resolveOptions(options: ClientOptions): ClientSettings {
  checkClientOptions(options);
  const { account, privateKey, agentpay, budget, allow } = options;
  if (account && privateKey !== undefined) throw fault('privateKey', 'cannot stand beside account');
  if (!account && privateKey === undefined && !agentpay)
    throw fault('account', 'is needed, or privateKey, or agentpay');
  const prefer = options.prefer ?? dialects;
  for (const dialect of prefer)
    if (!dialects.includes(dialect)) throw fault('prefer', `does not know ${JSON.stringify(dialect)}`);
  const fetch = options.fetch ?? globalThis.fetch;
  return {
    account: account ?? (privateKey === undefined ? undefined : accountOf(privateKey)),
    ...payersOf(options),
    perRequest: parsePrice(budget?.perRequest ?? '$1'),
    total: parsePrice(budget?.total ?? '$10'),
    perHost: budget?.perHost === undefined ? undefined : parsePrice(budget.perHost),
    perDay: budget?.perDay === undefined ? undefined : parsePrice(budget.perDay),
    networks: allow?.networks?.map(networkOf) ?? knownNetworks.filter(({ mainnet }) => !mainnet),
    assets: allow?.assets?.map((asset) => asset.toLowerCase()),
    hosts: allow?.hosts?.map((host) => host.toLowerCase()),
    prefer,
    maxAttempts: options.maxAttempts ?? 6,
    attemptTimeoutMs: options.attemptTimeoutMs ?? 60_000,
    maxBodyBytes: options.maxBodyBytes ?? 16 * 1024 * 1024,
    journal: options.journal,
    facilitator: options.facilitator,
    onEvent: options.onEvent,
    fetch,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

/** What AgentPay does for the client, by the kind of its key. */
function payersOf({
  agentpay,
  account,
  privateKey,
  fetch = globalThis.fetch,
  clock = systemClock,
  random = systemRandom,
}: ClientOptions): Pick<ClientSettings, 'wallet' | 'payApi'> {
  if (!agentpay) return { wallet: undefined, payApi: undefined };
  const { url, apiKey, walletId } = agentpay;
  const api = { url, fetch };
  if (credentials.apiKey.prefixes.some((prefix) => apiKey.startsWith(prefix))) {
    const payApi = createFamilyClient({ pay }, { ...api, clock, random, keys: { apiKey } });
    return { wallet: undefined, payApi: account || privateKey !== undefined ? undefined : payApi };
  }
  if (walletId === undefined) throw fault('agentpay.walletId', 'is needed with the key of an agent');
  const { runtime: tokens } = createFamilyClient(
    { runtime },
    { ...api, apiKey, timeoutMs: TOKEN_MS, maxRetries: 0 },
  );
  return { wallet: { api: tokens, id: walletId }, payApi: undefined };
}

function accountOf(privateKey: string): Account {
  try {
    return localAccount(privateKey);
  } catch {
    throw fault('privateKey', 'must be 32 bytes of hex with 0x in front');
  }
}

function networkOf(name: string): Network {
  const network = findNetwork(name);
  const known = knownNetworks.map((one) => one.name).join(', ');
  if (!network) throw fault('allow.networks', `does not know ${JSON.stringify(name)}; it knows ${known}`);
  return network;
}

function fault(param: string, why: string): AgentPayError {
  return new AgentPayError('invalid_request', `createClient(): option ${param} ${why}.`, { param });
}
