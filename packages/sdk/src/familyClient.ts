import * as api from '@agentpay/api';
import { systemClock, systemRandom, type Clock, type Random } from '@agentpay/primitives';
import type { ApiSettings, CallAttempt, CallOptions } from './ApiSettings.js';
import { callEndpoint } from './callEndpoint.js';
import { checkApiOptions } from './optionShapes.js';
import { iterate } from './iterate.js';

/** Parameters, query and body of a call in one object, as the API reference has them: money in currency units, as number or text. */
type Input<E extends api.Endpoint> = In<E['params']> & Query<In<E['query']>> & In<E['body']>;
type In<S extends api.Endpoint['body']> = keyof S['shape'] extends never ? unknown : S['_zod']['input'];
type Query<T> = { readonly [Name in keyof T]: T[Name] | number | boolean };

type Given<I> = object extends I ? [input?: I, options?: CallOptions] : [input: I, options?: CallOptions];
type Call<E extends api.Endpoint> = (...given: Given<Input<E>>) => Promise<api.ResponseOf<E>>;

/** The items of a response that is a page of a list; never of another one. */
type ItemOf<E extends api.Endpoint> = 'cursor' extends keyof E['query']['shape']
  ? 'total' extends keyof E['response']['shape']
    ? Extract<api.ResponseOf<E>[keyof api.ResponseOf<E>], readonly unknown[]>[number]
    : never
  : never;
type Iterate<E extends api.Endpoint> = (
  ...given: Given<Omit<Input<E>, 'offset' | 'cursor'>>
) => AsyncGenerator<ItemOf<E>, void, undefined>;
type IterateName<Verb> = Verb extends 'list' ? 'iterate' : `iterate${Capitalize<Verb & string>}`;

type Calls<N> = { readonly [Verb in keyof N]: Call<Extract<N[Verb], api.Endpoint>> } & {
  readonly [
    Verb in keyof N as [ItemOf<Extract<N[Verb], api.Endpoint>>] extends [never] ? never : IterateName<Verb>
  ]: Iterate<Extract<N[Verb], api.Endpoint>>;
};
type Nouns<F extends api.Family> = { readonly [Name in keyof F['nouns']]: Calls<F['nouns'][Name]> };

export interface ApiClientOptions {
  /** Base URL. */
  readonly url: string;
  /** Key of the agent. */
  readonly apiKey?: string;
  /** Key of the operator, for what only operators may do. */
  readonly adminKey?: string;
  /** Keys of other kinds, such as `gateway` and `developer`. */
  readonly keys?: Readonly<Partial<Record<Exclude<api.Auth, 'agent' | 'admin' | 'session'>, string>>>;
  readonly fetch?: typeof globalThis.fetch;
  /** Deadline of one attempt, its body included, in milliseconds. Default: 30 000. */
  readonly timeoutMs?: number;
  /** How often a call is sent again where that is safe. Default: 2. */
  readonly maxRetries?: number;
  /** Hears of every attempt when it has ended; what it throws is ignored. */
  readonly onAttempt?: (attempt: CallAttempt) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** The calls of some families of the API, each under its name. */
export type FamilyClient<F extends Readonly<Record<string, api.Family>>> = {
  readonly [Id in keyof F]: Nouns<F[Id]>;
};

/**
 * The calls of some families of the API, for a program that should carry no more than it calls, such as a page.
 * @throws AgentPayError `invalid_request` for an option that is unknown or of another type
 * @example
 * ```ts
 * import { buyer } from '@agentpay/api';
 * import { createFamilyClient } from '@agentpay/sdk';
 *
 * const { buyer: calls } = createFamilyClient({ buyer }, { url: 'https://pay.example.com' });
 * const agents = () => calls.agents.list({ limit: 20 });
 * ```
 */
export function createFamilyClient<F extends Readonly<Record<string, api.Family>>>(
  families: F,
  options: ApiClientOptions,
): FamilyClient<F> {
  checkApiOptions(options);
  const settings = settingsOf(options);
  const nounsOf = (family: api.Family) => mapValues(family.nouns, (noun) => callsOf(settings, noun));
  return mapValues<api.Family, object>(families, nounsOf) as unknown as FamilyClient<F>;
}

function settingsOf({ apiKey, adminKey, keys, ...options }: ApiClientOptions): ApiSettings {
  return {
    fetch: globalThis.fetch,
    timeoutMs: 30_000,
    maxRetries: 2,
    clock: systemClock,
    random: systemRandom,
    onAttempt: undefined,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    url: options.url.replace(/\/+$/, ''),
    keys: { agent: apiKey, admin: adminKey, ...keys },
  };
}

/** The calls of a noun by verb, and `iterate` for each list. */
function callsOf(settings: ApiSettings, noun: api.Noun): Record<string, unknown> {
  const calls = Object.entries(noun).flatMap(([verb, endpoint]) => {
    const call = (input: object = {}, options: CallOptions = {}) =>
      callEndpoint(settings, endpoint as api.Endpoint, input, options);
    const field = api.itemsField(endpoint);
    if (field === undefined) return [[verb, call] as const];
    const all = (input: object = {}, options: CallOptions = {}) => iterate(call, field, input, options);
    return [[verb, call] as const, [iterateName(verb), all] as const];
  });
  return Object.fromEntries(calls);
}

function iterateName(verb: string): string {
  return verb === 'list' ? 'iterate' : `iterate${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
}

function mapValues<V, W>(object: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
