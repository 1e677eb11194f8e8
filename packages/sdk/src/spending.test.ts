import { baseSepolia } from '@agentpay/primitives';
import fc from 'fast-check';
import type { Account } from './Account.js';
import { createClient } from './Client.js';
import {
  askMpp,
  askV1,
  askV2,
  hurriedClock,
  offer,
  proofIn,
  receiptFor,
  together,
  BUYER,
  type Ask,
} from './seller.test.support.js';

const TOTAL = 100_000n;
const PER_REQUEST = 30_000n;

/** What a seller does with a proof; the last holds for every further one. */
const behaviour = fc.constantFrom(
  'deliver',
  'deliver without receipt',
  'refuse',
  'fail',
  'break',
  'not now',
  'redirect',
  'garbage',
);
const visit = fc.record({
  amount: fc.integer({ min: 0, max: 40_000 }),
  dialects: fc.uniqueArray(fc.constantFrom('x402v2', 'x402v1', 'mpp'), { minLength: 1 }),
  path: fc.constantFrom('/a', '/b', '/c'),
  behaviours: fc.array(behaviour, { minLength: 1, maxLength: 4 }),
});
type Visit = typeof visit extends fc.Arbitrary<infer T> ? T : never;

const clock = hurriedClock();

function demandOf({ amount, dialects }: Visit): Ask {
  const text = String(amount);
  const { usdc, chainId } = baseSepolia;
  const details = { chainId, credentialTypes: ['authorization'] };
  const request = { amount: text, currency: usdc.address, recipient: offer.payTo, methodDetails: details };
  const x402v2 = askV2([{ ...offer, amount: text }]);
  const asks = { x402v2, x402v1: askV1([{ maxAmountRequired: text }]), mpp: askMpp(clock, { request }) };
  return together(...dialects.map((dialect) => asks[dialect]));
}

/** A seller without a network: as hostile as its visits say. */
function sellerOf(visits: readonly Visit[]) {
  const proofs: string[] = [];
  let turn = 0;
  const fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input));
    const script = visits[Number(url.searchParams.get('visit'))] as Visit;
    const headers = Object.fromEntries(new Headers(init.headers));
    const proof = proofIn({ headers });
    const ask = demandOf(script);
    const asking = () => new Response(JSON.stringify(ask.body), { status: 402, headers: ask.headers });
    if (!proof) return asking();
    proofs.push(proof.value);
    switch (script.behaviours[turn++ % script.behaviours.length]) {
      case 'deliver':
        return new Response('{}', { headers: receiptFor(proof) });
      case 'deliver without receipt':
        return new Response('{}');
      case 'refuse':
        return asking();
      case 'fail':
        return new Response('{}', { status: 500 });
      case 'not now':
        return new Response('{}', { status: 503, headers: { 'retry-after': '1' } });
      case 'redirect':
        return new Response(null, { status: 302, headers: { location: 'https://elsewhere.test/' } });
      case 'garbage':
        return new Response('\u0000', {
          status: 402,
          headers: { 'payment-required': '!!', 'www-authenticate': 'Payment x' },
        });
      default:
        throw new TypeError('fetch failed');
    }
  };
  return { fetch, proofs };
}

/** An account that counts what it signs and signs nothing really. */
function countingAccount() {
  const signed: bigint[] = [];
  const account: Account = {
    address: BUYER,
    async signTypedData({ message }) {
      signed.push(message['value'] as bigint);
      return `0x${'11'.repeat(65)}`;
    },
  };
  return { signed, account };
}

describe('whatever sellers do', () => {
  it('what is signed stays within the budget, and each request has one signature and one proof at most', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(visit, { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        async (visits, atOnce) => {
          const seller = sellerOf(visits);
          const { signed, account } = countingAccount();
          const budget = { perRequest: '$0.03', total: '$0.10' };
          const client = createClient({
            account,
            clock,
            budget,
            fetch: seller.fetch as typeof fetch,
            maxAttempts: 3,
          });
          const buy = ({ path }: Visit, i: number) =>
            client.fetch(`https://seller.test${path}?visit=${i}`).catch(() => undefined);

          if (atOnce) await Promise.all(visits.map(buy));
          else {
            for (const [i, each] of visits.entries()) {
              const before = [signed.length, new Set(seller.proofs).size] as const;
              await buy(each, i);
              expect(signed.length - before[0]).toBeLessThanOrEqual(1);
              expect(new Set(seller.proofs).size - before[1]).toBeLessThanOrEqual(1);
            }
          }

          const total = signed.reduce((sum, amount) => sum + amount, 0n);
          expect(total).toBeLessThanOrEqual(TOTAL);
          expect(signed.every((amount) => amount > 0n && amount <= PER_REQUEST)).toBe(true);
          expect(signed.length).toBeLessThanOrEqual(visits.length);
          expect(new Set(seller.proofs).size).toBe(signed.length);
          const spent = client.spent();
          expect(spent.reduce((sum, each) => sum + each.signed, 0n)).toBe(total);
          for (const each of spent) expect(each.confirmed + each.reserved).toBe(each.signed);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('asking again and again for the same signs no more than one unanswered proof at a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('break', 'fail', 'not now'), { minLength: 1, maxLength: 6 }),
        async (failures) => {
          const seller = sellerOf([
            {
              amount: 10_000,
              dialects: ['x402v2'],
              path: '/a',
              behaviours: [...failures, 'deliver'],
            } as Visit,
          ]);
          const { signed, account } = countingAccount();
          const client = createClient({
            account,
            clock,
            fetch: seller.fetch as typeof fetch,
            maxAttempts: 1,
          });
          let response: Response | undefined;
          for (let i = 0; i <= failures.length; i++)
            response = await client.fetch('https://seller.test/a?visit=0').catch(() => undefined);
          expect(response?.status).toBe(200);
          expect(signed).toEqual([10_000n]);
          expect(new Set(seller.proofs).size).toBe(1);
        },
      ),
      { numRuns: 50 },
    );
  });
});
