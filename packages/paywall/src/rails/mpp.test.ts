import { base64url, mpp } from '@agentpay/protocol';
import { paywall } from '../index.js';
import { PAY_TO, fakeFacilitator, listen, pay, send, shiftedClock, type Reply, type Seller } from '../seller.test.support.js';

let seller: Seller;
afterEach(() => seller?.close());

async function open(options = {}, facilitator = fakeFacilitator()) {
  const served = { count: 0 };
  const charge = paywall({ payTo: PAY_TO, facilitator, onError: () => undefined, ...options }).charge('$0.01');
  seller = await listen((req, res) => charge(req, res, () => res.end(`${++served.count}`)));
  return { served, facilitator };
}

type Change = (credential: mpp.Credential, clock: { offset: number }) => unknown;

/** The challenge with some parts replaced and a right id for what it then says, as if the seller had issued it. */
function issued({ challenge }: mpp.Credential, parts: Partial<mpp.Challenge>): mpp.Challenge {
  const { id: _, ...rest } = { ...challenge, ...parts };
  const bound = Object.fromEntries(Object.entries(rest).filter(([, part]) => part !== undefined)) as Omit<mpp.Challenge, 'id'>;
  return { id: mpp.challengeId(bound, SECRET), ...bound };
}

const paying = (credential: mpp.Credential, changes: object) => ({ ...credential, payload: { ...credential.payload, ...changes } });

const SECRET = 'a secret of the seller, thirty-two bytes';

describe('a refused credential is answered with the problem type of the draft and a fresh challenge', () => {
  it.each<[string, string, string, Change]>([
    ['no base64url', 'malformed-credential', 'payment_malformed', () => '%%%'],
    ['no JSON', 'malformed-credential', 'payment_malformed', () => base64url('this is garbage')],
    ['no challenge', 'malformed-credential', 'payment_malformed', ({ payload }) => ({ payload })],
    ['no payload', 'malformed-credential', 'payment_malformed', ({ challenge }) => ({ challenge })],
    ['a challenge of others', 'invalid-challenge', 'invalid_challenge', (all) => ({ ...all, challenge: { ...all.challenge, id: 'x' } })],
    ['another method', 'invalid-challenge', 'invalid_challenge', (all) => ({ ...all, challenge: issued(all, { method: 'tempo' }) })],
    ['another intent', 'invalid-challenge', 'invalid_challenge', (all) => ({ ...all, challenge: issued(all, { intent: 'session' }) })],
    ['no expiry', 'invalid-challenge', 'payment_malformed', (all) => ({ ...all, challenge: issued(all, { expires: undefined as never }) })],
    ['an unreadable expiry', 'invalid-challenge', 'payment_malformed', (all) => ({ ...all, challenge: issued(all, { expires: 'soon' }) })],
    ['another request', 'invalid-challenge', 'invalid_challenge', (all) => {
      return { ...all, challenge: issued(all, { opaque: base64url('{"s":"x"}') }) };
    }],
    ['another body', 'invalid-challenge', 'body_mismatch', (all) => ({ ...all, challenge: issued(all, { digest: 'sha-256=:AAAA:' }) })],
    ['a payload of no known type', 'invalid-payload', 'payment_malformed', (all) => paying(all, { type: 'promise' })],
    ['a payload without signature', 'invalid-payload', 'payment_malformed', (all) => paying(all, { signature: undefined })],
    ['another nonce', 'verification-failed', 'nonce_mismatch', (all) => paying(all, { nonce: `0x${'1'.repeat(64)}` })],
    ['another payer', 'verification-failed', 'source_mismatch', (all) => ({ ...all, source: 'did:pkh:eip155:84532:0xabc' })],
    ['too little', 'verification-failed', 'invalid_exact_evm_payload_authorization_value_mismatch', (all) => paying(all, { value: '1' })],
    ['a challenge that has expired', 'payment-expired', 'payment_expired', (all, clock) => {
      clock.offset = 301_000;
      return all;
    }],
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
    const { served } = await open({}, fakeFacilitator({ verify: async () => ({ isValid: false, invalidReason: 'insufficient_funds' }) }));
    expectRefused(await send(seller, '/', { headers: pay(await send(seller, '/'), 'mpp') }), 'verification-failed', 'insufficient_funds');
    expect(served.count).toBe(0);
  });

  it('none at all: payment-required', async () => {
    await open();
    expectRefused(await send(seller, '/'), 'payment-required', 'payment_required');
  });
});

describe('a refusal without a challenge has the problem type of the draft where there is one', () => {
  it.each<[string, number, string, (offer: Reply) => Record<string, string>]>([
    ['several credentials', 400, 'bad-request', (offer) => {
      const credential = pay(offer, 'mpp')['authorization'] as string;
      return { authorization: `${credential}, ${credential}` };
    }],
    ['an unreadable payment of x402', 400, 'bad-request', () => ({ 'payment-signature': '%%%' })],
  ])('%s: %i %s', async (_, status, problem, headers) => {
    await open();
    expectAnswer(await send(seller, '/', { headers: headers(await send(seller, '/')) }), status, problemType(problem));
  });

  it('a fault of the seller: 500 internal-payment-error', async () => {
    const charge = paywall({ payTo: PAY_TO, facilitator: fakeFacilitator(), onError: () => undefined }).charge(() => 'nonsense');
    seller = await listen((req, res) => charge(req, res, () => res.end()));
    expectAnswer(await send(seller, '/'), 500, problemType('internal-payment-error'));
  });

  it('a credential that was used for another caller: 409, of no type in the draft', async () => {
    await open();
    const headers = pay(await send(seller, '/'), 'mpp');
    await send(seller, '/', { headers });
    expectAnswer(await send(seller, '/', { headers: { ...headers, cookie: 'caller=2' } }), 409, 'about:blank');
  });
});

const problemType = (code: string) => `https://paymentauth.org/problems/${code}`;

function expectAnswer(reply: Reply, status: number, type: string): void {
  expect([reply.status, reply.json().status, reply.json().type]).toEqual([status, status, type]);
  expect(reply.headers['www-authenticate']).toBeUndefined();
}

function expectRefused(reply: Reply, problem: string, code: string): void {
  const [challenge] = mpp.readChallenges(reply.headers['www-authenticate'] as string);
  const type = problemType(problem);
  const { title } = mpp.problems[problem as mpp.ProblemCode];
  expect(reply.json()).toMatchObject({ type, title, status: 402, code, challengeId: challenge?.id });
  expect([reply.status, reply.headers['cache-control'], reply.headers['payment-receipt']]).toEqual([402, 'no-store', undefined]);
  expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
}
