import { createApiClient, type ApiClient } from '@agentpay/sdk';
import { CommandFault, usageFault, type Called, type FlagRow } from '@agentpay/server/commands';
import { localStack } from '../localStack.js';

/** An API, and whose keys are at hand. */
export interface ApiPlace {
  readonly url: string;
  /** By kind: `runtime`, `seller`, `agent` (`ak_live_…`), `admin`; from `.agentpay/dev.json` or the environment. */
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

/** A typed client with one of the keys. @throws CommandFault where it is not at hand */
export function clientWith({ url, keys }: ApiPlace, kind: 'runtime' | 'seller' | 'admin'): ApiClient {
  const key = keys[kind];
  const variable = kind === 'admin' ? 'AGENTPAY_ADMIN_KEY' : 'AGENTPAY_API_KEY';
  if (key === undefined) throw new CommandFault('no_key', `This needs a key of the API: set ${variable}.`);
  return createApiClient(kind === 'admin' ? { url, adminKey: key } : { url, apiKey: key });
}
