import { credentials } from '@agentpay/api';
import { AgentPayError, unknownOption } from '@agentpay/primitives';
import { addressSchema } from '@agentpay/protocol';
import * as z from 'zod';

/** A name or address with an optional port, as a URL has it between its slashes. */
const HOST = /^(\[[0-9a-fA-F:.]+\]|[^\s/:@?#[\]]+)(:\d{1,5})?$/;

const text = (like: string) => z.string(`must be text ${like}`).min(1, `must be text ${like}`);
const price = text('such as "$0.10"');
const secret = text('such as "pk_test_…"');
const host = z
  .string('must be a host such as "api.example.com"')
  .regex(HOST, 'must be a host such as "api.example.com"');
const list = (item: z.ZodType) => z.array(item, 'must be a list');
const url = z.url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' });
const fn = z.custom((value) => typeof value === 'function', 'must be a function');
const WHOLE = 'must be a whole number above zero';
const count = z.number(WHOLE).int(WHOLE).min(1, WHOLE);

const NOT_NEGATIVE = 'must be a whole number, zero or more';

/** Something with these methods. */
function withMethods(...names: readonly string[]) {
  const has = (value: unknown, name: string) =>
    typeof (Object(value) as Record<string, unknown>)[name] === 'function';
  return z.custom(
    (value) => names.every((name) => has(value, name)),
    `must have ${names.map((name) => `${name}()`).join(' and ')}`,
  );
}

const clock = withMethods('now', 'timer');
const random = withMethods('bytes');

/** The members that an options object may have; those that are objects themselves are shapes again. */
interface Shape {
  readonly [name: string]: z.ZodType | Shape;
}

const clientShape: Shape = {
  account: withMethods('signTypedData').refine(
    (account) => addressSchema.safeParse((account as { address?: unknown }).address).success,
    'must have an address',
  ),
  privateKey: text('of 0x and 64 hex digits'),
  agentpay: { url, apiKey: secret, walletId: text('such as "wallet_…"').optional() },
  budget: {
    perRequest: price.optional(),
    perHost: price.optional(),
    perDay: price.optional(),
    total: price.optional(),
  },
  allow: {
    networks: list(text('such as "base-sepolia"')).optional(),
    assets: list(text('such as "USDC"')).optional(),
    hosts: list(host).optional(),
  },
  prefer: list(z.string('must be a dialect')),
  maxAttempts: count,
  attemptTimeoutMs: count,
  maxBodyBytes: count,
  journal: withMethods('save', 'load'),
  facilitator: url,
  onEvent: fn,
  fetch: fn,
  clock,
  random,
};

/** Kinds of credentials that have no option of their own. */
const otherKinds = Object.keys(credentials).filter((kind) => !['agent', 'admin', 'session'].includes(kind));
const apiShape: Shape = {
  url,
  apiKey: secret.optional(),
  adminKey: secret.optional(),
  keys: Object.fromEntries(otherKinds.map((kind) => [kind, secret.optional()])),
  fetch: fn.optional(),
  timeoutMs: count.optional(),
  maxRetries: z.int(NOT_NEGATIVE).min(0, NOT_NEGATIVE).optional(),
  onAttempt: fn.optional(),
  clock: clock.optional(),
  random: random.optional(),
};

/** @throws AgentPayError `invalid_request` for an option that is misspelt or of another type, on every level */
export function checkClientOptions(options: unknown): void {
  check('createClient()', clientShape, options);
}

/** @throws AgentPayError `invalid_request` as {@link checkClientOptions} */
export function checkApiOptions(options: unknown): void {
  check('createApiClient()', apiShape, options, '', false);
}

function check(where: string, shape: Shape, given: unknown, path = '', optional = true): void {
  const names = Object.keys(shape);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const what = path === '' ? 'needs an object of options' : `option ${path} must be an object`;
    throw fault(`${where}: ${what} with ${names.join(', ')}.`, path);
  }
  const unknown = unknownOption(given, names);
  if (unknown) {
    const place = path && ` in ${path}`;
    throw fault(
      `${where}: unknown option "${unknown.name}"${place}; ${unknown.advice}`,
      join(path, unknown.name),
    );
  }
  for (const name of names)
    checkMember(
      where,
      shape[name] as Shape[string],
      (given as Record<string, unknown>)[name],
      join(path, name),
      optional && path === '',
    );
}

function checkMember(
  where: string,
  member: Shape[string],
  value: unknown,
  path: string,
  optional: boolean,
): void {
  const isLeaf = member instanceof z.ZodType;
  if (value === undefined && (optional || !isLeaf)) return;
  if (!isLeaf) return check(where, member, value, path);
  const issue = member.safeParse(value).error?.issues[0];
  if (issue) throw fault(`${where}: option ${[path, ...issue.path].join('.')} ${issue.message}.`, path);
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function fault(message: string, param: string): AgentPayError {
  return new AgentPayError('invalid_request', message, { param });
}
