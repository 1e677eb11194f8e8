import { jsonSchema, type RouteSchemas } from '../../seller/RouteSchemas.js';

/** Name of the extension by which facilitators list what is for sale. */
export const BAZAAR = 'bazaar';

/** Examples of what a route takes and gives, for agents that have to guess nothing. */
export interface BazaarExamples {
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly body?: unknown;
  readonly response?: unknown;
}

/** The listing of a request's method, and of its route where that has parameters. */
export type BazaarListing = (method: string | undefined, route: string) => object;

const METHODS = ['GET', 'DELETE', 'POST', 'PUT', 'PATCH'];
const WITH_BODY = ['POST', 'PUT', 'PATCH'];
const TEMPLATE = /^\/[a-zA-Z0-9_/:.\-~%]*$/;

/** Listings by what the route says of itself; each is worked out once. */
export function bazaarListings(schemas: RouteSchemas, examples: BazaarExamples): BazaarListing {
  const known = new Map<string, object>();
  return (asked, route) => {
    const method = METHODS.find((name) => name === asked) ?? 'GET';
    const key = `${method} ${route}`;
    const listing = known.get(key) ?? listingOf(method, route, { schemas, examples });
    known.set(key, listing);
    return listing;
  };
}

interface Described {
  readonly schemas: RouteSchemas;
  readonly examples: BazaarExamples;
}

function listingOf(method: string, route: string, described: Described): object {
  const { input, properties } = WITH_BODY.includes(method) ? withBody(described) : withQuery(described);
  const { response } = described.examples;
  const template = route.replace(/^[A-Z]+ +/, '');
  return {
    info: {
      input: { type: 'http', method, ...input },
      ...(response !== undefined && { output: { type: 'json', example: response } }),
    },
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        input: {
          type: 'object',
          properties: { type: { const: 'http' }, method: { const: method }, ...properties },
          required: ['type', 'method', ...Object.keys(input)],
          additionalProperties: false,
        },
        output: outputSchema(described),
      },
      required: ['input'],
    },
    ...(template.includes(':') && TEMPLATE.test(template) && { routeTemplate: template }),
  };
}

function withQuery({ schemas: { query }, examples }: Described) {
  return {
    input: examples.query ? { queryParams: examples.query } : {},
    properties:
      query || examples.query ? { queryParams: query ? jsonSchema(query, 'input') : { type: 'object' } } : {},
  };
}

// A schema without an example would make the listing break its own schema.
function withBody({ schemas: { body }, examples }: Described) {
  const hasExample = examples.body !== undefined;
  return {
    input: { bodyType: 'json', body: hasExample ? examples.body : {} },
    properties: { bodyType: { const: 'json' }, body: body && hasExample ? jsonSchema(body, 'input') : {} },
  };
}

function outputSchema({ schemas: { response } }: Described) {
  const example = response ? { example: jsonSchema(response, 'output') } : {};
  return { type: 'object', properties: { type: { type: 'string' }, ...example }, required: ['type'] };
}
