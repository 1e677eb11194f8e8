import fc from 'fast-check';
import { createBudget, type Reservation } from './Budget.js';

const usdc = { network: 'eip155:84532', asset: '0xAb' };
const usd = { network: 'agentpay', asset: 'USD' };

const exceeded = (reason: string) => expect.objectContaining({ kind: 'budget_exceeded', reason });

describe('a budget', () => {
  it('takes amounts up to its limits exactly, whatever the asset', () => {
    const budget = createBudget({ perRequest: 60n, total: 100n });
    expect(() => budget.reserve({ ...usdc, amount: 61n })).toThrow(exceeded('per_request'));
    budget.reserve({ ...usdc, amount: 60n });
    expect(() => budget.reserve({ ...usd, amount: 41n })).toThrow(exceeded('total'));
    budget.reserve({ ...usd, amount: 40n });
    expect(() => budget.reserve({ ...usd, amount: 1n })).toThrow(exceeded('total'));
  });

  it('counts the past whatever the limits, and then gives nothing', () => {
    const budget = createBudget({ perRequest: 60n, total: 100n });
    budget.restore({ ...usdc, amount: 500n });
    expect(() => budget.reserve({ ...usdc, amount: 1n })).toThrow(exceeded('total'));
  });

  it('counts one asset once, in whatever letter case it is written', () => {
    const budget = createBudget({ perRequest: 60n, total: 100n });
    budget.reserve({ ...usdc, amount: 1n });
    budget.reserve({ ...usdc, asset: '0xaB', amount: 2n });
    expect(budget.spent()).toEqual([{ ...usdc, signed: 3n, confirmed: 0n, reserved: 3n }]);
  });

  it('never gives back what was confirmed, nor anything twice', () => {
    const budget = createBudget({ perRequest: 60n, total: 100n });
    const [first, second] = [
      budget.reserve({ ...usdc, amount: 10n }),
      budget.reserve({ ...usdc, amount: 20n }),
    ];
    first.confirm();
    first.release();
    second.release();
    second.release();
    second.confirm();
    expect(budget.spent()).toEqual([{ ...usdc, signed: 10n, confirmed: 10n, reserved: 0n }]);
  });

  it('is never passed, by any order of steps', () => {
    const step = fc.record({
      what: fc.constantFrom('reserve', 'confirm', 'release'),
      amount: fc.bigInt(1n, 50n),
      which: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budget = createBudget({ perRequest: 40n, total: 100n });
        const reservations: Reservation[] = [];
        for (const { what, amount, which } of steps) {
          try {
            if (what === 'reserve') reservations.push(budget.reserve({ ...usdc, amount }));
            else reservations[which % Math.max(reservations.length, 1)]?.[what as 'confirm' | 'release']();
          } catch (error) {
            expect(error).toMatchObject({ kind: 'budget_exceeded' });
          }
          const [spent] = budget.spent();
          if (!spent) continue;
          expect(spent.signed).toBeLessThanOrEqual(100n);
          expect(spent.reserved).toBeGreaterThanOrEqual(0n);
          expect(spent.confirmed + spent.reserved).toBe(spent.signed);
        }
      }),
      { numRuns: 200 },
    );
  });
});
