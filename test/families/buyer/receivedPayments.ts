import { signedIn, type Browser } from '../signedIn.js';
import type { TestApi } from '../testApi.js';

interface Bed {
  readonly api: TestApi;
  /** Whose agents are paid. */
  readonly owner: Browser;
}

/** What owners see of payments between their agents, give back and dispute. */
export function receivedPayments(bed: () => Bed): void {
  let api: TestApi;
  let owner: Browser;
  beforeAll(() => ({ api, owner } = bed()));

  describe('a payment that an agent received', () => {
    async function written(path: string, body: object = {}, who = owner) {
      const response = await api.http.post(path).set(who.writes).send(body);
      return { status: response.status, body: response.body as Record<string, unknown> };
    }

    /** Agents of two owners, one of which has paid the other 2.00. */
    async function paidBetween() {
      const payer = await signedIn(api, 'payer');
      const [from, to] = await Promise.all(
        [payer, owner].map(async (who) => {
          const { body } = await written('/v1/agents', { name: 'Agent' }, who);
          return body as Record<'id' | 'api_key' | 'wallet_id', string>;
        }),
      );
      const auth = { authorization: `Bearer ${from?.api_key}` };
      const funds = { amount: 5, source: 'test_faucet' };
      await api.http.post(`/v1/wallets/${from?.wallet_id}/fund`).set(auth).send(funds).expect(200);
      const order = { from_wallet_id: from?.wallet_id, to_wallet_id: to?.wallet_id, amount: 2 };
      const { body: payment } = await api.http.post('/v1/payments').set(auth).send(order).expect(201);
      const left = async () =>
        Number(
          (await api.http.get(`/v1/wallets/${from?.wallet_id}/balance`).set(auth).expect(200)).body.balance,
        );
      const pathBy = (agent: string | undefined, verb = 'refund') =>
        `/api/agents/${agent}/transactions/${String(payment.id)}/${verb}`;
      const [byPayer, byPayee] = [pathBy(from?.id), pathBy(to?.id)];
      return { payer, byPayer, byPayee, left, disputeBy: pathBy(from?.id, 'dispute'), auth };
    }

    it('is given back by the owner of that agent, in parts, each once', async () => {
      const { byPayee, left } = await paidBetween();
      const before = await left();
      const part = { amount: '0.50', reason: 'Too late', idempotency_key: byPayee };
      const [first, again] = [await written(byPayee, part), await written(byPayee, part)];
      expect(first).toMatchObject({ status: 200, body: { role: 'payee', status: 'completed' } });
      expect(first.body['refunded']).toBe('0.50');
      expect(again).toEqual(first);
      expect(await left()).toBe(before + 0.5);
      expect(await written(byPayee, { amount: '1.51' })).toMatchObject({
        status: 400,
        body: { error: { param: 'amount' } },
      });
      const rest = await written(byPayee);
      expect(rest.body).toMatchObject({ status: 'refunded', refunded: '2.00' });
      const entries = rest.body['ledger'] as { kind: string }[];
      expect(entries.filter(({ kind }) => kind === 'payment.refund')).toHaveLength(2);
      expect(await left()).toBe(before + 2);
    });

    it('is given back by nobody else, and not by a page of another site', async () => {
      const { payer, byPayer, byPayee, left } = await paidBetween();
      const before = await left();
      expect((await written(byPayer, {}, payer)).status).toBe(403);
      const strangers = await signedIn(api, 'stranger');
      for (const [path, who] of [
        [byPayee, payer],
        [byPayee, strangers],
        [byPayer, owner],
      ] as const)
        expect((await written(path, {}, who)).status).toBe(404);
      const forged = await api.http
        .post(byPayee)
        .set({ cookie: owner.cookie, origin: 'http://api.test' })
        .send({});
      expect([forged.status, forged.body.error?.reason]).toEqual([403, 'csrf_token_missing']);
      await api.http.post(byPayee).send({}).expect(401);
      expect(await left()).toBe(before);
    });

    it('is disputed by the owner of the agent that paid, once, as if that agent had', async () => {
      const { payer, byPayee, disputeBy, auth } = await paidBetween();
      const said = { reason: 'service_not_delivered', description: 'Nothing came.\nTwice.' };
      const keyed = { ...said, idempotency_key: disputeBy };
      const [first, again] = [await written(disputeBy, keyed, payer), await written(disputeBy, keyed, payer)];
      const dispute = { status: 'open', openedBy: 'payer', ...said, note: null, resolvedAt: null };
      expect(first).toMatchObject({ status: 201, body: { role: 'payer', status: 'completed', dispute } });
      expect(again).toEqual(first);
      expect(await written(disputeBy, said, payer)).toMatchObject({
        status: 409,
        body: { error: { code: 'duplicate_dispute' } },
      });
      const { id } = first.body['dispute'] as { id: string };
      const { body: seen } = await api.http.get('/v1/disputes').set(auth).expect(200);
      expect(seen).toMatchObject({ total: 1, disputes: [{ id, ...said }] });
      const ofPayee = await api.http
        .get(byPayee.replace(/\/refund$/, ''))
        .set('cookie', owner.cookie)
        .expect(200);
      expect(ofPayee.body).toMatchObject({ role: 'payee', dispute: { id, openedBy: 'payer' } });
      await written(byPayee);
      expect(await written(disputeBy, { ...said, idempotency_key: 'late' }, payer)).toMatchObject({
        status: 409,
        body: { error: { code: 'payment_wrong_state' } },
      });
    });

    it('is disputed by nobody else, and not by a page of another site', async () => {
      const { payer, byPayer, disputeBy } = await paidBetween();
      const said = { reason: 'service_not_delivered' };
      for (const who of [owner, await signedIn(api, 'stranger')])
        expect((await written(disputeBy, said, who)).status).toBe(404);
      const forged = await api.http
        .post(disputeBy)
        .set({ cookie: payer.cookie, origin: 'http://api.test' })
        .send(said);
      expect([forged.status, forged.body.error?.reason]).toEqual([403, 'csrf_token_missing']);
      await api.http.post(disputeBy).send(said).expect(401);
      const { body } = await api.http
        .get(byPayer.replace(/\/refund$/, ''))
        .set('cookie', payer.cookie)
        .expect(200);
      expect(body.dispute).toBe(null);
    });

    it('is disputed with evidence of both owners, each as its own side, until it is decided', async () => {
      const { payer, byPayee, disputeBy } = await paidBetween();
      const [fromPayer, fromPayee] = [disputeBy, byPayee.replace(/refund$/, 'dispute')];
      const none = await api.http.get(fromPayer).set('cookie', payer.cookie).expect(404);
      expect(none.body.error.code).toBe('dispute_not_found');
      await written(disputeBy, { reason: 'service_not_delivered' }, payer);
      const log = { type: 'log_excerpt', content: '<b>no response</b>\nin 30 s', idempotency_key: disputeBy };
      const [first, again] = [
        await written(`${fromPayer}/evidence`, log, payer),
        await written(`${fromPayer}/evidence`, log, payer),
      ];
      expect(first).toMatchObject({
        status: 201,
        body: { by: 'payer', type: log.type, content: log.content },
      });
      expect(again).toEqual(first);
      const reply = await written(`${fromPayee}/evidence`, { type: 'statement', content: 'It was sent.' });
      expect(reply).toMatchObject({ status: 201, body: { by: 'payee' } });
      for (const [path, who] of [
        [fromPayer, payer],
        [fromPayee, owner],
      ] as const) {
        const { body } = await api.http.get(path).set('cookie', who.cookie).expect(200);
        expect(body).toMatchObject({
          openedBy: 'payer',
          evidence: [{ by: 'payer', content: log.content }, { by: 'payee' }],
        });
      }
      expect((await written(`${fromPayee}/withdraw`)).status).toBe(403);
      expect(await written(`${fromPayer}/withdraw`, {}, payer)).toMatchObject({
        status: 200,
        body: { status: 'withdrawn' },
      });
      expect((await written(`${fromPayer}/withdraw`, {}, payer)).body).toMatchObject({ status: 'withdrawn' });
      expect(
        await written(`${fromPayer}/evidence`, { ...log, idempotency_key: 'late' }, payer),
      ).toMatchObject({
        status: 409,
        body: { error: { code: 'dispute_wrong_state' } },
      });
    });

    it('whose dispute is for its two owners alone, and not for a page of another site', async () => {
      const { payer, disputeBy } = await paidBetween();
      await written(disputeBy, { reason: 'service_not_delivered' }, payer);
      const log = { type: 'log_excerpt', content: 'no response' };
      const strangers = await signedIn(api, 'stranger');
      for (const who of [owner, strangers]) {
        await api.http.get(disputeBy).set('cookie', who.cookie).expect(404);
        expect((await written(`${disputeBy}/evidence`, log, who)).status).toBe(404);
        expect((await written(`${disputeBy}/withdraw`, {}, who)).status).toBe(404);
      }
      for (const path of [`${disputeBy}/evidence`, `${disputeBy}/withdraw`]) {
        const forged = await api.http
          .post(path)
          .set({ cookie: payer.cookie, origin: 'http://api.test' })
          .send(log);
        expect([forged.status, forged.body.error?.reason]).toEqual([403, 'csrf_token_missing']);
        await api.http.post(path).send(log).expect(401);
      }
      const { body } = await api.http.get(disputeBy).set('cookie', payer.cookie).expect(200);
      expect(body).toMatchObject({ status: 'open', evidence: [] });
    });

    it('leads to the request that made it, for whoever sent that, and for their owner', async () => {
      const { payer, byPayer, byPayee, auth } = await paidBetween();
      const [, agentId, paymentId] = /agents\/(\w+)\/transactions\/(\w+)\//.exec(byPayer) as string[] as [
        string,
        string,
        string,
      ];
      const [, payeeId] = /agents\/(\w+)\//.exec(byPayee) as string[] as [string, string];
      const trace = (headers: Record<string, string>, agent?: string) =>
        api.http
          .get(`/api/traces/${paymentId}`)
          .query(agent ? { agent_id: agent } : {})
          .set(headers);
      const refunded = await written(byPayee, { amount: '0.50' });
      expect(refunded.status).toBe(200);
      const { body: seen } = await trace(auth).expect(200);
      expect(seen.request).toMatchObject({
        method: 'POST',
        path: '/v1/payments',
        endpoint: 'runtime.payments.create',
        status: 201,
        error: null,
        party_id: agentId,
        credential_id: expect.stringMatching(/^key_/),
        made: [paymentId],
      });
      expect(seen.requests).toEqual([seen.request]);
      const kinds = (seen.ledger as { kind: string }[]).map(({ kind }) => kind);
      expect(kinds).toEqual(expect.arrayContaining(['payment.refund']));
      expect(seen.events.length).toBeGreaterThan(0);
      expect((await trace({ cookie: payer.cookie }, agentId).expect(200)).body).toEqual(seen);
      const one = await api.http.get(`/api/requests/${seen.request.id}`).set(auth).expect(200);
      expect(one.body).toEqual(seen.request);

      // The other side sees what it asked for itself.
      const { body: other } = await trace({ cookie: owner.cookie }, payeeId).expect(200);
      expect(other.request).toBe(null);
      expect(other.requests).toMatchObject([
        { endpoint: 'buyer.transactions.refund', named: [payeeId, paymentId] },
      ]);
      await api.http.get(`/api/requests/${seen.request.id}`).set('cookie', owner.cookie).expect(404);
      await trace({ cookie: owner.cookie }, agentId).expect(404);
      await trace({ cookie: owner.cookie }).expect(404);
      await trace({}).expect(401);
    });

    it('keeps a request that was refused, under the name that its caller gave it, without what was in it', async () => {
      const { payer, byPayer, auth } = await paidBetween();
      const agentId = /agents\/(\w+)\//.exec(byPayer)?.[1];
      const order = { from_wallet_id: 'wallet_01kb3x9v7f5m2q8r4t6w0y1z3b', to_external: 'secret', amount: 1 };
      const named = { 'x-request-id': 'mine' };
      await api.http
        .post('/v1/payments')
        .set({ ...auth, ...named })
        .send(order)
        .expect(404);
      await api.http
        .post(byPayer)
        .set({ ...owner.writes, ...named })
        .send({ reason: 'secret' })
        .expect(404);
      await api.http
        .post('/api/nothing/secret')
        .set({ ...auth, ...named })
        .send({})
        .expect(404);
      await api.http
        .get('/v1/disputes')
        .set({ ...auth, ...named })
        .expect(200);
      const listed = (headers: Record<string, string>) =>
        api.http.get('/api/requests').query({ request_id: 'mine' }).set(headers).expect(200);
      const { body: own } = await listed(auth);
      expect(own).toMatchObject({
        total: 1,
        requests: [
          { request_id: 'mine', status: 404, party_id: agentId, path: '/v1/payments', made: [], named: [] },
        ],
      });
      expect(own.requests[0].error).not.toBe(null);
      expect(own.requests[0].id).toMatch(/^req_/);
      expect((await listed({ cookie: payer.cookie })).body).toEqual(own);
      const { body: others } = await listed({ cookie: owner.cookie });
      expect(others.requests).toMatchObject([{ endpoint: 'buyer.transactions.refund', status: 404 }]);
      expect(JSON.stringify([own, others])).not.toContain('secret');
      const refused = await api.http.get('/api/requests').query({ outcome: 'refused' }).set(auth).expect(200);
      expect(refused.body).toEqual(own);
      const done = await api.http.get('/api/requests').query({ outcome: 'done' }).set(auth).expect(200);
      expect(done.body.requests.every(({ status }: { status: number }) => status < 400)).toBe(true);
      expect(done.body.total).toBeGreaterThan(0);
    });
  });
}
