import fc from 'fast-check';
import { newestMap } from './newestMap.js';

test('keeps the value that was set last of each key, the newest half always, and never more than the limit', () => {
  const key = fc.integer({ min: 0, max: 30 });
  const step = fc.oneof(
    fc.record({ key, value: fc.integer() }),
    fc.record({ key, value: fc.constant(undefined) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.array(step, { maxLength: 200 }), (limit, steps) => {
      const map = newestMap<number, number>(limit);
      // In the order of their setting; undefined: deleted since.
      const model = new Map<number, number | undefined>();
      for (const { key: at, value } of steps) {
        if (value === undefined) {
          map.delete(at);
          if (model.has(at)) model.set(at, undefined);
        } else {
          map.set(at, value);
          model.delete(at);
          model.set(at, value);
        }
        const held = [...model.keys()].filter((each) => map.get(each) !== undefined);
        expect(held.map((each) => map.get(each))).toEqual(held.map((each) => model.get(each)));
        expect(held.length).toBeLessThanOrEqual(limit);
        const newest = [...model].slice(-Math.floor(limit / 2)).filter(([, kept]) => kept !== undefined);
        expect(newest.filter(([each]) => !held.includes(each))).toEqual([]);
      }
    }),
  );
});
