import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { agreements } from '@agentpay/core';
import { meteredCalls } from '@agentpay/paywall';
import { newAgent, closeBalanced, testApi, type TestApi } from '../families/testApi.js';
import { signedIn } from '../families/signedIn.js';
import { curlShell } from './curl.js';

/** The workflows of the document about usage agreements, as a shell sends them, with a seller who knows metered calls by their token. */
let api: TestApi;
let seller: Server;
const variables: Record<string, string> = {};

beforeAll(async () => {
  api = await testApi({
    OUTBOUND_LOOPBACK: 'true',
    DEV_SIGN_IN: 'true',
    CHALLENGE_WINDOW_SECONDS: '60',
    SANDBOX_AUTO_APPROVE: 'true',
  });
  seller = createServer((request, response) => {
    const metered = meteredCalls({ url: api.url, service: variables['SERVICE'] as string, clock: api.clock });
    void metered(request).then((usage) => {
      response.statusCode = usage ? 200 : 402;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ agreement: usage?.agreement, path: request.url }));
    });
  }).listen(0, '127.0.0.1');
  await once(seller, 'listening');
  const { writes } = await signedIn(api);
  const buyer = await newAgent(api, { name: 'Buyer', funds: 10, by: { ...writes } });
  const { key } = await newAgent(api, { name: 'Seller' });
  Object.assign(variables, {
    BASE: api.url,
    BUYER: buyer.key,
    BUYER_ID: buyer.id,
    SELLER: key,
    COOKIE: writes.cookie,
    CSRF: writes['x-csrf-token'],
    WALLET: '0x857b06519E91e3A54538791bDbb0E22373e36b66',
  });
});
afterAll(async () => {
  seller.closeAllConnections();
  await new Promise((resolve) => seller.close(resolve));
  await closeBalanced(api);
});

const { curl, keep, post, get } = curlShell(variables);
const BUYER = '-H "Authorization: Bearer $BUYER"';
const SELLER = '-H "Authorization: Bearer $SELLER"';
const OWNER = '-H "Cookie: $COOKIE" -H "X-CSRF-Token: $CSRF"';
const JSON_BODY = '-H "Content-Type: application/json"';
const put = (path: string, headers: string, body = '{}') =>
  curl(`curl -X PUT $BASE${path} ${headers} ${JSON_BODY} -d '${body}'`);
const AT = '/usage-agreements/$AGREEMENT';

it('1: a service is registered, found, and an agreement about it proposed and accepted', async () => {
  const { port } = seller.address() as AddressInfo;
  const service = `{"name":"WeatherAPI","description":"Forecasts","price_per_call":0.01,"endpoint_url":"http://127.0.0.1:${port}/v1"}`;
  keep('SERVICE', (await post('/agents/services', SELLER, service))['service_id']);
  const found = await post('/catalog/search', BUYER, '{"query":"weather"}');
  expect(found).toMatchObject({ services: [{ service_id: variables['SERVICE'] }], total: 1 });
  const body = `{"service_id":"${variables['SERVICE']}","buyer_wallet_address":"${variables['WALLET']}","terms":{}}`;
  const proposed = await post('/usage-agreements', BUYER, body);
  expect(proposed).toMatchObject({
    status: 'proposed',
    cap: '1.00',
    buyer_wallet_address: variables['WALLET'],
  });
  keep('AGREEMENT', proposed['agreement_id']);
  expect(await put(`${AT}/accept`, SELLER)).toMatchObject({ status: 'accepted' });
});

it('2: the buyer activates it', async () => {
  expect(await get(`${AT}/activation-package`, BUYER)).toMatchObject({
    agreement_id: variables['AGREEMENT'],
    infra_fee: { pending: false },
  });
  await post(`${AT}/activate-escrow`, BUYER, '{}');
  expect(await get(AT, BUYER)).toMatchObject({ status: 'active' });
  expect(await get(`${AT}/escrow-status`, BUYER)).toMatchObject({ status: 'active', remaining: '1.00' });
});

it('3: usage is metered, and settled by itself', async () => {
  const called = await post('/metered-proxy/$AGREEMENT/forecast', BUYER, '{"city":"Berlin"}');
  expect(called).toEqual({ agreement: variables['AGREEMENT'], path: '/v1/forecast' });
  await post(`${AT}/record-usage`, SELLER, '{"units":2}');
  expect(await get(`${AT}/escrow-status`, SELLER)).toMatchObject({ used: '0.03', remaining: '0.97' });
  expect(await post(`${AT}/complete`, BUYER, '{}')).toMatchObject({ status: 'challenge_window' });
  api.clock.advance(60_000);
  await agreements.work(api.composition.core, { limit: 10 });
  expect(await get(`${AT}/escrow-status`, BUYER)).toMatchObject({ status: 'settled', used: '0.03' });
  expect(await get(AT, SELLER)).toMatchObject({ status: 'settled', paid: '0.03' });
});

it('5: the owner sets policies and approves what needs it', async () => {
  const at = '/agents/$BUYER_ID';
  expect(await put(`${at}/policies`, OWNER, '{"require_approval_over":"0.50"}')).toMatchObject({
    policies: { require_approval_over: '0.50' },
  });
  expect(await get(`${at}/policies`, OWNER)).toMatchObject({ policies: { daily_limit: null } });
  const waiting = await post('/usage-agreements', BUYER, `{"service_id":"${variables['SERVICE']}"}`);
  expect(waiting).toMatchObject({ status: 'pending_approval' });
  keep('REQUEST', waiting['request_id']);
  keep('AGREEMENT', waiting['agreement_id']);
  expect(await post(`${at}/approvals/$REQUEST/approve`, OWNER, '{}')).toMatchObject({ status: 'approved' });
  expect(await get(AT, BUYER)).toMatchObject({ status: 'proposed' });
});
