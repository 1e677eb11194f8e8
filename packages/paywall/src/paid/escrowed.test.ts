import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { memoryStore } from '@agentpay/primitives';
import { privateKeySigner, x402v2 } from '@agentpay/protocol';
import { paywall, type Paywall, type PaywallOptions } from '../index.js';
import { acceptsIn, hasty, listen, PAY_TO, send, shiftedClock, type Seller } from '../seller.test.support.js';
import { away, unknown } from './charge.test.support.js';
import { fakeEscrow, payByHold, type FakeEscrow } from './escrowed.test.support.js';

const holdKey = `0x${'77'.repeat(32)}`;
const sellers: Seller[] = [];
afterEach(async () => void (await Promise.all(sellers.splice(0).map((seller) => seller.close()))));

type Handler = (context: { req: IncomingMessage; res: ServerResponse; pay: Paywall }) => unknown;

async function open(facilitator: FakeEscrow, handler?: Handler, options: Partial<PaywallOptions> = {}) {
  const reports: string[] = [];
  const pay = paywall({
    logger: false,
    payTo: PAY_TO,
    facilitator,
    holdKey,
    clock: hasty,
    onError: ({ what }) => void reports.push(what),
    ...options,
  });
  const charge = pay.charge('$0.01', { hold: true });
  const served = { count: 0 };
  const seller = await listen((req, res) => {
    charge(req, res, () => {
      served.count++;
      return handler ? handler({ req, res, pay }) : res.end(`answer ${served.count}`);
    });
  });
  sellers.push(seller);
  return { seller, pay, served, reports };
}

const only = ({ holds }: FakeEscrow) => [...holds.values()][0];

describe('a price that is held first', () => {
  it('is offered in x402 v2 alone, with its flow, its mode, its authorizer and its deadlines', async () => {
    const { seller } = await open(fakeEscrow());
    const offer = await send(seller, '/');
    const [accepted, ...others] = acceptsIn(offer);
    expect([others, offer.json().accepts, offer.headers['www-authenticate']]).toEqual([
      [],
      undefined,
      undefined,
    ]);
    expect(accepted).toMatchObject({ scheme: 'auth-capture', amount: '10000', payTo: PAY_TO });
    const extra = accepted?.extra as Record<string, number>;
    expect(extra).toMatchObject({
      paymentFlow: 'escrow',
      captureMode: 'sync',
      receiverAuthorizer: privateKeySigner(holdKey).address,
      minFeeBps: 0,
      maxFeeBps: 0,
    });
    expect(extra['captureDeadline']).toBeGreaterThan(Date.now() / 1000 + 3_600);
    expect(extra['refundDeadline']).toBeGreaterThan(extra['captureDeadline'] as number);
  });

  it.each([
    ['all of it when the handler says nothing', undefined, 10_000n],
    ['what the handler says', '$0.004', 4_000n],
    ['no more than was held', '$5', 10_000n],
  ])('is captured: %s', async (_, used, due) => {
    const escrow = fakeEscrow();
    const { seller } = await open(escrow, ({ req, res, pay }) => {
      expect(only(escrow)).toMatchObject({ captured: 0n });
      if (used !== undefined) pay.used(req, used);
      res.end('here');
    });
    const headers = payByHold(await send(seller, '/'));
    const reply = await send(seller, '/', { headers });
    expect([reply.status, reply.text]).toEqual([200, 'here']);
    const receipt = x402v2.decodeSettleResponse(reply.headers['payment-response'] as string);
    expect(receipt).toMatchObject({ success: true, amount: due.toString() });
    expect(only(escrow)).toMatchObject({ captured: due, returned: 10_000n - due });
    const again = await send(seller, '/', { headers });
    expect([again.status, again.text, escrow.asked]).toEqual([200, 'here', ['authorize', 'capture']]);
  });

  it.each<[string, Handler, number]>([
    ['fails', ({ res }) => (res.writeHead(500), res.end('no')), 500],
    ['throws', () => Promise.reject(new Error('no')), 500],
    ['says that nothing was used', ({ req, res, pay }) => (pay.used(req, '$0'), res.end('free')), 200],
  ])('is given back when the handler %s', async (_, handler, status) => {
    const escrow = fakeEscrow();
    const { seller, pay } = await open(escrow, handler);
    const headers = payByHold(await send(seller, '/'));
    expect((await send(seller, '/', { headers })).status).toBe(status);
    await pay.idle();
    expect(only(escrow)).toMatchObject({ captured: 0n, returned: 10_000n });
    const again = await send(seller, '/', { headers });
    expect([again.status, escrow.asked]).toEqual([409, ['authorize', 'void']]);
  });

  it('is given back when the client leaves', async () => {
    const escrow = fakeEscrow();
    let entered: (res: ServerResponse) => void = () => undefined;
    const running = new Promise<ServerResponse>((resolve) => (entered = resolve));
    const { seller, pay } = await open(escrow, ({ res }) => entered(res));
    const headers = payByHold(await send(seller, '/'));
    const leaving = request({ host: '127.0.0.1', port: seller.port, headers, agent: false });
    leaving.on('error', () => undefined).end();
    const res = await running;
    const left = new Promise((resolve) => res.once('close', resolve));
    leaving.destroy();
    await left;
    while (!escrow.asked.includes('void')) await new Promise((resolve) => setImmediate(resolve));
    await pay.idle();
    expect(only(escrow)).toMatchObject({ captured: 0n, returned: 10_000n });
  });

  it('is reported, with the day of the reclaim, when it cannot be given back', async () => {
    const escrow = fakeEscrow({
      before(step) {
        if (step === 'void') throw away();
      },
    });
    const { seller, pay, reports } = await open(escrow, ({ res }) => (res.writeHead(500), res.end()));
    await send(seller, '/', { headers: payByHold(await send(seller, '/')) });
    await pay.idle();
    expect(reports.at(-1)).toMatch(/^a hold could not be given back; its payer may reclaim it from \d{4}-/);
  });
});

describe('what is not known is no failure', () => {
  it.each(['authorize', 'capture'] as const)(
    'of a %s: the same proof goes on, and pays once',
    async (unsure) => {
      let lost = true;
      const escrow = fakeEscrow({
        after(step) {
          if (step === unsure && lost) throw unknown();
        },
      });
      const { seller, served } = await open(escrow);
      const headers = payByHold(await send(seller, '/'));
      const first = await send(seller, '/', { headers });
      expect([first.status, first.json().code]).toEqual([503, 'settlement_unknown']);
      lost = false;
      const second = await send(seller, '/', { headers });
      expect([second.status, second.text, served.count]).toEqual([200, 'answer 1', 1]);
      expect(only(escrow)).toMatchObject({ captured: 10_000n, returned: 0n });
      expect(escrow.asked).not.toContain('void');
    },
  );

  it('of a capture that answers late is neither: only a proof that it was overtaken refuses the response', async () => {
    const escrow = fakeEscrow({
      before(step) {
        const hold = only(escrow);
        if (step === 'capture' && hold) hold.returned = hold.amount;
      },
    });
    const { seller } = await open(escrow);
    const reply = await send(seller, '/', { headers: payByHold(await send(seller, '/')) });
    expect([reply.status, reply.text.includes('answer')]).toEqual([402, false]);
  });
});

describe('a seller that dies', () => {
  /** Dies at the step, and another one over the same store is sent the same proof when the lease is over. */
  async function killedAt(step: 'handler' | 'capture') {
    const clock = shiftedClock();
    const store = memoryStore(clock);
    const escrow = fakeEscrow();
    let isDead = false;
    let told: () => void = () => undefined;
    const death = new Promise<void>((resolve) => (told = resolve));
    const dead = () => {
      isDead = true;
      told();
    };
    const never = new Promise<never>(() => undefined);
    const dying: FakeEscrow = {
      ...escrow,
      async settle(asked) {
        if (isDead) return never;
        const response = await escrow.settle(asked);
        if (step !== 'capture' || escrow.asked.at(-1) !== 'capture') return response;
        dead();
        return never;
      },
    };
    const first = await open(dying, step === 'handler' ? () => dead() : undefined, { clock, store });
    const second = await open(escrow, undefined, { clock, store });
    const headers = payByHold(await send(first.seller, '/'), 2_000);
    void send(first.seller, '/', { headers }).catch(() => undefined);
    await death;
    const early = await send(second.seller, '/', { headers });
    clock.offset += 400_000;
    const reply = await send(second.seller, '/', { headers });
    return { early, reply, escrow, served: [first.served.count, second.served.count] };
  }

  it('between the hold and its capture: the next one asks for the same hold, serves and captures once', async () => {
    const { early, reply, escrow, served } = await killedAt('handler');
    expect([early.status, reply.status, reply.text, served]).toEqual([409, 200, 'answer 1', [1, 1]]);
    expect(escrow.asked).toEqual(['authorize', 'authorize', 'capture']);
    expect(only(escrow)).toMatchObject({ captured: 10_000n, returned: 0n });
  });

  it('after the capture: the stored response, captured once, no second run', async () => {
    const { early, reply, escrow, served } = await killedAt('capture');
    expect([early.status, reply.status, reply.text, served]).toEqual([409, 200, 'answer 1', [1, 0]]);
    expect(escrow.asked).toEqual(['authorize', 'capture', 'capture']);
    expect(only(escrow)).toMatchObject({ captured: 10_000n });
  });
});

it.each([
  [{ upto: '$1', hold: true }, /a hold needs a price/],
  [{ price: '$1', hold: true, settle: 'before' }, /leave settle out/],
  [{ price: '$1', hold: true, service: 'svc_1' }, /no holds/],
] as const)('a hold that contradicts itself is refused at start: %j', (price, message) => {
  expect(() => paywall({ logger: false, payTo: PAY_TO, facilitator: fakeEscrow(), price })).toThrow(message);
});
