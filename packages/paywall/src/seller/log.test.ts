import { paywall, type PaywallOptions } from '../index.js';
import { fakeFacilitator, listen, pay, PAY_TO, PAYER, send, type Seller } from '../seller.test.support.js';
import { readConfig } from './PaywallConfig.js';
import { headerLists } from '../rails/RailHeaders.js';

const payTo = PAY_TO;
const written: string[] = [];
const { error } = console;
const sellers: Seller[] = [];

beforeEach(() => {
  console.error = (text: string) => void written.push(text);
});
afterEach(async () => {
  console.error = error;
  written.splice(0);
  await Promise.all(sellers.splice(0).map((seller) => seller.close()));
});

const kinds = [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }];

/** A facilitator that others reach by HTTP; undefined: one that settles nothing here. */
async function facilitatorAt(network = 'eip155:84532') {
  const seller = await listen((req, res) => {
    req.resume();
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ kinds: kinds.map((kind) => ({ ...kind, network })) }));
  });
  sellers.push(seller);
  return seller.url;
}

async function shop(options: Partial<PaywallOptions>) {
  const wall = paywall({ payTo, facilitator: fakeFacilitator(), ...options });
  const seller = await listen((req, res) => wall(req, res, () => res.end('sold')));
  sellers.push(seller);
  return { wall, seller };
}

const lines = () => written.join('\n').split('\n').filter(Boolean);

/** Resolves once so many lines are there; the limit of the test ends the wait. */
async function waitFor(count: number): Promise<string[]> {
  while (lines().length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  return lines();
}

async function buy(seller: Seller, target: string): Promise<void> {
  const reply = await send(seller, target, { headers: pay(await send(seller, target), 'x402v2') });
  expect([reply.status, reply.text]).toEqual([200, 'sold']);
}

describe('without any logger', () => {
  it('one line says at start what is sold at which price, to whom, on which network and by whose settling', async () => {
    const facilitator = await facilitatorAt();
    const routes = { 'GET /weather': '$0.01', '/items/:id': '$0.025', '/health': 'free' };
    const wall = paywall({ payTo, facilitator, routes });
    wall.charge({ upto: '$0.10', description: 'A text' });
    wall.charge(() => '$1');
    const [line, ...more] = await waitFor(1);
    expect(line).toBe(
      `paywall: selling GET /weather at $0.01, /items/:id at $0.025, "A text" at up to $0.10, ` +
        `charge() at a price that depends on the request; paid to ${PAY_TO} on Base Sepolia, settled by ${facilitator}`,
    );
    expect(more).toEqual([]);
  });

  it('faults of the facilitator follow it, a line each', async () => {
    const facilitator = await facilitatorAt('eip155:8453');
    paywall({ payTo, facilitator, price: '$0.01' });
    const [line, fault] = await waitFor(2);
    expect(line).toMatch(/^paywall: selling everything at \$0\.01; paid to 0x/);
    expect(fault).toMatch(/does not settle on eip155:84532/);
  });

  it('each way to be paid is named once, and those that no route has are not', async () => {
    const facilitator = fakeFacilitator();
    paywall({ payTo, facilitator, routes: { '/a': { price: '$1', accepts: [{ network: 'base' }] } } });
    expect((await waitFor(1))[0]).toMatch(
      /paid to 0x\w+ on Base, settled by the facilitator in this process$/,
    );
  });

  it('a paywall that sells nothing says nothing', async () => {
    paywall({ payTo, facilitator: fakeFacilitator() });
    await shop({ routes: { '/a': '$0.01' } });
    expect((await waitFor(1))[0]).toMatch(/^paywall: selling \/a at/);
    expect(lines()).toHaveLength(1);
  });

  it('one line tells of each payment, and none of what was not paid', async () => {
    const { seller } = await shop({ routes: { '/a': '$0.01' } });
    await waitFor(1);
    await send(seller, '/a', { headers: { 'x-payment': '!' } });
    await buy(seller, '/a?secret=1');
    const [, line, ...more] = await waitFor(2);
    expect(line).toMatch(
      new RegExp(`^paywall: paid \\$0\\.01 for /a by eip155:84532:${PAYER} \\(req_\\w+\\)$`, 'i'),
    );
    await buy(seller, '/a');
    expect(more).toEqual([]);
    expect((await waitFor(3)).length).toBe(3);
  });

  it('where no pattern is known the line names method and path, without the query', async () => {
    const { seller } = await shop({ price: '$0.01' });
    await buy(seller, `/${'long'.repeat(100)}?secret=1`);
    const line = (await waitFor(2)).find((text) => text.includes('paid $')) as string;
    expect(line).toMatch(/ for GET \/(long)+\S* by /);
    expect(line).not.toContain('secret');
    expect(line.length).toBeLessThan(400);
  });
});

it('a logger has the same lines as fields and text, and what it throws is reported', async () => {
  const told: [object, string][] = [];
  const faults: string[] = [];
  const logger = {
    error: (_: object, what: string) => void faults.push(what),
    info(...line: [object, string]) {
      told.push(line);
      throw new Error('full');
    },
  };
  const { seller } = await shop({ logger, routes: { '/a': '$0.01' } });
  await buy(seller, '/a?x=1');
  while (told.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const paid = { payTo: PAY_TO, network: 'Base Sepolia', facilitator: 'the facilitator in this process' };
  expect(told).toEqual(
    expect.arrayContaining([
      [
        { sells: [{ route: '/a', price: '$0.01' }], paid: [paid] },
        expect.stringMatching(/^selling \/a at \$0\.01; paid to/),
      ],
      [
        expect.objectContaining({
          route: '/a',
          target: '/a?x=1',
          amount: '0.01',
          requestId: expect.any(String),
        }),
        expect.stringMatching(/^paid \$0\.01 for \/a/),
      ],
    ]),
  );
  expect(faults).toEqual(['a hook failed', 'a hook failed']);
  expect(lines()).toEqual([]);
});

it('with logger: false there is no log, and faults go to onError alone', async () => {
  const faults: string[] = [];
  const onError: PaywallOptions['onError'] = ({ what }) => void faults.push(what);
  const facilitator = await facilitatorAt('eip155:8453');
  paywall({ payTo, facilitator, price: '$0.01', logger: false, onError });
  paywall({ payTo, facilitator, price: '$0.01', logger: false });
  const { seller } = await shop({ routes: { '/a': '$0.01' }, logger: false });
  await buy(seller, '/a');
  while (faults.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  // Whatever was written by now would be there: another paywall writes after them.
  await shop({ routes: { '/b': '$0.01' } });
  expect(await waitFor(1)).toEqual([expect.stringContaining('selling /b')]);
});

it('the hooks that are kept are hooks: no secret among the options goes along', () => {
  const holdKey = `0x${'11'.repeat(32)}`;
  const secret = 's'.repeat(32);
  const onVerified = () => undefined;
  const options = { payTo, facilitator: fakeFacilitator(), holdKey, mppSecret: secret, onVerified };
  const config = readConfig(options, () => headerLists([], 'Authorization'));
  expect(config.hooks.onVerified).toBe(onVerified);
  expect(Object.keys(config.hooks).sort()).toEqual([
    'onChallenge',
    'onRefused',
    'onSettled',
    'onUnpaid',
    'onVerified',
  ]);
});
