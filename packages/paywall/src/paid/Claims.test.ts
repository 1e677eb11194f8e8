import fc from 'fast-check';
import { isAgentPayError, manualClock, memoryStore, type ErrorName } from '@agentpay/primitives';
import { claimsIn, type HeldResponse, type Claim, type Claims } from './Claims.js';

const LEASE_MS = 1_000;
const ANSWER: HeldResponse = { status: 200, headers: { 'x-a': ['1', '2'] }, body: Buffer.from([0, 255, 10]) };
const RECEIPT = { 'payment-response': 'abc' };
const OWNERS = 3;

type Act = 'find' | 'take' | 'settling' | 'done' | 'yieldLease' | 'settled' | 'drop';
type Step = { owner: number; act: Act } | { act: 'pass'; ms: number };

const owner = fc.nat(OWNERS - 1);
const act = fc.constantFrom<Act>('find', 'take', 'settling', 'done', 'yieldLease', 'settled', 'drop');
const pass = fc.constantFrom(1, LEASE_MS / 2, LEASE_MS, LEASE_MS).map((ms): Step[] => [{ act: 'pass', ms }]);
const enter = owner.map((one): Step[] => [
  { owner: one, act: 'find' },
  { owner: one, act: 'take' },
]);
const one = fc.tuple(fc.record({ owner, act }));
const group = fc.oneof(
  { weight: 3, arbitrary: one },
  { weight: 2, arbitrary: enter },
  { weight: 1, arbitrary: pass },
);
const steps = fc.array(group, { minLength: 10, maxLength: 60 }).map((groups) => groups.flat() as Step[]);

/** Who owns the payment, in what state and until when, and whether it is known that its money was taken. */
interface Real {
  readonly owner: number;
  readonly state: Claim['state'];
  readonly leaseUntil: number;
  readonly receipt?: boolean;
}

/** One payment and several owners that each follow the rules with what they last saw, however old that is. */
function world() {
  const clock = manualClock(1_000_000);
  const claims = claimsIn({
    store: memoryStore(clock),
    clock,
    nonce: () => 'a nonce',
    report: () => undefined,
  });
  const subject = { key: 'k', binding: 'b', bearer: 'b', expiresAtMs: clock.now() + 3_600_000 };
  return {
    clock,
    claims,
    subject,
    held: new Map<number, Claim>(),
    seen: new Map<number, Claim | undefined>(),
    paid: 0,
  };
}

/** Does the step; gives the error's kind if it was refused. */
async function attempt(operation: Promise<unknown>): Promise<ErrorName | undefined> {
  try {
    await operation;
    return undefined;
  } catch (error) {
    if (!isAgentPayError(error)) throw error;
    return error.kind;
  }
}

it('a payment is paid at most once, and only by the one who last came to own it, whatever the order of steps', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const { clock, claims, subject, held, seen, ...rest } = world();
      let { paid } = rest;
      // The model: who owns the payment, in what state and until when.
      let real: Real | undefined;
      const left = new Map<number, { claim: Claim | undefined; real: Real | undefined }>();

      for (const todo of sequence) {
        if (todo.act === 'pass') {
          clock.advance(todo.ms);
          continue;
        }
        const mine = held.get(todo.owner);
        const owns = mine !== undefined && real?.owner === todo.owner && real.state === mine.state;
        switch (todo.act) {
          case 'find': {
            const live = real && real.state !== 'done' && real.leaseUntil > clock.now();
            const refused = await attempt(claims.find(subject).then((found) => seen.set(todo.owner, found)));
            expect(refused).toBe(live ? 'payment_in_progress' : undefined);
            if (!refused)
              expect(real ? [real.state] : [undefined, 'free']).toContain(seen.get(todo.owner)?.state);
            if (!refused && real?.receipt) expect(seen.get(todo.owner)?.receipt).toEqual(RECEIPT);
            break;
          }
          case 'take': {
            const after = seen.get(todo.owner);
            if (after && after.state !== 'running' && after.state !== 'free') break;
            const refused = await attempt(
              claims.take(subject, LEASE_MS, after).then((claim) => held.set(todo.owner, claim)),
            );
            if (refused) break;
            expect(real === undefined || (real.state === 'running' && real.leaseUntil <= clock.now())).toBe(
              true,
            );
            real = { owner: todo.owner, state: 'running', leaseUntil: clock.now() + LEASE_MS };
            break;
          }
          case 'settling': {
            if (mine?.state !== 'running') break;
            const refused = await attempt(
              claims
                .settling(mine, LEASE_MS, { answer: ANSWER })
                .then((claim) => held.set(todo.owner, claim)),
            );
            expect(refused).toBe(owns ? undefined : 'payment_in_progress');
            if (!refused) real = { owner: todo.owner, state: 'settling', leaseUntil: clock.now() + LEASE_MS };
            break;
          }
          case 'done': {
            if (mine?.state !== 'settling') break;
            const refused = await attempt(claims.done(mine, RECEIPT, mine.answer));
            expect(refused).toBe(owns ? undefined : 'payment_in_progress');
            held.delete(todo.owner);
            if (refused) break;
            paid++;
            real = { owner: todo.owner, state: 'done', leaseUntil: 0 };
            break;
          }
          case 'yieldLease': {
            if (mine?.state !== 'settling') break;
            const claim = await claims.yieldLease(mine);
            expect(claim !== undefined).toBe(owns);
            if (owns && real) real = { ...real, leaseUntil: clock.now() };
            left.set(todo.owner, { claim, real });
            held.delete(todo.owner);
            break;
          }
          case 'settled': {
            const then = left.get(todo.owner);
            if (!then?.claim) break;
            // Whoever has written since has the claim.
            const isOurs = real === then.real;
            expect(await claims.settled(then.claim, RECEIPT)).toBe(isOurs);
            if (isOurs && real) real = { ...real, leaseUntil: clock.now(), receipt: true };
            break;
          }
          case 'drop': {
            if (!mine) break;
            await claims.drop(mine);
            if (owns) real = undefined;
            held.delete(todo.owner);
            break;
          }
        }
      }
      expect(paid).toBeLessThanOrEqual(1);
      await expectKept(claims, subject, paid);
    }),
    { numRuns: 1000 },
  );
});

async function expectKept(
  claims: Claims,
  subject: Parameters<Claims['find']>[0],
  paid: number,
): Promise<void> {
  if (paid === 0) return;
  expect(await claims.find(subject)).toMatchObject({ state: 'done', answer: ANSWER, receipt: RECEIPT });
  expect(await attempt(claims.find({ ...subject, binding: 'other' }))).toBe('payment_bound_elsewhere');
}
