import type { Auth } from './credentials.js';
import type { Definition, Endpoint } from './Endpoint.js';
import type { FamilyErrors } from './Errors.js';

/** The endpoints of a noun by verb: the exports of its file. */
export type Verbs = Readonly<Record<string, Definition>>;

/** The endpoints of a noun with their ids. */
export type Noun<V extends Verbs = Verbs> = {
  readonly [Verb in keyof V]: V[Verb] & { readonly id: string };
};

/** One API: its endpoints by noun and verb, the credentials they take, and its words for errors. */
export interface Family<
  Nouns extends Readonly<Record<string, Verbs>> = Readonly<Record<string, Verbs>>,
  Paid extends Verbs = Verbs,
  Heard extends Verbs = Verbs,
> {
  readonly id: string;
  /** Path prefixes it answers for where no endpoint matches; of several families the longest prefix decides. */
  readonly paths: readonly string[];
  readonly credentials: readonly Auth[];
  readonly errors: FamilyErrors;
  readonly nouns: { readonly [N in keyof Nouns]: Noun<Nouns[N]> };
  /** Endpoints that are paid by x402 themselves: clients call them as they buy from any seller, so they are no calls of the nouns. */
  readonly paid: Noun<Paid>;
  /** Endpoints that somebody else's server calls in its own words, as a card processor does: no calls of clients either. */
  readonly heard: Noun<Heard>;
}

type Given<Nouns, Paid, Heard> = Omit<Family, 'nouns' | 'paid' | 'heard'> & {
  readonly nouns: Nouns;
  readonly paid?: Paid;
  readonly heard?: Heard;
  /** Whether access tokens of explorer sessions are taken wherever an agent's key is, but where `demo` is `closed`. */
  readonly explorers?: boolean;
};

/**
 * Completes a family: every endpoint gets its id, `family.noun.verb`.
 * @throws TypeError when an endpoint asks for a credential that the family does not list
 */
function from<
  Nouns extends Readonly<Record<string, Verbs>>,
  Paid extends Verbs = Record<never, never>,
  Heard extends Verbs = Record<never, never>,
>(given: Given<Nouns, Paid, Heard>): Family<Nouns, Paid, Heard> {
  const { explorers: _, ...family } = given;
  const nouns = mapValues(given.nouns, (verbs, noun) =>
    mapValues(verbs, (definition, verb) => {
      const id = `${given.id}.${noun}.${verb}`;
      const foreign = [...definition.auth, ...definition.optionalAuth].find(
        (kind) => !given.credentials.includes(kind),
      );
      if (foreign !== undefined)
        throw new TypeError(`${id}: the family does not list the credential ${foreign}`);
      const explorers = given.explorers && definition.demo !== 'closed' && takes(definition, 'agent');
      return Object.freeze({
        ...definition,
        id,
        auth: explorers ? [...definition.auth, 'explorer'] : definition.auth,
      });
    }),
  );
  const [paid, heard] = (['paid', 'heard'] as const).map((noun) =>
    mapValues<Definition, Endpoint>(given[noun] ?? {}, (definition, verb) =>
      Object.freeze({ ...definition, id: `${given.id}.${noun}.${verb}` }),
    ),
  );
  return Object.freeze({ ...family, nouns, paid, heard }) as unknown as Family<Nouns, Paid, Heard>;
}

function takes({ auth }: Definition, kind: Auth): boolean {
  return auth.includes(kind) && !auth.includes('explorer');
}

function mapValues<V, W>(object: Readonly<Record<string, V>>, change: (value: V, key: string) => W) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}

/** The nouns of a family by name, and what is paid by x402 or heard from others as two more. */
export function sectionsOf({ nouns, paid, heard }: Family): [string, Noun][] {
  return Object.entries<Noun>({ ...nouns, paid, heard }).filter(([, verbs]) => Object.keys(verbs).length > 0);
}

/** Every endpoint of a family, also those that are no calls of its clients. */
export function endpointsOf(family: Family): Endpoint[] {
  return sectionsOf(family).flatMap(([, noun]) => Object.values(noun));
}

export const Family = { from };
