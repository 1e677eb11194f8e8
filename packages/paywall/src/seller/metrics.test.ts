import { paywall, type PaywallOptions } from '../index.js';
import {
  NETWORK,
  PAY_TO,
  fakeFacilitator,
  hasty,
  listen,
  pay,
  send,
  type Seller,
} from '../seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

async function open(options: Partial<PaywallOptions>) {
  const wall = paywall({
    payTo: PAY_TO,
    facilitator: fakeFacilitator(),
    clock: hasty,
    logger: false,
    ...options,
  });
  seller = await listen((req, res) => wall(req, res, () => res.end('sold')));
  return wall;
}

const samples = (text: string) => text.split('\n').filter((line) => line && !line.startsWith('#'));
const buy = async (target: string) =>
  send(seller, target, { headers: pay(await send(seller, target), 'x402v2') });

describe('metrics', () => {
  it('count by route what happened', async () => {
    const wall = await open({ routes: { 'GET /a/:id': '$0.01', '/b': '$0.0025' } });
    for (const target of ['/a/1', '/a/2', '/b']) expect((await buy(target)).status).toBe(200);
    await send(seller, '/b', { headers: { 'x-payment': '!' } });
    expect(samples(wall.metrics())).toEqual([
      'agentpay_paywall_challenges_total{route="GET /a/:id"} 2',
      'agentpay_paywall_challenges_total{route="/b"} 1',
      'agentpay_paywall_verified_total{route="GET /a/:id"} 2',
      'agentpay_paywall_verified_total{route="/b"} 1',
      'agentpay_paywall_settled_total{route="GET /a/:id"} 2',
      'agentpay_paywall_settled_total{route="/b"} 1',
      'agentpay_paywall_refused_total{route="/b",reason="payment_malformed"} 1',
      'agentpay_paywall_earned_dollars_total{route="GET /a/:id"} 0.02',
      'agentpay_paywall_earned_dollars_total{route="/b"} 0.0025',
    ]);
  });

  it('count answers that went out and were not paid for', async () => {
    const refusal = {
      success: false,
      errorReason: 'insufficient_funds',
      transaction: '',
      network: NETWORK.id,
    };
    const facilitator = fakeFacilitator({ settle: async () => refusal });
    const wall = await open({ facilitator, routes: { '/a': { price: '$0.01', settle: 'optimistic' } } });
    expect((await buy('/a')).text).toBe('sold');
    await wall.idle();
    const lines = samples(wall.metrics());
    expect(lines).toContain('agentpay_paywall_unsettled_total{route="/a"} 1');
    expect(lines).toContain('agentpay_paywall_refused_total{route="/a",reason="insufficient_funds"} 1');
    expect(lines.filter((line) => line.includes('settled_total') && !line.includes('unsettled'))).toEqual([]);
  });

  it('describe every family before its samples, and break out of no label', async () => {
    const wall = await open({ routes: { '/a"\\b/:id': '$0.01' } });
    expect((await send(seller, '/a"%5Cb/1')).status).toBe(402);
    const text = wall.metrics();
    expect(text).toContain('agentpay_paywall_challenges_total{route="/a\\"\\\\b/:id"} 1\n');
    const description = /^# (?:HELP|TYPE) agentpay_paywall_\w+_total .+$/;
    const sample = /^agentpay_paywall_\w+_total\{route="(?:[^"\\]|\\.)*"\} [\d.]+$/;
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(line.startsWith('#') ? description : sample);
  });

  it('do not grow with the reasons that facilitators make up', async () => {
    let calls = 0;
    const facilitator = fakeFacilitator({
      verify: async () => ({ isValid: false, invalidReason: `made_up_${++calls}` }),
    });
    const wall = await open({ facilitator, routes: { '/a': '$0.01' } });
    for (let i = 0; i < 130; i++) await buy('/a');
    const refused = samples(wall.metrics()).filter((line) => line.includes('refused_total'));
    expect(refused).toHaveLength(101);
    expect(refused).toContain('agentpay_paywall_refused_total{route="/a",reason="other"} 30');
  });
});
