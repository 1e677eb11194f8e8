import { createApiClient, type ApiClient } from '@agentpay/sdk';
import { CommandFault, usageFault, type Called, type FlagRow } from '@agentpay/http/commands';
import { localStack } from '../localStack.js';

/** An API, and whose keys are at hand. */
export interface ApiPlace {
  readonly url: string;
  /** By kind: `runtime`, `seller`, `agent` (`ak_live_…`), `admin`, `developer`, `gateway`; from `.agentpay/dev.json` or the environment. */
  readonly keys: Readonly<Record<string, string | undefined>>;
  /** Of the local stack. */
  readonly ids: Readonly<Record<string, unknown>>;
}

export const apiFlag: FlagRow = {
  flag: '--api <url>',
  says: 'the API; default: AGENTPAY_URL, else what "agentpay dev" runs in this folder',
};

/** @throws CommandFault when it is not known which API is meant */
export function apiPlace(flags: Called['flags'], { env, folder }: Called['around']): ApiPlace {
  const local = localStack(folder);
  const given = (flags['api'] as string | undefined) ?? env['AGENTPAY_URL'];
  if (given !== undefined && (!/^https?:\/\//.test(given) || !URL.canParse(given)))
    throw usageFault(`--api must be a URL that begins with http:// or https://, not "${given}".`);
  const isLocal = local?.api !== undefined && (given === undefined || given === local.api.url);
  const url = given ?? local?.api?.url;
  if (url === undefined)
    throw new CommandFault(
      'no_api',
      'No local stack runs in this folder: start "agentpay dev", or name an API with --api.',
    );
  const { AGENTPAY_API_KEY: key, AGENTPAY_ADMIN_KEY: admin } = env;
  const own = { ...(key && { runtime: key, agent: key }), ...(admin && { admin }) };
  return { url, keys: { ...(isLocal && local.keys), ...own }, ids: (isLocal && local.ids) || {} };
}

type KeyKind = 'runtime' | 'seller' | 'admin' | 'agent' | 'developer' | 'gateway';

/** A typed client with one of the keys. @throws CommandFault where it is not at hand */
export function clientWith({ url, keys }: ApiPlace, kind: KeyKind): ApiClient {
  const key = keys[kind];
  const variable = kind === 'admin' ? 'AGENTPAY_ADMIN_KEY' : 'AGENTPAY_API_KEY';
  const stack = 'start "agentpay dev" in this folder';
  if (key === undefined && (kind === 'developer' || kind === 'gateway'))
    throw new CommandFault('no_key', `This needs the key of a ${kind}, which a local stack has: ${stack}.`);
  if (key === undefined) throw new CommandFault('no_key', `This needs a key of the API: set ${variable}.`);
  if (kind === 'admin') return createApiClient({ url, adminKey: key });
  if (kind === 'developer' || kind === 'gateway') return createApiClient({ url, keys: { [kind]: key } });
  if (kind === 'agent') return createApiClient({ url, keys: { agentKey: key } });
  return createApiClient({ url, apiKey: key });
}

/** The id of something of the local stack, the first where it has several. @throws CommandFault where there is none */
export function idOf({ ids }: ApiPlace, name: string): string {
  const found = ids[name];
  const id: unknown = Array.isArray(found) ? found[0] : found;
  if (typeof id === 'string') return id;
  throw new CommandFault(
    'no_local_stack',
    'Events are made to happen on a local stack: start "agentpay dev" in this folder.',
  );
}
