import { credentialRow, type Auth, type Endpoint } from '@agentpay/api';
import {
  developers,
  gateways,
  identity,
  parties,
  type Party,
  type PartyKind,
  type Principal,
} from '@agentpay/core';
import { newId, systemRandom } from '@agentpay/primitives';
import { csrfTokenOf } from '@agentpay/server';
import type { Response } from 'supertest';
import { paperShop } from './paperShop.js';
import {
  ADMIN_KEY,
  DEMO_ADMIN_KEY,
  newAgent,
  testApi,
  type TestAgent,
  type TestApi,
  type TestApiOptions,
} from './testApi.js';

export type RequestHeaders = Record<string, string>;

/** A whole API with one holder of each kind of credential, and a stranger of each kind beside them. */
export interface World {
  readonly api: TestApi;
  /** Holds the agent credentials; its wallet has money. */
  readonly agent: TestAgent;
  readonly stranger: TestAgent;
  /** Headers with a valid credential of this kind. */
  credential(kind: Auth): RequestHeaders;
  /** The same of somebody else. */
  foreign(kind: Auth): RequestHeaders;
}

/** How a call of an endpoint succeeds, prepared for one time. What is left out comes from the endpoint's example. */
export interface Sent {
  readonly params?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly body?: unknown;
  /** Instead of those of {@link World.credential} for the endpoint's first kind. */
  readonly headers?: RequestHeaders;
  /** What the path names is for everybody to see or use, not its owner's alone. */
  readonly shared?: true;
}

/** A call for each verb of a noun; each noun has such a file, and the generic tests run over all of them. */
export type Calls<N> = { readonly [Verb in keyof N]: (world: World) => Sent | Promise<Sent> };

/** What the world's API is told beside the settings of every test API. */
export const worldSettings = { DEV_SIGN_IN: 'true', OUTBOUND_LOOPBACK: 'true' };

export async function newWorld(options: TestApiOptions = {}): Promise<World> {
  const api = await testApi(worldSettings, { ...options, demo: paperShop, reachable: true });
  const agent = await newAgent(api, { name: 'Owner', funds: 100 });
  const stranger = await newAgent(api, { name: 'Stranger', funds: 100 });
  const own = await credentialsOf(api, agent);
  const others = await credentialsOf(api, stranger);
  return { api, agent, stranger, credential: (kind) => own[kind], foreign: (kind) => others[kind] };
}

type Held = Record<Auth, RequestHeaders>;

async function credentialsOf(api: TestApi, agent: TestAgent): Promise<Held> {
  const { core } = api.composition;
  const self: Party = { id: agent.id, kind: 'agent' };
  const made = (kind: PartyKind): Promise<Party> =>
    core.db.tx(async (tx) => {
      const party = { id: newId('credential', { clock: api.clock, random: systemRandom }), kind };
      await parties.create(tx, party);
      return party;
    });
  const issue = async (party: Party, kind: identity.StoredCredentialKind) =>
    (await core.db.tx((tx) => identity.issue(core, tx, { party, kind }))).secret;
  const user = await made('user');
  const session = await issue(user, 'session');
  const { body: host } = await api.http.post('/v1/explorer/sessions').expect(201);
  return {
    agent: headersFor('agent', agent.key),
    apiKey: headersFor('apiKey', await issue(user, 'apiKey')),
    agentKey: headersFor('agentKey', await issue(self, 'agentKey')),
    gateway: headersFor('gateway', await newGateway(api)),
    developer: headersFor('developer', await newDeveloper(api)),
    admin: headersFor('admin', ADMIN_KEY),
    demoAdmin: headersFor('demoAdmin', DEMO_ADMIN_KEY),
    explorer: headersFor('explorer', (host as { access_token: string }).access_token),
    session: { ...headersFor('session', session), 'x-csrf-token': csrfTokenOf(session) },
  };
}

/** Registers a developer and approves them; gives their key. */
async function newDeveloper({ composition: { core } }: TestApi): Promise<string> {
  const { developer } = await developers.register(core, { email: 'dev@example.com', name: 'Dev Co' });
  const approval = { principal: operator, developerId: developer.id };
  return (await developers.approve(core, approval)).key as string;
}

/** Makes a gateway; gives its key. */
async function newGateway({ composition: { core } }: TestApi): Promise<string> {
  return (await gateways.create(core, { principal: operator, name: 'Acme Gateway' })).key;
}

/** The operator of the platform. */
const operator: Principal = { party: parties.platform, scopes: [], credentialId: 'admin' };

/** A secret in the header of its kind. */
export function headersFor(kind: Auth, secret: string): RequestHeaders {
  const { header, scheme, cookie } = credentialRow(kind);
  if (cookie !== undefined) return { [header]: `${cookie}=${secret}` };
  return { [header]: scheme === undefined ? secret : `${scheme} ${secret}` };
}

/** Sends a request to an endpoint; what is not given comes from its example. @param http the instance that is asked */
export async function send(
  world: World,
  endpoint: Endpoint,
  sent: Sent = {},
  http: TestApi['http'] = world.api.http,
): Promise<Response> {
  const { example, method } = endpoint;
  const params = { ...example.params, ...sent.params };
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_match, name: string) =>
    encodeURIComponent(params[name] as string),
  );
  const [kind] = endpoint.auth;
  const headers = sent.headers ?? (kind === undefined ? {} : world.credential(kind));
  const verb = method.toLowerCase() as Lowercase<typeof method>;
  const request = http[verb](path)
    .query(sent.query ?? example.query ?? {})
    .redirects(0)
    .set(headers);
  if (method === 'GET') return request;
  return request
    .set('content-type', 'application/json')
    .send(JSON.stringify('body' in sent ? sent.body : (example.body ?? {})));
}
