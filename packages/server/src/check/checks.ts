import { mpp, x402v1, x402v2 } from '@agentpay/protocol';
import { dialects, type SellerDialect } from '../dialects.js';
import type { CheckedResponse, Ask } from './asker.js';
import type { Reading } from './Reading.js';

/** The URL under check, and what it said to a request without a proof. */
export interface CheckedSeller {
  readonly url: URL;
  readonly method: string;
  readonly ask: Ask;
  readonly first: CheckedResponse;
  readonly readings: Readonly<Record<SellerDialect, Reading>>;
}

export interface CheckVerdict {
  /** `warn`: nothing is wrong, but some buyers or indexes stay away. */
  readonly verdict: 'pass' | 'warn' | 'fail' | 'skip';
  readonly reason: string;
}

/** One property of a paid URL. Rejects only when the seller does not answer. */
export interface Check {
  /** Stable name, for programs. */
  readonly id: string;
  readonly run: (subject: CheckedSeller) => CheckVerdict | Promise<CheckVerdict>;
}

const pass = (reason: string): CheckVerdict => ({ verdict: 'pass', reason });
const fail = (reason: string): CheckVerdict => ({ verdict: 'fail', reason });
const skip = (reason: string): CheckVerdict => ({ verdict: 'skip', reason });

const NAMES: Readonly<Record<SellerDialect, string>> = { x402v2: 'x402 v2', x402v1: 'x402 v1', mpp: 'MPP' };
const offered = ({ readings }: CheckedSeller) =>
  dialects.filter((dialect) => readings[dialect].state === 'offered');
const listed = (found: readonly SellerDialect[]) => found.map((dialect) => NAMES[dialect]).join(', ');

const status: Check = {
  id: 'status',
  run({ first }) {
    if (first.status === 402) return pass('A request without a proof is answered with 402.');
    const why = first.status < 300 ? 'it is free' : 'it is not offered';
    return fail(`A request without a proof is answered with ${first.status}: ${why}.`);
  },
};

const offers: Check = {
  id: 'offers',
  run(subject) {
    const found = offered(subject);
    return found.length > 0
      ? pass(`It can be paid in ${listed(found)}.`)
      : fail('It cannot be paid in x402 v2, x402 v1 or MPP.');
  },
};

function shapeOf(dialect: SellerDialect): Check {
  return {
    id: `shape.${dialect}`,
    run({ readings }) {
      const reading = readings[dialect];
      if (reading.state === 'absent') return skip(`${NAMES[dialect]} is not offered.`);
      if (reading.state === 'malformed') return fail(reading.why);
      return pass(
        `The offer is well-formed${reading.terms.length > 1 ? `, with ${reading.terms.length} ways to pay` : ''}.`,
      );
    },
  };
}

const sameTerms: Check = {
  id: 'same_terms',
  run(subject) {
    const found = offered(subject);
    if (found.length < 2) return skip('There are no two dialects to compare.');
    const written = found.map((dialect) => {
      const { terms } = subject.readings[dialect] as Extract<Reading, { state: 'offered' }>;
      return terms
        .map((entry) => Object.values(entry).join(' '))
        .sort()
        .join('; ');
    });
    const other = found.find((_, index) => written[index] !== written[0]);
    if (other === undefined) return pass('Price, asset, network and recipient are the same in all dialects.');
    return fail(
      `${NAMES[found[0] as SellerDialect]} asks for ${written[0]}, ${NAMES[other]} for ${written[found.indexOf(other)]}.`,
    );
  },
};

const resource: Check = {
  id: 'resource',
  run({ url, readings }) {
    const named = dialects.flatMap((dialect) => {
      const reading = readings[dialect];
      return reading.state === 'offered' ? reading.urls : [];
    });
    if (named.length === 0) return skip('No offer names a URL.');
    const other = named.find(
      (text) => !URL.canParse(text, url.href) || new URL(text, url).pathname !== url.pathname,
    );
    return other === undefined ? pass('The offers name this path.') : fail(`An offer names ${other}.`);
  },
};

const caching: Check = {
  id: 'caching',
  run({ first }) {
    const header = first.headers.get('cache-control');
    if (/\bno-store\b/i.test(header ?? '')) return pass('No cache keeps the 402.');
    return fail(
      `Caches may keep the 402: Cache-Control is ${header === null ? 'absent' : `"${header}"`}, not "no-store".`,
    );
  },
};

const cors: Check = {
  id: 'cors',
  async run({ ask, readings, url }) {
    const { headers } = await ask({ headers: { origin: originOf(url) } });
    if (!headers.has('access-control-allow-origin')) return skip('Pages of other origins are not served.');
    const exposed = (headers.get('access-control-expose-headers') ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim());
    const needed = [
      ...(readings.x402v2.state === 'offered' ? [x402v2.PAYMENT_REQUIRED] : []),
      ...(readings.mpp.state === 'offered' ? [mpp.WWW_AUTHENTICATE] : []),
    ];
    // The asterisk stands for every name.
    const hidden = exposed.includes('*')
      ? []
      : needed.filter((name) => !exposed.includes(name.toLowerCase()));
    if (hidden.length === 0) return pass('Pages of other origins can read the offers.');
    return fail(
      `Pages of other origins cannot read ${hidden.join(', ')}: not in Access-Control-Expose-Headers.`,
    );
  },
};

const head: Check = {
  id: 'head',
  async run({ method, ask }) {
    if (method !== 'GET') return skip('HEAD belongs to GET.');
    const { status } = await ask({ method: 'HEAD' });
    if (status >= 200 && status < 400)
      return fail(`HEAD is answered with ${status} without payment: the handler runs for free.`);
    return status < 500 ? pass(`HEAD is not free: ${status}.`) : fail(`HEAD is answered with ${status}.`);
  },
};

const options: Check = {
  id: 'options',
  async run({ method, ask, url }) {
    const preflight = {
      origin: originOf(url),
      'access-control-request-method': method,
      'access-control-request-headers': x402v2.PAYMENT_SIGNATURE.toLowerCase(),
    };
    const { status } = await ask({ method: 'OPTIONS', headers: preflight });
    if (status === 402) return fail('OPTIONS costs money, so that no page of another origin can ask.');
    return status < 500 ? pass(`OPTIONS is free: ${status}.`) : fail(`OPTIONS is answered with ${status}.`);
  },
};

const NONSENSE = Buffer.from('this is no payment').toString('base64url');
const NONSENSE_PROOFS: Readonly<Record<SellerDialect, Readonly<Record<string, string>>>> = {
  x402v2: { [x402v2.PAYMENT_SIGNATURE]: NONSENSE },
  x402v1: { [x402v1.X_PAYMENT]: NONSENSE },
  mpp: { [mpp.AUTHORIZATION]: `${mpp.SCHEME} ${NONSENSE}` },
};

/** Sends nonsense for a proof twice: neither the first nor a repetition may be served or break the seller. */
function malformedIn(dialect: SellerDialect): Check {
  return {
    id: `malformed.${dialect}`,
    async run({ ask, readings }) {
      if (readings[dialect].state === 'absent') return skip(`${NAMES[dialect]} is not offered.`);
      const headers = NONSENSE_PROOFS[dialect];
      const statuses = [(await ask({ headers })).status, (await ask({ headers })).status];
      const said = statuses.join(', then ');
      if (statuses.some((code) => code < 400)) return fail(`Nonsense for a proof is served: ${said}.`);
      if (statuses.some((code) => code >= 500))
        return fail(`Nonsense for a proof breaks the seller: ${said}.`);
      if (statuses[0] !== statuses[1]) return fail(`The same nonsense is judged anew: ${said}.`);
      return pass(`Nonsense for a proof is refused: ${said}.`);
    },
  };
}

const CHALLENGES = 50;

const uniqueChallenges: Check = {
  id: 'unique_challenges',
  async run({ ask, readings }) {
    if (readings.mpp.state !== 'offered') return skip('MPP is not offered.');
    const answers = await Promise.all(Array.from({ length: CHALLENGES }, () => ask()));
    const ids = answers.map(({ headers }) =>
      mpp
        .readChallenges(headers.get(mpp.WWW_AUTHENTICATE) ?? '')
        .map(({ id }) => id)
        .join(' '),
    );
    const distinct = new Set(ids).size;
    if (distinct === CHALLENGES) return pass(`${CHALLENGES} challenges at once have as many ids.`);
    return fail(`${CHALLENGES} challenges at once have ${distinct} ids: buyers take each other's payments.`);
  },
};

const MAX_HEADERS = 8 * 1024;

const headerSize: Check = {
  id: 'header_size',
  run({ first }) {
    const size = [...first.headers].reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
    if (size <= MAX_HEADERS) return pass(`The headers take ${size} bytes.`);
    return fail(`The headers take ${size} bytes; many proxies and clients stop at ${MAX_HEADERS}.`);
  },
};

/** Everything that is checked once the URL has answered 402, in this order. */
export const checks: readonly Check[] = [
  offers,
  ...dialects.map(shapeOf),
  sameTerms,
  resource,
  caching,
  cors,
  head,
  options,
  ...dialects.map(malformedIn),
  uniqueChallenges,
  headerSize,
];

/** The one that comes first: without a 402 there is nothing else to check. */
export const statusCheck: Check = status;

/** An origin that is surely not the seller's own. */
function originOf(url: URL): string {
  return url.hostname === 'buyer.example' ? 'https://other.example' : 'https://buyer.example';
}
