import type { Db } from '@agentpay/primitives';
import request from 'supertest';
import { gasPayer, openDb, pendingIn, signedRequest } from '../engine/payment.fixture.js';
import { METRICS_TOKEN, openService, type ServiceBed } from './service.fixture.js';

/** The figures of an exposition, by name with labels. */
function figuresOf(text: string): Map<string, number> {
  const figures = new Map<string, number>();
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, name = '', value = ''] = /^([a-z_]+(?:\{(?:[a-z_]+="[^"]*",?)*\})?) (\S+)$/.exec(line) ?? [];
    if (name === '' || Number.isNaN(Number(value))) throw new Error(`not an exposition: ${line}`);
    figures.set(name, Number(value));
  }
  return figures;
}

describe('health', () => {
  let db: Db;
  let bed: ServiceBed;
  beforeAll(async () => void (db = await openDb()));
  afterAll(() => db.close());
  // No repair meanwhile: it may prove a payment before its receipt is seen, and then its gas is not counted.
  beforeEach(async () => void (bed = await openService(db, { repairEveryMs: 60_000 })));
  afterEach(() => bed.close());

  const settlePending = (payment: object) => pendingIn(bed, request(bed.app).post('/settle').send(payment));
  const ready = () => request(bed.app).get('/readyz');
  const post = async (path: string, options?: Parameters<typeof signedRequest>[0]) =>
    request(bed.app)
      .post(path)
      .send(await signedRequest(options));
  const metrics = async () => {
    const { text, headers } = await request(bed.app)
      .get('/metrics')
      .set('authorization', `Bearer ${METRICS_TOKEN}`)
      .expect(200);
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    return figuresOf(text);
  };

  it('is good when every part is', async () => {
    const { body } = await ready().expect(200);
    expect(body).toEqual({
      status: 'ok',
      checks: { database: 'ok', chain: 'ok', signers: 'ok', fees: 'ok', queue: 'ok' },
    });
  });

  it('names the part that is not, and answers that it lives', async () => {
    bed.chain.fault({ on: 'chainId', kind: 'unreachable' }, Infinity);
    const { body } = await ready().expect(503);
    expect(body).toMatchObject({
      status: 'unavailable',
      code: 'unavailable',
      checks: { database: 'ok', chain: 'does not respond' },
    });
    expect((await request(bed.app).get('/healthz')).status).toBe(200);
  });

  it('is not good with a settlement that waits too long', async () => {
    const pending = await settlePending(await signedRequest());
    expect(pending.body.errorReason).toBe('settlement_pending');
    await db.query(`update facilitator_settlements set updated_at = updated_at - interval '200 seconds'`);
    const { body } = await ready().expect(503);
    const queue = expect.stringMatching(/^the oldest settlement has waited for 2\d\d seconds$/);
    expect(body.checks).toMatchObject({ database: 'ok', queue });
    expect((await metrics()).get('agentpay_facilitator_queue_oldest_seconds')).toBeGreaterThan(199);
  });

  it('is not good while gas costs more than may be paid', async () => {
    const costly = {
      ...bed.chain,
      fees: async () => ({ maxFeePerGas: 3_500_000_000n, maxPriorityFeePerGas: 1n }),
    };
    const dear = await openService(db, { chain: costly });
    const { body } = await request(dear.app).get('/readyz').expect(503);
    expect(body.checks).toMatchObject({ signers: 'ok', fees: 'gas costs 3.5 gwei, and 3 may be paid' });
    await dear.close();
  });

  it('is over when the process is told to end', async () => {
    bed.readiness.drain();
    expect((await ready()).status).toBe(503);
  });

  it('counts answers, batches, gas, queue, balances and calls of the node', async () => {
    await settlePending(await signedRequest());
    const before = await metrics();
    expect(before.get('agentpay_facilitator_queue_settlements{state="sent"}')).toBe(1);
    expect(
      before.get('agentpay_facilitator_responses_total{operation="settle",result="settlement_pending"}'),
    ).toBe(1);
    bed.mine();
    await post('/verify');
    await post('/verify', { signature: `0x${'11'.repeat(64)}1b` });
    await request(bed.app).post('/verify').send({});
    expect((await post('/settle')).body.success).toBe(true);
    const after = await metrics();
    expect([...after].filter(([name]) => name.startsWith('agentpay_facilitator_responses_total'))).toEqual([
      ['agentpay_facilitator_responses_total{operation="settle",result="settlement_pending"}', 1],
      ['agentpay_facilitator_responses_total{operation="verify",result="valid"}', 1],
      ['agentpay_facilitator_responses_total{operation="verify",result="invalid_exact_evm_signature"}', 1],
      ['agentpay_facilitator_responses_total{operation="verify",result="payment_malformed"}', 1],
      ['agentpay_facilitator_responses_total{operation="settle",result="settled"}', 1],
    ]);
    expect(after.get('agentpay_facilitator_response_seconds_count{operation="verify"}')).toBe(3);
    const carried = after.get('agentpay_facilitator_batch_payments_sum');
    expect([carried, after.get('agentpay_facilitator_transactions_total{result="success"}')]).toEqual([2, 2]);
    expect(after.get('agentpay_facilitator_payment_gas_sum')).toBeGreaterThan(2 * 21_000);
    expect(after.get(`agentpay_facilitator_signer_balance_ether{signer="${gasPayer.address}"}`)).toBe(1);
    expect(after.get('agentpay_facilitator_fee_gwei')).toBe(2);
    expect(after.get('agentpay_facilitator_node_calls_total{method="read",result="ok"}')).toBeGreaterThan(1);
  });

  it('shows its figures to nobody without the token', async () => {
    const wrong = [undefined, 'Bearer x', `Bearer ${METRICS_TOKEN}x`, `Basic ${METRICS_TOKEN}`];
    for (const header of wrong) {
      const call = request(bed.app).get('/metrics');
      const { status, text } = await (header === undefined ? call : call.set('authorization', header));
      expect(status).toBe(401);
      expect(text).not.toContain('agentpay_facilitator');
    }
  });

  it('leaves figures out that cannot be had, and gives the others', async () => {
    bed.chain.fault({ on: 'balance', kind: 'unreachable' }, Infinity);
    const figures = await metrics();
    expect([...figures.keys()].filter((name) => name.includes('balance'))).toEqual([]);
    expect(figures.get('agentpay_facilitator_queue_oldest_seconds')).toBe(0);
  });
});
