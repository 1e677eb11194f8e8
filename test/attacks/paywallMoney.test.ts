import { AgentPayError } from '@agentpay/primitives';
import { paywall, type PaywallOptions } from '@agentpay/paywall';
import { createClient } from '@agentpay/sdk';
import { eventually } from '@agentpay/testing';
import {
  httpFacilitator,
  mpp,
  x402v1,
  x402v2,
  type Authorization,
  type Facilitator,
} from '@agentpay/protocol';
import express, { type RequestHandler } from 'express';
import type { Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { openAttackBed, type AttackBed, type Target } from './attackBed.js';
import { hostileFacilitator, type Conduct } from './hostileFacilitator.js';
import { domain, newAccount, paymentOf, PRICE, transferOf, type Request } from './payment.js';
import { closeServers, dialects, proofFor, serve, type Dialect } from './paywallSeller.js';

const SECRET = 's'.repeat(32);

/** The authorization in a proof, and its signature. */
function signedIn(headers: Headers, dialect: Dialect): Request['paymentPayload']['payload'] {
  if (dialect === 'mpp') {
    const { payload } = mpp.readCredential(headers.get('authorization') as string);
    const { signature, type: _type, ...authorization } = payload as Record<string, string>;
    return { signature, authorization } as unknown as Request['paymentPayload']['payload'];
  }
  const { payload } =
    dialect === 'x402v1'
      ? x402v1.decodePaymentPayload(headers.get('x-payment') as string)
      : x402v2.decodePaymentPayload(headers.get('payment-signature') as string);
  return payload as Request['paymentPayload']['payload'];
}

describe('the money of a paywall under attack, on its facilitator and a chain', () => {
  let bed: AttackBed;
  let target: Target;
  let payer: PrivateKeyAccount;
  let payTo: Hex;
  let runs: number;

  beforeAll(async () => {
    bed = await openAttackBed();
    target = await bed.start();
  });
  afterAll(() => bed?.close());
  beforeEach(async () => {
    payer = await bed.payer();
    payTo = newAccount().address;
    runs = 0;
  });
  afterEach(closeServers);

  async function open(options: Partial<PaywallOptions> = {}): Promise<string> {
    const common = { payTo, facilitator: target.url, mppSecret: SECRET, logger: false as const };
    const pay = paywall({ ...common, ...options });
    const app = express();
    app.get('/goods', pay.charge('$0.01') as RequestHandler, (_req, res) => {
      runs++;
      res.send('goods');
    });
    return `${await serve(app)}/goods`;
  }

  /** The facilitator, which can go away between verify and settle: unreachable, or taking what it never works on. */
  function leaving() {
    const honest = httpFacilitator({ url: target.url });
    const state: { away: false | 'unreachable' | 'silent' } = { away: false };
    const facilitator: Facilitator = {
      ...honest,
      async settle(request) {
        if (!state.away) return honest.settle(request);
        const kind = state.away === 'silent' ? 'settlement_unknown' : 'facilitator_unavailable';
        throw new AgentPayError(kind, state.away);
      },
    };
    return { facilitator, state };
  }

  async function cancel(buyer: PrivateKeyAccount, nonce: Hex): Promise<void> {
    const types = {
      CancelAuthorization: [
        { name: 'authorizer', type: 'address' },
        { name: 'nonce', type: 'bytes32' },
      ],
    } as const;
    const message = { authorizer: buyer.address, nonce };
    const signature = await buyer.signTypedData({
      domain,
      types,
      primaryType: 'CancelAuthorization',
      message,
    });
    await bed.token('cancelAuthorization', buyer.address, nonce, signature);
  }

  async function payElsewhere(
    buyer: PrivateKeyAccount,
    authorization: Pick<Authorization, 'nonce'>,
  ): Promise<void> {
    const elsewhere = newAccount().address;
    await bed.act(transferOf(await paymentOf(buyer, { payTo: elsewhere, authorization })));
  }

  const uses: readonly (readonly [
    string,
    (buyer: PrivateKeyAccount, signed: Request['paymentPayload']['payload']) => Promise<unknown>,
    boolean,
  ])[] = [
    ['cancels it', (buyer, { authorization: { nonce } }) => cancel(buyer, nonce), false],
    [
      'pays somebody else with its nonce',
      (buyer, { authorization: { nonce } }) => payElsewhere(buyer, { nonce }),
      false,
    ],
    ['broadcasts it', (_, payload) => bed.act(transferOf({ paymentPayload: { payload } } as Request)), true],
  ];

  describe.each(dialects)('B28 a used nonce is a payment by proof only, in %s', (dialect) => {
    /** A seller whose facilitator went away after the proof was made, and a buyer with that proof. */
    async function seller(away: 'unreachable' | 'silent') {
      const { facilitator, state } = leaving();
      const buyer = await bed.payer();
      const to = newAccount().address;
      const url = await open({ facilitator, payTo: to });
      const headers = await proofFor(buyer, url, dialect);
      state.away = away;
      return { buyer, headers, state, to, ask: () => fetch(url, { headers }) };
    }

    it.each(['unreachable', 'silent'] as const)(
      'while the facilitator is %s the buyer uses the nonce',
      async (away) => {
        const asked = [];
        for (const [what, use, pays] of uses) asked.push({ what, use, pays, ...(await seller(away)) });
        // The waits of all at once; what changes the chain one after the other.
        await Promise.all(
          asked.map(async ({ what, ask }) => expect([what, (await ask()).status]).toEqual([what, 503])),
        );
        for (const { use, buyer, headers } of asked) await use(buyer, signedIn(headers, dialect));
        await Promise.all(
          asked.map(async ({ what, pays, ask, state, to }) => {
            state.away = false;
            const response = await ask();
            const text = await response.text();
            // A payment that nobody made for this claim may be somebody else's: unknown, so that nobody signs another.
            expect([what, response.status, text === 'goods']).toEqual([what, pays ? 503 : 402, false]);
            const offers = response.headers.has(dialect === 'mpp' ? 'www-authenticate' : 'payment-required');
            expect([what, offers, await bed.usdc(to)]).toEqual([what, !pays, pays ? PRICE : 0n]);
          }),
        );
      },
    );
  });

  describe.each(dialects)(
    'B29 one payment in %s, sellers with one payTo and no store in common',
    (dialect) => {
      it('in a row: the first delivers, the others refuse', async () => {
        const urls = [await open(), await open(), await open(), await open()];
        const headers = await proofFor(payer, urls[0] as string, dialect);
        const statuses: number[] = [];
        for (const url of urls) statuses.push((await fetch(url, { headers })).status);
        expect([statuses, runs, await bed.usdc(payTo)]).toEqual([[200, 409, 409, 409], 1, PRICE]);
      });

      it('at once: one delivers, whoever ran', async () => {
        const urls = [await open(), await open(), await open(), await open()];
        const headers = await proofFor(payer, urls[0] as string, dialect);
        const responses = await Promise.all(urls.map((url) => fetch(url, { headers })));
        const statuses = responses.map(({ status }) => status).sort();
        expect([statuses, await bed.usdc(payTo)]).toEqual([[200, 409, 409, 409], PRICE]);
      });

      it('carried away from one that could not reach the facilitator, and brought back: delivered once', async () => {
        const { facilitator, state } = leaving();
        const [here, there] = [await open({ facilitator }), await open()];
        const headers = await proofFor(payer, here, dialect);
        state.away = 'silent';
        expect((await fetch(here, { headers })).status).toBe(503);
        expect((await fetch(there, { headers })).status).toBe(200);
        state.away = false;
        const back = await fetch(here, { headers });
        expect([await back.text(), await bed.usdc(payTo)]).toEqual([
          expect.not.stringContaining('goods'),
          PRICE,
        ]);
      });
    },
  );

  it.each(dialects)(
    'B30 money for one and 20 proofs at once in %s: few runs, one payment',
    async (dialect) => {
      payer = await bed.payer(PRICE);
      const url = await open();
      const proofs: Headers[] = [];
      for (let i = 0; i < 20; i++) proofs.push(await proofFor(payer, url, dialect));
      const responses = await Promise.all(proofs.map((headers) => fetch(url, { headers })));
      expect(responses.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(await bed.usdc(payTo)).toBe(PRICE);
      expect(runs).toBeLessThanOrEqual(5);
    },
  );

  /** How a purchase ends that the SDK makes while the seller's facilitator behaves so. */
  const ends: Readonly<Record<Conduct, 'goods' | 'settlement_unknown' | 'payment_refused'>> = {
    clean: 'goods',
    slow: 'goods',
    'times out after settling': 'settlement_unknown',
    '502 after settling': 'settlement_unknown',
    '402 after settling': 'settlement_unknown',
    'cannot be asked after settling': 'settlement_unknown',
    'declares it safe after settling': 'payment_refused',
  };
  const battery = (['x402v2', 'mpp'] as const).flatMap((dialect) =>
    (Object.keys(ends) as Conduct[]).map((conduct) => ({ dialect, conduct })),
  );

  it.each(battery)(
    'B34 a facilitator that is "$conduct", in $dialect: one signature, one payment, and its goods once it behaves',
    async ({ dialect, conduct }) => {
      const hostile = hostileFacilitator(target.url);
      const url = await open({
        facilitator: httpFacilitator({
          url: await serve(hostile.listener),
          ...(conduct === 'times out after settling' && { settleTimeoutMs: 500 }),
        }),
      });
      const proofs = new Set<string>();
      const counted: typeof fetch = (input, init) => {
        const headers = new Headers(init?.headers);
        const proof = headers.get(dialect === 'mpp' ? 'authorization' : 'payment-signature');
        if (proof) proofs.add(proof);
        return fetch(input, init);
      };
      const budget = { total: '$0.015' };
      const buyer = createClient({
        account: payer,
        prefer: [dialect],
        maxAttempts: 1,
        budget,
        fetch: counted,
      });
      const buy = () =>
        buyer.fetch(url).then(
          async (response) =>
            response.ok ? response.text() : ((await response.json()) as { code: string }).code,
          (error: { kind: string }) => error.kind,
        );
      hostile.conduct = conduct;
      expect(await buy()).toBe(ends[conduct]);
      await eventually(async () => expect(await bed.usdc(payTo)).toBe(PRICE));
      // What may have been paid counts, whatever anybody says of it.
      expect(buyer.spent()).toEqual([expect.objectContaining({ signed: PRICE })]);
      hostile.conduct = 'clean';
      // The seller of a facilitator that gives no response waits for half a second only: on a busy machine even a clean one takes longer.
      const again = await eventually(async () => {
        const got = await buy();
        expect(got).not.toBe('settlement_unknown');
        return got;
      });
      expect(again).toBe(ends[conduct] === 'settlement_unknown' ? 'goods' : 'budget_exceeded');
      expect([proofs.size, await bed.usdc(payTo)]).toEqual([1, PRICE]);
      expect(runs).toBe(1);
    },
  );
});
