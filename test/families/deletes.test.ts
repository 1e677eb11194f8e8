import { callables, named } from './calls.js';
import { newWorld, send, type World } from './world.js';

/** Whoever lost the response to a deletion asks again, and learns what they would have learned. */
let world: World;

beforeAll(async () => {
  world = await newWorld();
});

afterAll(() => world.api.close());

const deletions = callables.filter(({ endpoint }) => endpoint.method === 'DELETE');

it('is tried for every family that deletes', () => {
  const families = new Set(deletions.map(({ endpoint }) => endpoint.id.split('.')[0]));
  expect([deletions.length > 10, families.size > 2]).toEqual([true, true]);
});

describe.each(named(deletions))('%s', (_id, { endpoint, call }) => {
  it('answers the same when it is repeated', async () => {
    const { shared: _, ...sent } = await call(world);
    const first = await send(world, endpoint, sent);
    expect([first.status, first.body]).toEqual([endpoint.status, first.body]);
    const again = await send(world, endpoint, sent);
    expect([again.status, again.body]).toEqual([first.status, first.body]);
  });
});
