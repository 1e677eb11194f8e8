import { base64url, mpp, x402v1, x402v2 } from '@agentpay/protocol';
import { paywall } from '../../index.js';
import {
  PAY_TO,
  fakeFacilitator,
  listen,
  pay,
  send,
  shiftedClock,
  type Reply,
  type Seller,
} from '../../seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

async function open(options = {}, facilitator = fakeFacilitator()) {
  const served = { count: 0 };
  const charge = paywall({ payTo: PAY_TO, facilitator, logger: false, ...options }).charge('$0.01');
  seller = await listen((req, res) => charge(req, res, () => res.end(`${++served.count}`)));
  return { served, facilitator };
}

type Change = (credential: mpp.Credential, clock: { offset: number }) => unknown;

/** The challenge with some parts replaced and a right id for what it then says, as if the seller had issued it. */
function issued({ challenge }: mpp.Credential, parts: Partial<mpp.Challenge>): mpp.Challenge {
  const { id: _, ...rest } = { ...challenge, ...parts };
  const bound = Object.fromEntries(Object.entries(rest).filter(([, part]) => part !== undefined)) as Omit<
    mpp.Challenge,
    'id'
  >;
  return { id: mpp.challengeId(bound, SECRET), ...bound };
}

const paying = (credential: mpp.Credential, changes: object) => ({
  ...credential,
  payload: { ...credential.payload, ...changes },
});

const OTHER_PAYEE = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';
const SECRET = 'a secret of the seller, thirty-two bytes';

describe('a refused credential is answered with the problem type of the draft and a fresh challenge', () => {
  it.each<[string, string, string, Change]>([
    ['no base64url', 'malformed-credential', 'payment_malformed', () => '%%%'],
    ['no JSON', 'malformed-credential', 'payment_malformed', () => base64url('this is garbage')],
    ['no challenge', 'malformed-credential', 'payment_malformed', ({ payload }) => ({ payload })],
    ['no payload', 'malformed-credential', 'payment_malformed', ({ challenge }) => ({ challenge })],
    [
      'a challenge of others',
      'invalid-challenge',
      'invalid_challenge',
      (all) => ({ ...all, challenge: { ...all.challenge, id: 'x' } }),
    ],
    [
      'another method',
      'invalid-challenge',
      'invalid_challenge',
      (all) => ({ ...all, challenge: issued(all, { method: 'tempo' }) }),
    ],
    [
      'another intent',
      'invalid-challenge',
      'invalid_challenge',
      (all) => ({ ...all, challenge: issued(all, { intent: 'session' }) }),
    ],
    [
      'no expiry',
      'invalid-challenge',
      'payment_malformed',
      (all) => ({ ...all, challenge: issued(all, { expires: undefined as never }) }),
    ],
    [
      'an unreadable expiry',
      'invalid-challenge',
      'payment_malformed',
      (all) => ({ ...all, challenge: issued(all, { expires: 'soon' }) }),
    ],
    [
      'another request',
      'invalid-challenge',
      'invalid_challenge',
      (all) => {
        return { ...all, challenge: issued(all, { opaque: base64url('{"s":"x"}') }) };
      },
    ],
    [
      'another body',
      'invalid-challenge',
      'body_mismatch',
      (all) => ({ ...all, challenge: issued(all, { digest: 'sha-256=:AAAA:' }) }),
    ],
    [
      'a payload of no known type',
      'invalid-payload',
      'payment_malformed',
      (all) => paying(all, { type: 'promise' }),
    ],
    [
      'a payload without signature',
      'invalid-payload',
      'payment_malformed',
      (all) => paying(all, { signature: undefined }),
    ],
    [
      'another nonce',
      'verification-failed',
      'nonce_mismatch',
      (all) => paying(all, { nonce: `0x${'1'.repeat(64)}` }),
    ],
    [
      'another payer',
      'verification-failed',
      'source_mismatch',
      (all) => ({ ...all, source: 'did:pkh:eip155:84532:0xabc' }),
    ],
    [
      'too little',
      'verification-failed',
      'invalid_exact_evm_payload_authorization_value_mismatch',
      (all) => paying(all, { value: '1' }),
    ],
    [
      'a challenge that has expired',
      'payment-expired',
      'payment_expired',
      (all, clock) => {
        clock.offset = 301_000;
        return all;
      },
    ],
  ])('%s: %s', async (_, problem, code, change) => {
    const clock = shiftedClock();
    const { served, facilitator } = await open({ mppSecret: SECRET, clock });
    const offer = await send(seller, '/');
    const changed = change(mpp.readCredential(pay(offer, 'mpp')['authorization'] as string), clock);
    const token = typeof changed === 'string' ? changed : base64url(JSON.stringify(changed));
    const reply = await send(seller, '/', { headers: { authorization: `Payment ${token}` } });
    expectRefused(reply, problem, code);
    expect(reply.json().challengeId).not.toBe(offer.json().challengeId);
    expect([served.count, facilitator.calls.verify]).toEqual([0, 0]);
  });

  it('what the facilitator refuses: verification-failed', async () => {
    const { served } = await open(
      {},
      fakeFacilitator({ verify: async () => ({ isValid: false, invalidReason: 'insufficient_funds' }) }),
    );
    expectRefused(
      await send(seller, '/', { headers: pay(await send(seller, '/'), 'mpp') }),
      'verification-failed',
      'insufficient_funds',
    );
    expect(served.count).toBe(0);
  });

  it('none at all: payment-required', async () => {
    await open();
    expectRefused(await send(seller, '/'), 'payment-required', 'payment_required');
  });
});

describe('a refusal without a challenge has the problem type of the draft where there is one', () => {
  it.each<[string, number, string, (offer: Reply) => Record<string, string>]>([
    [
      'several credentials',
      400,
      'bad-request',
      (offer) => {
        const credential = pay(offer, 'mpp')['authorization'] as string;
        return { authorization: `${credential}, ${credential}` };
      },
    ],
    ['an unreadable payment of x402', 400, 'bad-request', () => ({ 'payment-signature': '%%%' })],
  ])('%s: %i %s', async (_, status, problem, headers) => {
    await open();
    expectResponse(
      await send(seller, '/', { headers: headers(await send(seller, '/')) }),
      status,
      problemType(problem),
    );
  });

  it('a fault of the seller: 500 internal-payment-error', async () => {
    const charge = paywall({
      payTo: PAY_TO,
      facilitator: fakeFacilitator(),
      logger: false,
    }).charge(() => 'nonsense');
    seller = await listen((req, res) => charge(req, res, () => res.end()));
    expectResponse(await send(seller, '/'), 500, problemType('internal-payment-error'));
  });

  it('a credential that was used for another caller: 409, of no type in the draft', async () => {
    await open();
    const headers = pay(await send(seller, '/'), 'mpp');
    await send(seller, '/', { headers });
    expectResponse(
      await send(seller, '/', { headers: { ...headers, cookie: 'caller=2' } }),
      409,
      'about:blank',
    );
  });
});

describe('Accept-Payment', () => {
  const transfers = { rpcUrl: 'http://127.0.0.1:1' };
  const all = [PAY_TO, OTHER_PAYEE];
  /** Asks with this header, or without, and gives the recipients of the MPP challenges, in their order. */
  async function offered(accept: string | string[] | undefined) {
    const reply = await send(seller, '/', {
      headers: accept === undefined ? {} : { 'accept-payment': accept },
    });
    const challenges = mpp.readChallenges(reply.headers['www-authenticate'] ?? '');
    expect(reply.json().challengeId).toBe(challenges[0]?.id);
    expect(x402v2.decodePaymentRequired(reply.headers['payment-required'] as string).accepts).toHaveLength(2);
    expect(x402v1.parsePaymentRequired(reply.json()).accepts).toHaveLength(2);
    expect([reply.status, reply.headers['cache-control']]).toEqual([402, 'no-store']);
    expect(reply.headers['vary']).toMatch(/(?:^|, )Accept-Payment(?:,|$)/);
    return challenges.map((challenge) => mpp.readEvmChargeRequest(challenge).recipient);
  }

  it('chooses the challenges of a 402 and nothing else in it, request by request', async () => {
    await open({ accepts: [{}, { payTo: OTHER_PAYEE }] });
    const cases: [string | string[] | undefined, string[]][] = [
      [undefined, all],
      ['evm/charge', all],
      ['evm/charge;q=0', []],
      ['evm/charge;q=0.1', all],
      ['*/*, evm/charge;q=0', []],
      ['*/*;q=0, evm/*;q=0.3', all],
      ['*/charge;q=0', []],
      ['tempo/charge', all],
      ['tempo/charge, stripe/charge;q=0', all],
      ['evm/charge;q=0;x', all],
      [['tempo/charge', 'evm/charge;q=0'], []],
      ['', all],
      [undefined, all],
    ];
    for (const [accept, recipients] of cases)
      expect([accept, await offered(accept)]).toEqual([accept, recipients]);
  });

  it('that rules MPP out leaves the other dialects payable', async () => {
    await open();
    const headers = { 'accept-payment': 'evm/charge;q=0' };
    const offer = await send(seller, '/', { headers });
    for (const dialect of ['x402v2', 'x402v1'] as const) {
      expect((await send(seller, '/', { headers: { ...headers, ...pay(offer, dialect) } })).status).toBe(200);
    }
  });

  it('makes no difference for a body that is too long to be bound: MPP is not offered', async () => {
    await open({ maxBodyBytes: 10 });
    for (const headers of [{}, { 'accept-payment': 'evm/charge' }, { 'accept-payment': 'evm/charge;q=0' }]) {
      const offer = await send(seller, '/', { method: 'POST', headers, body: 'x'.repeat(11) });
      expect([offer.status, offer.headers['www-authenticate']]).toEqual([402, undefined]);
      expect(offer.headers['payment-required']).toEqual(expect.any(String));
    }
  });

  it('keeps the challenges of other schemes', async () => {
    const wall = paywall({ logger: false, payTo: PAY_TO, facilitator: fakeFacilitator(), price: '$0.01' });
    seller = await listen((req, res) => {
      res.setHeader('WWW-Authenticate', 'Bearer realm="x"');
      wall(req, res, () => res.end());
    });
    const reply = await send(seller, '/', { headers: { 'accept-payment': 'evm/charge;q=0' } });
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="x"');
  });

  it('is named in Vary by offers alone, and only where MPP has something to offer', async () => {
    await open();
    const offer = await send(seller, '/');
    expect((await send(seller, '/', { headers: pay(offer, 'mpp') })).headers['vary']).not.toContain(
      'Accept-Payment',
    );
    expect((await send(seller, '/', { headers: { 'x-payment': '%%%' } })).headers['vary']).not.toContain(
      'Accept-Payment',
    );
    const permits = { accepts: [{ transferMethod: 'permit2' }] };
    const varyOf = async (options: object) => {
      await seller.close();
      await open(options);
      return (await send(seller, '/', { headers: { 'accept-payment': 'evm/charge' } })).headers['vary'];
    };
    expect(await varyOf(permits)).not.toContain('Accept-Payment');
    expect(await varyOf({ accepts: [{ transferMethod: 'permit2', transfers }] })).toContain('Accept-Payment');
    expect(await varyOf({ authorizationHeader: 'Payment-Authorization' })).toMatch(
      /Payment-Authorization, Accept-Payment$/,
    );
  });
});

const problemType = (code: string) => `https://paymentauth.org/problems/${code}`;

function expectResponse(reply: Reply, status: number, type: string): void {
  expect([reply.status, reply.json().status, reply.json().type]).toEqual([status, status, type]);
  expect(reply.headers['www-authenticate']).toBeUndefined();
}

function expectRefused(reply: Reply, problem: string, code: string): void {
  const [challenge] = mpp.readChallenges(reply.headers['www-authenticate'] as string);
  const type = problemType(problem);
  const { title } = mpp.problems[problem as mpp.ProblemCode];
  expect(reply.json()).toMatchObject({ type, title, status: 402, code, challengeId: challenge?.id });
  expect([reply.status, reply.headers['cache-control'], reply.headers['payment-receipt']]).toEqual([
    402,
    'no-store',
    undefined,
  ]);
  expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
}
