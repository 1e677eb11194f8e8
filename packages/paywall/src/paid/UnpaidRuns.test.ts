import { request, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { manualClock } from '@agentpay/primitives';
import type { Facilitator } from '@agentpay/protocol';
import { paywall, type PaywallOptions } from '../index.js';
import {
  DIALECTS,
  PAYER,
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  send,
  type Reply,
  type Seller,
} from '../seller.test.support.js';

describe.each(DIALECTS)('work that is not paid for in %s', (dialect) => {
  let seller: Seller;
  afterEach(() => seller?.close());

  async function open(options: Partial<PaywallOptions>, settle: 'after' | 'optimistic' = 'after') {
    const running: ServerResponse[] = [];
    const told: string[] = [];
    const wall = paywall({
      payTo: PAY_TO,
      facilitator: fakeFacilitator(),
      logger: false,
      onUnpaid: ({ reason }) => told.push(reason),
      ...options,
    });
    const charge = wall.charge({ price: '$0.01', settle });
    seller = await listen((req, res) => charge(req, res, () => void running.push(res)));
    return { wall, running, told };
  }

  /** Sends a proof and hangs up as soon as its handler runs, or is refused. */
  async function hangUp(headers: Record<string, string>, running: ServerResponse[]): Promise<number | 'ran'> {
    const before = running.length;
    const leaving = request({ host: '127.0.0.1', port: seller.port, path: '/', headers, agent: false });
    const answered = new Promise<number>((resolve) => {
      leaving
        .on('response', (response) => resolve(response.resume().statusCode ?? 0))
        .on('error', () => undefined);
    });
    leaving.end();
    for (;;) {
      const status = await Promise.race([
        answered,
        new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 2)),
      ]);
      if (status !== undefined) return status;
      const res = running[before];
      if (!res) continue;
      const closed = once(res, 'close');
      leaving.destroy();
      await closed;
      return 'ran';
    }
  }

  it('30 times the same proof, and hung up each time: five runs', async () => {
    const { running, told, wall } = await open({});
    const headers = pay(await send(seller, '/'), dialect);
    const ends: (number | 'ran')[] = [];
    for (let time = 0; time < 30; time++) ends.push(await hangUp(headers, running));
    expect([running.length, told.length]).toEqual([5, 5]);
    expect(new Set(told)).toEqual(new Set(['left']));
    expect(new Set(ends.slice(5))).toEqual(new Set([429]));
    expect(wall.metrics()).toContain('agentpay_paywall_unpaid_runs_total{route="*",reason="left"} 5');
  });

  it('a new proof each time: five runs for the payer, and more when the proofs have ended', async () => {
    const clock = manualClock(Date.now());
    const { running } = await open({ clock, maxUnpaidRuns: 2 });
    for (let time = 0; time < 5; time++) await hangUp(pay(await send(seller, '/'), dialect), running);
    expect(running).toHaveLength(2);
    clock.advance(301_000);
    const validBefore = String(Math.floor(clock.now() / 1000) + 300);
    const changes = dialect === 'mpp' ? {} : { validBefore };
    expect(await hangUp(pay(await send(seller, '/'), dialect, changes), running)).toBe('ran');
  });

  it('money for one, 20 proofs at once: one run at a time', async () => {
    const balance = '10000';
    const { running } = await open({
      facilitator: fakeFacilitator({ verify: async () => ({ isValid: true, payer: PAYER, balance }) }),
    });
    const proofs = [];
    for (let i = 0; i < 20; i++) proofs.push(pay(await send(seller, '/'), dialect));
    const refused: Reply[] = [];
    const replies = proofs.map(async (headers) => {
      const reply = await send(seller, '/', { headers });
      if (reply.status === 429) refused.push(reply);
      return reply;
    });
    while (refused.length < 19) await send(seller, '/');
    expect(refused[0]?.headers['retry-after']).toBe('1');
    running[0]?.end('goods');
    const statuses = (await Promise.all(replies)).map(({ status }) => status).sort();
    expect([running.length, statuses]).toEqual([1, [200, ...Array.from({ length: 19 }, () => 429)]]);
  });

  it.each(['after', 'optimistic'] as const)(
    'settle %s: a facilitator that tells no balance, and refuses to settle: no more runs than five',
    async (settle) => {
      const refuse: Facilitator = fakeFacilitator({
        verify: async () => ({ isValid: true, payer: PAYER }),
        settle: async () => ({
          success: false,
          errorReason: 'invalid_exact_evm_insufficient_balance',
          transaction: '',
          network: '',
        }),
      });
      const { running, wall } = await open({ facilitator: refuse }, settle);
      const proofs = [];
      for (let i = 0; i < 20; i++) proofs.push(pay(await send(seller, '/'), dialect));
      const replies = proofs.map((headers) => send(seller, '/', { headers }));
      while (running.length < 5) await send(seller, '/');
      for (const res of running) res.end('goods');
      await Promise.all(replies);
      await wall.idle();
      for (const headers of proofs) await send(seller, '/', { headers });
      expect(running).toHaveLength(5);
    },
  );

  it('what is paid for does not count', async () => {
    const { running } = await open({ maxUnpaidRuns: 1 });
    for (let sold = 0; sold < 5; sold++) {
      const reply = send(seller, '/', { headers: pay(await send(seller, '/'), dialect) });
      while (running.length === sold) await send(seller, '/');
      running[sold]?.end('goods');
      expect((await reply).status).toBe(200);
    }
  });
});
