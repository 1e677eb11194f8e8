import {
  commonErrors,
  credentialRow,
  credentials,
  errorCodes,
  errorsOf,
  families,
  jsonSchema,
  sectionsOf,
  type Auth,
  type Endpoint,
  type Family,
  type JsonSchema,
} from '@agentpay/api';
import { errorKind, type ErrorName } from '@agentpay/primitives';
import { curlExample, keyVariables, pythonExample, typescriptExample } from './examples.js';

/** What each family is about, and for whom. */
const about: Readonly<Record<keyof typeof families, string>> = {
  runtime: 'Agents, wallets, payments, services, tokens, approvals, disputes and payouts.',
  buyer: 'For people who own agents: limits, rules, allow lists, webhooks, and buying with an agent key.',
  pay: 'Paying a seller from a 402 with the key of a dashboard user.',
  gateway: 'The marketplace: gateways, developers, listings, bundles, organizations and invoices.',
  agreements: 'Work that is agreed beforehand and paid from escrow.',
  web: 'Signing in, documents for AI platforms, and these pages.',
} as Record<keyof typeof families, string>;

const all = Object.values<Family>(families);

/** The start of the API reference, as Markdown. */
export function referencePage(baseUrl: string): string {
  return `# API reference

Every endpoint of this API, with its fields, its errors, and calls to copy. The same as documents: [OpenAPI 3.1](/openapi/spec.json),
[Swagger 2.0](/openapi/v2.json), [tools for models](/ai/tools).

The address of this API is \`${baseUrl}\`. Requests and responses are JSON, and every response has the header \`x-request-id\`.

## Credentials

| Kind | Header | Variable in the examples |
| --- | --- | --- |
${(Object.keys(credentials) as Auth[]).map(credentialLine).join('\n')}

## Money and time

Amounts of money are decimal numbers in units of the currency, with at most six digits after the point: \`0.01\` is one cent. Times are
RFC 3339 in UTC.

## Repeating a request

Where a page says that a call can be repeated, send the header \`Idempotency-Key\`: the same request under the same key is carried out
once, and every repetition gets the first response. Send a payment again with its key rather than with a new one.

## Limits

The headers \`x-ratelimit-limit\`, \`x-ratelimit-remaining\` and \`x-ratelimit-reset\` tell how many calls a minute are left. A call above
the limit answers 429 with \`Retry-After\`.

## Errors

\`\`\`json
{
  "error": {
    "code": "AP-1001",
    "reason": "insufficient_funds",
    "message": "What went wrong, for people.",
    "hint": "What to do about it.",
    "request_id": "req_..."
  },
  "code": "AP-1001"
}
\`\`\`

Programs decide by \`reason\`, which means the same everywhere. Every endpoint can answer with these:

${errorTable({ errors: families.runtime.errors } as Family, commonErrors)}

${all.map(familyPart).join('\n\n')}
`;
}

function credentialLine(kind: Auth): string {
  const { shown, cookie, prefixes } = credentialRow(kind);
  const starts =
    prefixes.length > 0 ? `, begins with ${prefixes.map((prefix) => `\`${prefix}\``).join(' or ')}` : '';
  const header =
    cookie === undefined ? `\`${shown}\`${starts}` : `\`Cookie: ${cookie}\`, of a browser that signed in`;
  return `| ${kind} | ${header} | \`${keyVariables[kind]}\` |`;
}

function familyPart(family: Family): string {
  const nouns = sectionsOf(family).map(([noun, verbs]) => {
    const rows = Object.values(verbs).map(
      ({ method, path, summary }) => `| \`${method} ${path}\` | ${cell(summary)} |`,
    );
    return `### [${words(noun)}](/docs/api/${family.id}.${noun})\n\n| Endpoint | What it does |\n| --- | --- |\n${rows.join('\n')}`;
  });
  return `## ${words(family.id)} API\n\n${about[family.id as keyof typeof families]}\n\n${nouns.join('\n\n')}`;
}

/** A page for each noun, as Markdown, by `family.noun`. */
export function nounPages(baseUrl: string): Map<string, string> {
  const pages = all.flatMap((family) =>
    sectionsOf(family).map(([noun, verbs]): [string, string] => {
      const parts = Object.values(verbs).map((endpoint) => endpointPart(family, endpoint, baseUrl));
      const title = `# ${words(noun)}: ${words(family.id)} API`;
      return [`${family.id}.${noun}`, `${title}\n\n${parts.join('\n\n')}\n`];
    }),
  );
  return new Map(pages);
}

function endpointPart(family: Family, endpoint: Endpoint, baseUrl: string): string {
  const { method, path, summary, status, kind, deprecated, tool, example, errors } = endpoint;
  const own = errorsOf(endpoint).filter((name) => !(commonErrors as readonly ErrorName[]).includes(name));
  return [
    `## ${method} ${path}`,
    summary + (tool?.description === undefined ? '' : ` ${tool.description}`),
    ...(deprecated ? [`**Deprecated since ${deprecated.since}.** ${deprecated.instead}`] : []),
    accessOf(endpoint),
    ...fieldTables(endpoint),
    '### Example',
    fence('sh curl', curlExample(endpoint, baseUrl)),
    // What is heard is sent by others, not by programs of the reader.
    ...(endpoint.id.split('.')[1] === 'heard'
      ? []
      : [
          fence('ts TypeScript', typescriptExample(endpoint, baseUrl)),
          fence('py Python', pythonExample(endpoint, baseUrl)),
        ]),
    ...(kind === 'json'
      ? [`Status ${status}:`, fence('json', JSON.stringify(example.response, null, 2))]
      : [
          `Status ${status}, ${kind === 'page' ? 'HTML' : kind === 'redirect' ? 'to the address in `Location`' : 'text'}.`,
        ]),
    ...(own.length > 0 || errors.length > 0 ? ['### Errors', errorTable(family, own)] : []),
  ].join('\n\n');
}

function accessOf({ auth, optionalAuth, idempotent }: Endpoint): string {
  const headers = (kinds: readonly Auth[]) =>
    [...new Set(kinds.map((kind) => `\`${credentialRow(kind).shown}\``))].join(' or ');
  const access =
    auth.length > 0
      ? `Needs ${headers(auth)}.`
      : `For anybody${optionalAuth.length > 0 ? `; with ${headers(optionalAuth)} for its holder` : ''}.`;
  return idempotent ? `${access} Can be repeated with \`Idempotency-Key\`.` : access;
}

function fieldTables({ params, query, body, response, kind }: Endpoint): string[] {
  const parts: [string, Endpoint['params']][] = [
    ['In the path', params],
    ['In the query', query],
    ['Body', body],
    ...(kind === 'json' ? [['Response', response] as [string, Endpoint['params']]] : []),
  ];
  return parts.flatMap(([title, schema]) => {
    const rows = fieldRows(jsonSchema(schema), '', 0);
    if (rows.length === 0) return [];
    return [`### ${title}`, `| Field | Type | |\n| --- | --- | --- |\n${rows.join('\n')}`];
  });
}

const MAX_DEPTH = 3;

function fieldRows(schema: JsonSchema, prefix: string, depth: number): string[] {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).flatMap(([name, field]) => {
    const isRequired = required.includes(name);
    const row = `| \`${prefix}${name}\` | ${cell(typeOf(field))} | ${isRequired ? 'required' : 'optional'}${cell(notesOf(field))} |`;
    const inner = field['type'] === 'array' ? (field['items'] as JsonSchema | undefined) : field;
    const path = `${prefix}${name}${field['type'] === 'array' ? '[]' : ''}.`;
    return [row, ...(inner && depth < MAX_DEPTH ? fieldRows(inner, path, depth + 1) : [])];
  });
}

function typeOf(field: JsonSchema): string {
  const { type, items, anyOf, format, const: fixed } = field;
  const values = field['enum'] as unknown[] | undefined;
  if (values) return values.map((value) => `\`${String(value)}\``).join(', ');
  if (fixed !== undefined) return `\`${String(fixed)}\``;
  if (Array.isArray(anyOf)) return [...new Set((anyOf as JsonSchema[]).map(typeOf))].join(' or ');
  if (type === 'array') return `list of ${typeOf((items as JsonSchema | undefined) ?? {})}`;
  if (format === 'date-time') return 'time';
  return Array.isArray(type) ? type.join(' or ') : String(type ?? 'any');
}

function notesOf({ pattern, minimum, maximum, maxLength, default: fallback }: JsonSchema): string {
  const notes = [
    ...(typeof pattern === 'string' && pattern.length < 60 ? [`matches \`${pattern}\``] : []),
    ...(typeof minimum === 'number' && minimum > Number.MIN_SAFE_INTEGER ? [`at least ${minimum}`] : []),
    ...(typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER ? [`at most ${maximum}`] : []),
    ...(typeof maxLength === 'number' ? [`at most ${maxLength} characters`] : []),
    ...(fallback === undefined ? [] : [`\`${String(fallback)}\` unless given`]),
  ];
  return notes.map((note) => `, ${note}`).join('');
}

function errorTable(family: Family, names: readonly ErrorName[]): string {
  const rows = names.map((name) => {
    const status = family.errors.statuses[name] ?? errorKind(name).status;
    const codes = errorCodes(family, name).map((code) => `\`${code}\``);
    const hint = family.errors.hints[name] ?? errorKind(name).hint;
    return `| ${status} | ${codes.join(', ')} | \`${name}\` | ${cell(hint)} |`;
  });
  return `| Status | Code | Reason | What to do |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}

function fence(info: string, code: string): string {
  return `\`\`\`${info}\n${code}\n\`\`\``;
}

/** Text in a cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
}

/** `privateMarketplaces` as "Private marketplaces". */
function words(name: string): string {
  const spaced = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
