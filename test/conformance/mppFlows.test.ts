/** The flows of the conformance suite of the Payment scheme, by their names there: a seller's by the paywall, a buyer's by the SDK. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { paywall, type PaywallOptions } from '@agentpay/paywall';
import { AgentPayError, baseSepolia, systemClock } from '@agentpay/primitives';
import { base64url, mpp, type Facilitator } from '@agentpay/protocol';
import { createClient, paymentOf } from '@agentpay/sdk';

const { chainId, usdc } = baseSepolia;
const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const PAYER = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const BUYER_KEY = `0x${'59'.repeat(32)}` as const;
const SECRET = 'the secret of the seller in the flows';
const problem = (code: string) => `https://paymentauth.org/problems/${code}`;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Says yes to everything and moves nothing. */
const agreeable: Facilitator = {
  verify: async () => ({ isValid: true }),
  settle: async ({ paymentRequirements: { network } }) => ({
    success: true,
    transaction: `0x${'cd'.repeat(32)}`,
    network,
  }),
  supported: async () => ({ kinds: [], extensions: [], signers: {} }),
};

interface Selling extends Partial<PaywallOptions> {
  readonly handler?: RequestListener;
  readonly facilitator?: Facilitator;
}

/** A seller of everything but `/free`; `served` holds the bodies that reached the handler. */
async function sell({ handler, facilitator = agreeable, ...options }: Selling = {}) {
  const served: string[] = [];
  const routes = { '/free': 'free', '/*': '$0.01' };
  const wall = paywall({
    payTo: PAY_TO,
    facilitator,
    mppSecret: SECRET,
    routes,
    onError: () => undefined,
    ...options,
  });
  const serve: RequestListener = async (req, res) => {
    let body = '';
    for await (const chunk of req) body += String(chunk);
    served.push(body);
    if (handler) handler(req, res);
    else res.end(`answer ${served.length} to ${body}`);
  };
  return { url: await listen((req, res) => wall(req, res, () => serve(req, res))), served };
}

type Init = Omit<RequestInit, 'headers'> & { readonly headers?: Record<string, string> };

async function challengeOf(url: string, init?: Init): Promise<mpp.Challenge> {
  const response = await fetch(url, init ?? {});
  expect(response.status).toBe(402);
  return mpp.readChallenges(response.headers.get('www-authenticate') as string)[0] as mpp.Challenge;
}

/** A credential that answers the challenge, with the payload that it asks for. */
function answering(challenge: mpp.Challenge, changes: object = {}): mpp.Credential {
  const { amount: value } = mpp.readEvmChargeRequest(challenge);
  const validBefore = String(Math.floor(Date.now() / 1000) + 300);
  const authorization = {
    from: PAYER,
    to: PAY_TO,
    value,
    validAfter: '0',
    validBefore,
    nonce: mpp.challengeNonce(challenge),
  };
  return {
    challenge,
    payload: { type: 'authorization', ...authorization, signature: `0x${'ab'.repeat(65)}`, ...changes },
  };
}

/** What a seller may have issued at another time or for another purpose: the challenge with some parts changed, and a right id. */
function reissued(challenge: mpp.Challenge, changes: Partial<mpp.Challenge>): mpp.Challenge {
  const parts = JSON.parse(JSON.stringify({ ...challenge, ...changes })) as mpp.Challenge;
  return { ...parts, id: mpp.challengeId(parts, SECRET) };
}

async function present(url: string, credential: mpp.Credential, init: Init = {}) {
  const response = await fetch(url, {
    ...init,
    headers: { ...init.headers, authorization: mpp.serializeCredential(credential) },
  });
  const text = await response.text();
  const receipt = response.headers.get('payment-receipt');
  const challenges = mpp.readChallenges(response.headers.get('www-authenticate') ?? '');
  const details = response.ok
    ? undefined
    : (JSON.parse(text) as { type: string; title: string; status: number; detail: string });
  return {
    response,
    status: response.status,
    text,
    receipt: receipt === null ? undefined : mpp.readReceipt(receipt),
    challenges,
    details,
  };
}

/** Refused with this problem, a fresh challenge and no receipt. */
async function expectRefused(
  url: string,
  credential: mpp.Credential,
  code: string,
  init?: Init,
): Promise<void> {
  const { status, details, challenges, receipt, response } = await present(url, credential, init);
  expect([status, details?.type, details?.status, challenges.length, receipt]).toEqual([
    402,
    problem(code),
    402,
    1,
    undefined,
  ]);
  expect(challenges[0]?.id).not.toBe(credential.challenge.id);
  expect(response.headers.get('cache-control')).toBe('no-store');
}

const posting = (body: string): Init => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'application/json' },
});

describe('flows of a seller', () => {
  it('success_charge', async () => {
    const { url, served } = await sell();
    const challenge = await challengeOf(url);
    const { status, receipt } = await present(url, answering(challenge));
    expect([status, served.length]).toEqual([200, 1]);
    expect(receipt).toMatchObject({ status: 'success', method: 'evm', challengeId: challenge.id, chainId });
  });

  it.each(['verification_error', 'problem_details_verification_failed'])('%s', async () => {
    const { url, served } = await sell({
      facilitator: { ...agreeable, verify: async () => ({ isValid: false, invalidReason: 'bad' }) },
    });
    await expectRefused(url, answering(await challengeOf(url)), 'verification-failed');
    expect(served).toEqual([]);
  });

  it('invalid_payload', async () => {
    const { url } = await sell();
    await expectRefused(url, answering(await challengeOf(url), { signature: 'not-hex' }), 'invalid-payload');
  });

  it.each(['expired_challenge', 'problem_details_expired'])('%s', async () => {
    const clock = { ...systemClock, now: () => systemClock.now() - 3_600_000 };
    const challenge = await challengeOf((await sell({ clock })).url);
    const { url, served } = await sell();
    await expectRefused(url, answering(challenge), 'payment-expired');
    expect(served).toEqual([]);
  });

  it.each(['missing_authorization', 'problem_details_missing_auth'])('%s', async () => {
    const { url, served } = await sell();
    const response = await fetch(url);
    expect(await response.json()).toMatchObject({
      type: problem('payment-required'),
      title: 'Payment Required',
      status: 402,
    });
    expect([response.status, response.headers.get('content-type'), served]).toEqual([
      402,
      'application/problem+json; charset=utf-8',
      [],
    ]);
  });

  it('mismatched_request', async () => {
    const { url } = await sell();
    const challenge = await challengeOf(url);
    const request = base64url(JSON.stringify({ ...mpp.readEvmChargeRequest(challenge), amount: '1' }));
    await expectRefused(url, answering({ ...challenge, request }), 'invalid-challenge');
    await expectRefused(url, answering(reissued(challenge, { request })), 'invalid-challenge');
  });

  it('invalid_challenge_id', async () => {
    const { url } = await sell();
    const challenge = await challengeOf(url);
    await expectRefused(
      url,
      answering({ ...challenge, id: `${challenge.id.slice(0, -2)}AA` }),
      'invalid-challenge',
    );
  });

  it('missing_challenge_expires_rejected', async () => {
    const { url } = await sell();
    const challenge = await challengeOf(url);
    await expectRefused(url, answering(reissued(challenge, { expires: undefined })), 'invalid-challenge');
  });

  it('non_402_error', async () => {
    const settled: unknown[] = [];
    const facilitator: Facilitator = {
      ...agreeable,
      settle: (request) => (settled.push(request), agreeable.settle(request)),
    };
    const { url } = await sell({ facilitator, handler: (_req, res) => res.writeHead(500).end('{}') });
    const { status, receipt, challenges } = await present(url, answering(await challengeOf(url)));
    expect([status, receipt, challenges, settled]).toEqual([500, undefined, [], []]);
  });

  it('free_endpoint', async () => {
    const { url } = await sell();
    const response = await fetch(`${url}/free`);
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([200, null]);
  });

  it.each(['post_body_charge', 'post_body_preserved_on_retry', 'body_digest_match'])('%s', async () => {
    const { url, served } = await sell();
    const order = posting('{"items":[1,2,3]}');
    const challenge = await challengeOf(url, order);
    expect(challenge.digest).toBe(mpp.bodyDigest(Buffer.from('{"items":[1,2,3]}')));
    const { status, receipt } = await present(url, answering(challenge), order);
    expect([status, receipt?.status, served]).toEqual([200, 'success', ['{"items":[1,2,3]}']]);
  });

  it('body_digest_mismatch', async () => {
    const { url, served } = await sell();
    const challenge = await challengeOf(url, posting('{"data":"original"}'));
    await expectRefused(url, answering(challenge), 'invalid-challenge', posting('{"data":"changed"}'));
    expect(served).toEqual([]);
  });

  it('cache_headers_success', async () => {
    const { url } = await sell();
    expect((await fetch(url)).headers.get('cache-control')).toBe('no-store');
    const { response } = await present(url, answering(await challengeOf(url)));
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'private']);
  });

  it('problem_details_retry_after_no_receipt', async () => {
    const verify = () =>
      Promise.reject(new AgentPayError('facilitator_unavailable', 'away', { retryAfter: 60 }));
    const { url } = await sell({ facilitator: { ...agreeable, verify } });
    const { response, receipt, details } = await present(url, answering(await challengeOf(url)));
    expect([response.status, response.headers.get('retry-after'), receipt, details?.status]).toEqual([
      503,
      '60',
      undefined,
      503,
    ]);
  });

  // A seller of one method may pass over what it cannot satisfy.
  it.each([
    'evm/charge',
    'evm/*',
    '*/charge;q=0.2',
    'tempo/charge, evm/charge;q=0.1',
    'tempo/charge;q=0.9, stripe/charge;q=0.1',
    ';;,',
  ])('accept_payment_preference: %s', async (accept) => {
    const { url } = await sell();
    const headers = { 'accept-payment': accept };
    const challenge = await challengeOf(url, { headers });
    expect([challenge.method, challenge.intent]).toEqual(['evm', 'charge']);
    expect((await present(url, answering(challenge), { headers })).status).toBe(200);
  });

  it.each(['evm/charge;q=0', 'evm/charge;q=0, */*'])('accept_payment_preference: %s', async (accept) => {
    const { url } = await sell();
    const { status, headers } = await fetch(url, { headers: { 'accept-payment': accept } });
    expect([status, headers.get('www-authenticate'), headers.get('cache-control')]).toEqual([
      402,
      null,
      'no-store',
    ]);
    expect(headers.get('vary')).toContain('Accept-Payment');
  });

  it('idempotent_post_side_effect', async () => {
    const { url, served } = await sell();
    const order = posting('{"event":"create"}');
    const credential = answering(await challengeOf(url, order));
    const [first, again] = [await present(url, credential, order), await present(url, credential, order)];
    expect([again.status, again.text, served.length]).toEqual([200, first.text, 1]);
    expect(again.receipt).toEqual(first.receipt);
  });

  it.each(['route_bound_basic_charge', 'cross_route_credential_replay_rejected'])('%s', async () => {
    const { url, served } = await sell();
    const credential = answering(await challengeOf(`${url}/basic`));
    await expectRefused(`${url}/premium`, credential, 'invalid-challenge');
    expect((await present(`${url}/basic`, credential)).status).toBe(200);
    await expectRefused(`${url}/premium`, credential, 'invalid-challenge');
    expect(served).toHaveLength(1);
  });

  it.each(['query_bound_charge', 'query_replay_rejected'])('%s', async () => {
    const { url, served } = await sell();
    const credential = answering(await challengeOf(`${url}/?tier=basic`));
    await expectRefused(`${url}/?tier=premium`, credential, 'invalid-challenge');
    expect((await present(`${url}/?tier=basic`, credential)).status).toBe(200);
    expect(served).toHaveLength(1);
  });

  it('concurrent_replay_rejected', async () => {
    const { url, served } = await sell();
    const credential = answering(await challengeOf(url));
    const replies = await Promise.all(Array.from({ length: 20 }, () => present(url, credential)));
    expect(
      replies.filter(({ status, challenges }) => (status !== 200 && status !== 409) || challenges.length > 0),
    ).toEqual([]);
    expect(new Set(replies.filter(({ status }) => status === 200).map(({ text }) => text))).toEqual(
      new Set(['answer 1 to ']),
    );
    expect(served).toHaveLength(1);
  });

  it('discovery_document', async () => {
    const pay = paywall({ payTo: PAY_TO, facilitator: agreeable, routes: { 'GET /weather': '$0.01' } });
    const discovery = pay.discovery({ title: 'Weather' });
    const url = await listen((req, res) => discovery(req, res, () => pay(req, res, () => res.end())));
    const document = await (await fetch(`${url}/openapi.json`)).json();
    const { offers } = document.paths['/weather'].get['x-payment-info'];
    expect(offers).toEqual([expect.objectContaining({ method: 'evm', intent: 'charge', amount: '10000' })]);
    expect(document.paths['/weather'].get.responses).toHaveProperty('402');
  });
});

describe('flows of a buyer', () => {
  const buyer = () => createClient({ privateKey: BUYER_KEY, prefer: ['mpp'], maxAttempts: 1 });
  const request = mpp.evmChargeRequest({
    amount: 10_000n,
    currency: usdc.address,
    recipient: PAY_TO,
    chainId,
    decimals: 6,
  });
  const challenge = () => {
    const expires = new Date(Date.now() + 60_000).toISOString();
    return mpp.serializeChallenge(
      mpp.createChallenge({ realm: 'shop', method: 'evm', intent: 'charge', request, expires }, SECRET),
    );
  };

  /** A seller by hand, who notes the credentials that came. */
  async function byHand(offer: string | undefined, location?: string) {
    const credentials: string[] = [];
    const url = await listen((req, res) => {
      const { authorization } = req.headers;
      if (authorization) credentials.push(authorization);
      if (location) res.writeHead(302, { location }).end();
      else if (authorization) res.end('sold');
      else res.writeHead(402, offer === undefined ? {} : { 'www-authenticate': offer }).end();
    });
    return { url, credentials };
  }

  it('no_receipt_header', async () => {
    const { url, credentials } = await byHand(challenge());
    const response = await buyer().fetch(url);
    expect([response.status, await response.text(), credentials.length]).toEqual([200, 'sold', 1]);
    expect(paymentOf(response)?.transaction).toBeUndefined();
  });

  it.each(['Payment id="x"', 'Payment realm="shop, method=', 'Payments of all kinds'])(
    'invalid_www_authenticate: %s',
    async (offer) => {
      const { url, credentials } = await byHand(offer);
      expect([(await buyer().fetch(url)).status, credentials]).toEqual([402, []]);
    },
  );

  it('same_origin_payment_request', async () => {
    const { url } = await sell();
    const response = await buyer().fetch(`${url}/same-origin`);
    expect([response.status, paymentOf(response)?.dialect]).toEqual([200, 'mpp']);
    expect(response.headers.get('payment-receipt')).not.toBeNull();
  });

  it('plain_payment_request', async () => {
    const { url, served } = await sell();
    const response = await fetch(url);
    expect([response.status, served]).toEqual([402, []]);
  });

  it.each(['cross_origin_redirect_before_402_rejected', 'cross_origin_redirect_before_402_target'])(
    '%s',
    async () => {
      const target = await byHand(challenge());
      const { url, credentials } = await byHand(undefined, target.url);
      await expect(buyer().fetch(url)).rejects.toMatchObject({ reason: 'redirected_elsewhere' });
      expect([credentials, target.credentials]).toEqual([[], []]);
    },
  );
});

/** Flows that have nothing to meet here, and why. */
it.each([
  [
    'json_rpc_mcp_payment',
    'the paywall and the SDK speak HTTP; there is no JSON-RPC binding, so a 402 in it is no offer',
  ],
])('%s does not apply: %s', async () => {
  const { url, served } = await sell();
  const call = posting(
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"org.paymentauth/credential":{}}}}',
  );
  expect([(await fetch(url, call)).status, served]).toEqual([402, []]);
});
