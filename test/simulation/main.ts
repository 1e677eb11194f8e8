/**
 * `npm run simulate [-- --seeds 5000 --from 1]`: many random histories of the facilitator. `SEED=17 npm run simulate` plays one again.
 */
import { parseArgs } from 'node:util';
import { openDb } from './openDb.js';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '1' } },
});
const only = process.env['SEED'];
const first = Number(only ?? values.from);
const count = only === undefined ? Number(values.seeds) : 1;
const db = await openDb();
const began = performance.now();
const sum = { purchases: 0, settled: 0, transfers: 0, holds: 0, orders: 0 };
let broken = 0;
for (let seed = first; seed < first + count; seed++) {
  try {
    const history = await simulate(seed, db);
    for (const key of ['purchases', 'settled', 'transfers', 'holds', 'orders'] as const)
      sum[key] += history[key];
  } catch (error) {
    broken += 1;
    console.error((error as Error).message);
  }
}
await db.close();
const seconds = ((performance.now() - began) / 1000).toFixed(0);
console.log(`${count} seeds from ${first} in ${seconds} s: ${JSON.stringify(sum)}, ${broken} broken`);
process.exitCode = broken > 0 ? 1 : 0;
