/** The flows of the conformance suite of the Payment scheme, by their names there: a seller's by the paywall. */
import { paywall } from '@agentpay/paywall';
import { AgentPayError, systemClock } from '@agentpay/primitives';
import { base64url, mpp, type Facilitator } from '@agentpay/protocol';
import {
  closeSellers,
  PAY_TO,
  problem,
  listen,
  agreeable,
  sell,
  challengeOf,
  answering,
  reissued,
  present,
  expectRefused,
  posting,
  chainId,
} from './mppFlows.js';

afterEach(closeSellers);

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
    const pay = paywall({
      logger: false,
      payTo: PAY_TO,
      facilitator: agreeable,
      routes: { 'GET /weather': '$0.01' },
    });
    const discovery = pay.discovery({ title: 'Weather' });
    const url = await listen((req, res) => discovery(req, res, () => pay(req, res, () => res.end())));
    const document = await (await fetch(`${url}/openapi.json`)).json();
    const { offers } = document.paths['/weather'].get['x-payment-info'];
    expect(offers).toEqual([expect.objectContaining({ method: 'evm', intent: 'charge', amount: '10000' })]);
    expect(document.paths['/weather'].get.responses).toHaveProperty('402');
  });
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
