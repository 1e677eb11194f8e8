import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { balanceCall, viemChain } from '@agentpay/evm';
import { eventually } from '@agentpay/testing';
import type { Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { AgreementDev } from './devAgreement.js';

/** What the workflows of the document need of `.agentpay/dev.json`. */
export interface WorkflowDev extends AgreementDev {
  readonly ids: AgreementDev['ids'] & { readonly buyerAgent: string };
  readonly session: { readonly cookie: string };
}

type Body = Record<string, any>;
interface Said {
  readonly status: number;
  readonly body: Body;
}
type Call = (method: string, path: string, body?: object) => Promise<Said>;

const HASH = expect.stringMatching(/^0x[0-9a-f]{64}$/);
const TYPED = {
  domain: expect.any(Object),
  types: expect.any(Object),
  primaryType: expect.any(String),
  message: expect.any(Object),
};
const newAddress = () => privateKeyToAccount(generatePrivateKey()).address;

/** Calls of one credential; without one, of nobody. */
const callerOf =
  ({ api }: WorkflowDev, credential: Record<string, string>): Call =>
  async (method, path, body) => {
    const response = await fetch(api.url + path, {
      method,
      headers: { ...credential, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Body };
  };
const byKey = (dev: WorkflowDev, key: string) => callerOf(dev, { authorization: `Bearer ${key}` });

/** Everybody that the workflows tell of, and somebody who has no part in them. */
async function cast(dev: WorkflowDev) {
  const nobody = callerOf(dev, {});
  const { body } = await nobody('POST', '/v1/agents', { name: 'Stranger' });
  return {
    buyer: byKey(dev, dev.keys.buyerAgent),
    seller: byKey(dev, dev.keys.seller),
    owner: callerOf(dev, { cookie: dev.session.cookie }),
    stranger: byKey(dev, String(body['api_key'])),
    nobody,
  };
}
type Cast = Awaited<ReturnType<typeof cast>>;

const said = (status: number, body: object) => ({ status, body: expect.objectContaining(body) });
const refused = (status: number, code: string) => said(status, { code });

/** A seller on this machine. Its calls are those by the proxy: the platform looks at the address on its own as well. */
async function openSeller() {
  let calls = 0;
  const server = createServer((request, response) => {
    if (request.url === '/forecast') calls++;
    request.resume().on('end', () => response.end(JSON.stringify({ path: request.url })));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => calls,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Workflow 1: registered, found, proposed, and accepted or rejected. Gives the accepted agreement. */
async function discover(dev: WorkflowDev, { buyer, seller, stranger, nobody }: Cast, endpoint_url: string) {
  const name = `Workflow ${generatePrivateKey().slice(2, 12)}`;
  const service = { name, description: 'Forecasts', price_per_call: '0.01', endpoint_url };
  expect((await nobody('POST', '/agents/services', service)).status).toBe(401);
  const registered = await seller('POST', '/agents/services', service);
  expect(registered).toEqual(said(201, { service_id: expect.any(String) }));
  const { service_id } = registered.body;
  expect(await buyer('POST', '/catalog/search', { query: name })).toEqual(
    said(200, { services: [expect.objectContaining({ service_id, name })], total: 1 }),
  );
  const proposal = {
    service_id,
    buyer_wallet_address: privateKeyToAccount(dev.buyer.privateKey).address,
    terms: {},
  };
  expect(await seller('POST', '/usage-agreements', proposal)).toEqual(refused(400, 'invalid_request'));
  const propose = async () => {
    const made = await buyer('POST', '/usage-agreements', proposal);
    expect(made).toEqual(
      said(201, { agreement_id: expect.any(String), status: 'proposed', cap: '1.00', service_id }),
    );
    return `/usage-agreements/${made.body['agreement_id']}`;
  };
  const [at, other] = [await propose(), await propose()];
  expect(await seller('PUT', `${other}/reject`, { reason: 'Not now.' })).toEqual(
    said(200, { status: 'rejected', reason: 'Not now.' }),
  );
  expect(await seller('PUT', `${other}/accept`, {})).toEqual(refused(409, 'agreement_wrong_state'));
  const payee = newAddress();
  const terms = { seller_wallet_address: payee };
  expect(await stranger('PUT', `${at}/accept`, terms)).toEqual(refused(404, 'agreement_not_found'));
  expect(await buyer('PUT', `${at}/accept`, terms)).toEqual(refused(403, 'forbidden'));
  expect(await seller('PUT', `${at}/accept`, terms)).toEqual(said(200, { status: 'accepted' }));
  expect(await seller('PUT', `${at}/reject`, {})).toEqual(refused(409, 'agreement_wrong_state'));
  return { at, payee };
}

/** Workflow 2: package, signatures, and the wait until it is active. */
async function activate(dev: WorkflowDev, { buyer, stranger }: Cast, at: string): Promise<void> {
  const account = privateKeyToAccount(dev.buyer.privateKey);
  const until = (path: string) =>
    eventually(async () => {
      const shown = await buyer('GET', path);
      if (shown.body['status'] === 'active') return shown;
      await new Promise((resolve) => setTimeout(resolve, 250));
      throw new Error(`It is ${shown.body['status']}.`);
    }, 60_000);
  expect(await stranger('GET', `${at}/activation-package`)).toEqual(refused(404, 'agreement_not_found'));
  const signs = await buyer('GET', `${at}/activation-package`);
  const infra_fee = { pending: true, amount: '0.10', permit: TYPED };
  expect(signs).toEqual(
    said(200, { agreement_id: at.split('/').at(-1), activation_intent: TYPED, infra_fee }),
  );
  const proof = {
    activation_signature: await account.signTypedData(signs.body['activation_intent'] as never),
    infra_fee_permit: await account.signTypedData(signs.body['infra_fee'].permit as never),
  };
  const path = `${at}/activate-escrow`;
  const swapped = {
    activation_signature: proof.infra_fee_permit,
    infra_fee_permit: proof.activation_signature,
  };
  expect(await buyer('POST', path, swapped)).toEqual(refused(400, 'invalid_request'));
  expect(await stranger('POST', path, proof)).toEqual(refused(404, 'agreement_not_found'));
  expect(await buyer('POST', path, proof)).toEqual(said(202, { status: 'submitting' }));
  expect((await buyer('POST', path, proof)).status).toBe(202);
  expect((await until(at)).status).toBe(200);
  expect(await until(`${at}/escrow-status`)).toEqual(
    said(200, { cap: '1.00', used: '0.00', remaining: '1.00', activation_tx_hash: HASH, stuck: false }),
  );
}

/** Workflow 3: usage by the proxy and by the seller's word, then the challenge window, and settlement by itself. */
async function use({ buyer, seller, stranger }: Cast, at: string, shop: { calls(): number }): Promise<void> {
  const proxy = `/metered-proxy/${at.split('/').at(-1)}/forecast`;
  expect(await stranger('POST', proxy, {})).toEqual(refused(404, 'agreement_not_found'));
  expect(await seller('POST', proxy, {})).toEqual(refused(403, 'forbidden'));
  expect(await buyer('POST', proxy, { city: 'Berlin' })).toEqual(said(200, { path: '/forecast' }));
  expect(shop.calls()).toBe(1);
  const usage = { units: 2, event_id: 'evening' };
  const recorded = said(200, { recorded: true, used: '0.03', remaining: '0.97' });
  for (let again = 0; again < 2; again++)
    expect(await seller('POST', `${at}/record-usage`, usage)).toEqual(recorded);
  expect(await seller('POST', `${at}/record-usage`, { ...usage, units: 3 })).toEqual(
    refused(409, 'conflict'),
  );
  expect((await seller('POST', `${at}/record-usage`, { units: 98 })).body['code']).toBe('usage_exhausted');
  expect(await buyer('POST', `${at}/record-usage`, { units: 1 })).toEqual(refused(403, 'forbidden'));
  expect(await buyer('GET', `${at}/escrow-status`)).toEqual(said(200, { used: '0.03', remaining: '0.97' }));
  expect(await stranger('POST', `${at}/complete`, {})).toEqual(refused(404, 'agreement_not_found'));
  expect(await buyer('POST', `${at}/complete`, {})).toEqual(said(200, { status: 'challenge_window' }));
  expect(await buyer('POST', proxy, {})).toEqual(refused(409, 'agreement_wrong_state'));
  await eventually(async () => {
    const shown = await buyer('GET', `${at}/escrow-status`);
    if (shown.body['status'] !== 'settled') {
      await new Promise((resolve) => setTimeout(resolve, 250));
      throw new Error(`It is ${shown.body['status']}.`);
    }
    expect(shown).toEqual(said(200, { used: '0.03', settlement_tx_hash: HASH }));
  }, 60_000);
  expect(await seller('GET', at)).toEqual(said(200, { status: 'settled', paid: '0.03' }));
  expect(await seller('POST', `${at}/record-usage`, { units: 1 })).toEqual(
    refused(409, 'agreement_wrong_state'),
  );
  expect(shop.calls()).toBe(1);
}

/** Workflows 1 to 3 of the document, one after the other; gives what moved on the chain in the end. */
export async function buyByWorkflow(dev: WorkflowDev) {
  const node = viemChain({ rpcUrl: dev.chain.rpcUrl });
  const usdc = async (address: Hex) => {
    const [found] = await node.read([balanceCall(dev.chain.usdc, address)]);
    return BigInt((found as { data: Hex }).data);
  };
  const { address } = privateKeyToAccount(dev.buyer.privateKey);
  const [people, shop] = [await cast(dev), await openSeller()];
  try {
    const before = { buyer: await usdc(address), held: await usdc(dev.chain.tokenStore) };
    const { at, payee } = await discover(dev, people, shop.url);
    await activate(dev, people, at);
    const active = await usdc(dev.chain.tokenStore);
    await use(people, at, shop);
    const held = await usdc(dev.chain.tokenStore);
    return {
      locked: active - before.held,
      left: held - before.held,
      spent: before.buyer - (await usdc(address)),
      earned: await usdc(payee),
    };
  } finally {
    await shop.close();
  }
}

/** Workflow 5: the owner sets what needs them, decides, and the agent goes on. */
export async function overseeByWorkflow(dev: WorkflowDev): Promise<void> {
  const { buyer, seller, owner, stranger, nobody } = await cast(dev);
  const at = `/agents/${dev.ids.buyerAgent}`;
  const wanted = { require_approval_over: '0.50' };
  expect((await nobody('PUT', `${at}/policies`, wanted)).status).toBe(401);
  expect((await buyer('PUT', `${at}/policies`, wanted)).status).toBe(401);
  const set = said(200, { policies: expect.objectContaining(wanted) });
  expect(await owner('PUT', `${at}/policies`, wanted)).toEqual(set);
  expect(await owner('GET', `${at}/policies`)).toEqual(set);
  const ask = async () => {
    const asked = await buyer('POST', '/usage-agreements', { service_id: dev.ids.service, terms: {} });
    expect(asked).toEqual(
      said(202, {
        agreement_id: expect.any(String),
        status: 'pending_approval',
        request_id: expect.any(String),
      }),
    );
    const { agreement_id, request_id } = asked.body;
    return { agreement: `/usage-agreements/${agreement_id}`, request: `${at}/approvals/${request_id}` };
  };
  try {
    const [good, bad] = [await ask(), await ask()];
    expect((await stranger('POST', `${good.request}/approve`, {})).status).toBe(401);
    expect((await buyer('POST', `${good.request}/approve`, {})).status).toBe(401);
    expect(await seller('GET', good.agreement)).toEqual(refused(404, 'agreement_not_found'));
    expect(await owner('POST', `${good.request}/approve`, {})).toEqual(said(200, { status: 'approved' }));
    expect((await owner('POST', `${good.request}/reject`, {})).status).toBe(409);
    expect(await owner('POST', `${bad.request}/reject`, {})).toEqual(said(200, { status: 'rejected' }));
    expect((await owner('POST', `${bad.request}/approve`, {})).status).toBe(409);
    expect(await buyer('GET', bad.agreement)).toEqual(said(200, { status: 'rejected' }));
    expect(await buyer('GET', good.agreement)).toEqual(said(200, { status: 'proposed' }));
    expect(await seller('PUT', `${good.agreement}/accept`, {})).toEqual(said(200, { status: 'accepted' }));
  } finally {
    await owner('PUT', `${at}/policies`, { require_approval_over: null });
  }
}
