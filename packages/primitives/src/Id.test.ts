import fc from 'fast-check';
import { manualClock } from './Clock.js';
import { idPrefixes, idTime, isId, newId, type IdKind } from './Id.js';
import { nonceSource, seededRandom, systemRandom } from './Random.js';

const kinds = Object.keys(idPrefixes) as IdKind[];

/** Two kinds have the prefix that clients know them by; each is looked up among its own only. */
const namesakes: readonly string[] = ['developer_payout', 'purchase_order'];

test('prefixes are unique, but for that of the namesakes', () => {
  const others = kinds.filter((kind) => !namesakes.includes(kind)).map((kind) => idPrefixes[kind]);
  expect(new Set(others).size).toBe(others.length);
  expect(others).not.toContain(idPrefixes.purchase_order);
});

test('an id is recognised as its own kind only, but for namesakes', () => {
  for (const kind of kinds) {
    const id = newId(kind, { clock: manualClock(1_700_000_000_000), random: systemRandom });
    const same = namesakes.includes(kind) ? namesakes : [kind];
    expect(kinds.filter((other) => isId(other, id))).toEqual(same);
  }
});

test('an id of any kind tells when it was made, and nothing else does', () => {
  const ms = fc.integer({ min: 1, max: 2 ** 45 });
  fc.assert(
    fc.property(fc.constantFrom(...kinds), ms, (kind, at) => {
      const id = newId(kind, { clock: manualClock(at), random: systemRandom });
      expect(idTime(id)).toBe(at);
      const short = id.slice(idPrefixes[kind].length);
      for (const other of [short, `x${id}`, `${id}0`, id.slice(0, -1), `${id.slice(0, -1)}u`, ''])
        expect(idTime(other)).toBeUndefined();
    }),
  );
});

test('ids sort by time', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 45 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.integer(),
      (at, later, seed) => {
        const random = seededRandom(seed);
        const first = newId('agent', { clock: manualClock(at), random });
        const second = newId('agent', { clock: manualClock(at + later), random });
        expect(first < second).toBe(true);
      },
    ),
  );
});

test('ids of one millisecond sort by the order in which they were made', () => {
  const clock = manualClock(1_700_000_000_000);
  for (const random of [
    systemRandom,
    seededRandom(7),
    { bytes: (n: number) => new Uint8Array(n).fill(255) },
  ]) {
    for (let run = 0; run < 20; run++) {
      const made = Array.from({ length: 2_000 }, () => newId('event', { clock, random }));
      expect([...made].sort()).toEqual(made);
      clock.advance(1);
    }
  }
});

test('what is random of an id does not follow from the one before', () => {
  const source = { clock: manualClock(0), random: systemRandom };
  const ends = Array.from({ length: 1_000 }, () => newId('token', source).slice(-12));
  expect(new Set(ends).size).toBe(1_000);
});

test('a thousand ids of one millisecond differ', () => {
  const source = { clock: manualClock(0), random: systemRandom };
  expect(new Set(Array.from({ length: 1000 }, () => newId('token', source))).size).toBe(1000);
});

test('randomness is never given twice', () => {
  const seen = new Set(
    Array.from({ length: 5000 }, () => Buffer.from(systemRandom.bytes(16)).toString('hex')),
  );
  expect(seen.size).toBe(5000);
  expect([0, 1, 4096, 5000].map((length) => systemRandom.bytes(length).length)).toEqual([0, 1, 4096, 5000]);
});

test('no nonce is given twice', () => {
  const next = nonceSource(systemRandom);
  const nonces = Array.from({ length: 5000 }, next);
  expect(new Set(nonces).size).toBe(5000);
  expect(nonces.every((nonce) => /^[\w-]{24}$/.test(nonce))).toBe(true);
});

test('nonces that come written are nonces once they are read', () => {
  const next = nonceSource(systemRandom, (text) => Buffer.from(text).toString('base64url'));
  const nonces = Array.from({ length: 5000 }, () => Buffer.from(next(), 'base64url').toString());
  expect(new Set(nonces).size).toBe(5000);
  expect(nonces.every((nonce) => /^[\w-]{24}$/.test(nonce))).toBe(true);
});
