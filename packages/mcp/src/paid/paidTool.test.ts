import { generateKeyPairSync } from 'node:crypto';
import { verifyPaymentReceipt } from '@agentpay/sdk';
import {
  paidCalls,
  payingMcpClient,
  paidTool,
  type PaidToolHandler,
  type PaidToolOptions,
  type PayingClientOptions,
} from './index.js';
import type { Facilitator } from '@agentpay/protocol';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';

/** Tools that cost money: a server and a client of MCP as their SDK makes them, and the payment between them. */
const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const PRIVATE_KEY = `0x${'59'.repeat(32)}`;
const HASH = `0x${'cd'.repeat(32)}`;
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

/** A facilitator that knows each payment's nonce, and takes it once. */
function countingFacilitator(refuses = false): Facilitator & { settled: string[] } {
  const settled: string[] = [];
  return {
    settled,
    verify: async () =>
      refuses ? { isValid: false, invalidReason: 'insufficient_funds' } : { isValid: true },
    async settle({ paymentPayload: { payload }, paymentRequirements: { network } }) {
      settled.push((payload['authorization'] as { nonce: string }).nonce);
      return { success: true, transaction: HASH, network };
    },
    supported: async () => ({ kinds: [], extensions: [], signers: {} }),
  };
}

type Sold = Partial<PaidToolOptions> & { readonly handler?: PaidToolHandler };

async function shop(
  tools: Readonly<Record<string, Sold>> = { forecast: {} },
  facilitator = countingFacilitator(),
) {
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  let ran = 0;
  server.registerTool('free', {}, async () => ({ content: [{ type: 'text', text: 'free' }] }));
  for (const [name, { handler, ...options }] of Object.entries(tools)) {
    const does: PaidToolHandler = ({ city }) => ({
      content: [{ type: 'text', text: `sunny in ${String(city)}` }],
    });
    const settings = {
      name,
      price: '$0.01',
      payTo: PAY_TO,
      facilitator,
      logger: false as const,
      inputSchema: { city: z.string() },
    };
    paidTool(server, { ...settings, description: 'Forecast', ...options }, (input) => {
      ran++;
      return (handler ?? does)(input);
    });
  }
  const client = new Client({ name: 'agent', version: '1.0.0' });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(ours), client.connect(theirs)]);
  open.push(client, server);
  return { client, facilitator, ran: () => ran };
}

const buyer = (client: Client, options: Partial<PayingClientOptions> = {}) =>
  payingMcpClient(client, { privateKey: PRIVATE_KEY, ...options });

const bern = (name = 'forecast') => ({ name, arguments: { city: 'Bern' } });

it('a call without payment says what to pay, as x402 and MPP write it', async () => {
  const { client, ran } = await shop();
  const { tools } = await client.listTools();
  expect(tools.find(({ name }) => name === 'forecast')).toMatchObject({
    inputSchema: { required: ['city'] },
  });
  const asked = await client.callTool(bern());
  const required = {
    x402Version: 2,
    resource: { url: 'mcp://tool/forecast', description: 'Forecast' },
    accepts: [{ scheme: 'exact', network: 'eip155:84532', amount: '10000', payTo: PAY_TO }],
  };
  expect(asked).toMatchObject({ isError: true, structuredContent: required });
  const [first] = asked.content as { text: string }[];
  expect(JSON.parse(first?.text as string)).toMatchObject({ 'x402/error': { code: 402, data: required } });
  expect(asked._meta?.['org.paymentauth/payment-required']).toMatchObject({
    httpStatus: 402,
    challenges: [{ method: 'evm', intent: 'charge', request: { amount: '10000', recipient: PAY_TO } }],
  });
  expect(ran()).toBe(0);
});

it.each(['x402v2', 'mpp'] as const)(
  'the client pays in %s, once, and gets the result with the receipt',
  async (dialect) => {
    const { client, facilitator, ran } = await shop();
    const result = await buyer(client, { prefer: [dialect] }).callTool(bern());
    expect(result.content).toEqual([{ type: 'text', text: 'sunny in Bern' }]);
    expect(result.payment).toMatchObject({ dialect, amount: 10_000n, payTo: PAY_TO, transaction: HASH });
    const receipt = dialect === 'mpp' ? 'org.paymentauth/receipt' : 'x402/payment-response';
    expect(result._meta?.[receipt]).toMatchObject(
      dialect === 'mpp' ? { reference: HASH } : { success: true, transaction: HASH },
    );
    expect([facilitator.settled.length, ran()]).toEqual([1, 1]);
  },
);

it('a tool that fails is not charged for, and one that is free is not paid', async () => {
  const failing: PaidToolHandler = () => ({ isError: true, content: [{ type: 'text', text: 'no weather' }] });
  const broken: PaidToolHandler = () => {
    throw new Error('no satellite');
  };
  const { client, facilitator } = await shop({ forecast: { handler: failing }, radar: { handler: broken } });
  const agent = buyer(client);
  expect(await agent.callTool(bern('radar'))).toMatchObject({ isError: true });
  expect(await agent.callTool(bern())).toMatchObject({ isError: true, content: [{ text: 'no weather' }] });
  const free = await agent.callTool({ name: 'free' });
  expect([free.content, free.payment]).toEqual([[{ type: 'text', text: 'free' }], undefined]);
  expect(facilitator.settled).toEqual([]);
});

it('nothing above the budget is paid, and a refused payment is not followed by another', async () => {
  const dear = await shop({ forecast: { price: '$0.50' } });
  const agent = buyer(dear.client, { budget: { perRequest: '$0.10' } });
  await expect(agent.callTool(bern())).rejects.toMatchObject({
    kind: 'budget_exceeded',
    reason: 'per_request',
  });
  const refusing = await shop({ forecast: {} }, countingFacilitator(true));
  await expect(buyer(refusing.client).callTool(bern())).rejects.toMatchObject({ kind: 'payment_refused' });
  expect([dear.ran(), refusing.ran()]).toEqual([0, 0]);
});

it.each(['x402v2', 'mpp'] as const)(
  'a proof in %s buys one call, of the tool that it was made for',
  async (dialect) => {
    const { client, facilitator, ran } = await shop({ forecast: {}, history: {} });
    const sent: unknown[] = [];
    const call = client.callTool.bind(client);
    client.callTool = (params, ...rest) => {
      if (Object.keys(params._meta ?? {}).length > 0) sent.push(params._meta);
      return call(params, ...rest);
    };
    await buyer(client, { prefer: [dialect] }).callTool(bern());
    const _meta = sent[0] as Record<string, unknown>;
    const elsewhere = await call({ ...bern('history'), _meta });
    expect(elsewhere).toMatchObject({ isError: true });
    await call({ ...bern(), arguments: { city: 'Basel' }, _meta });
    expect([sent.length, ran(), facilitator.settled.length]).toEqual([1, 1, 1]);
  },
);

it('a lost response is asked for again by the same proof', async () => {
  const { client, facilitator, ran } = await shop();
  const call = client.callTool.bind(client);
  const proofs: string[] = [];
  client.callTool = async (params, ...rest) => {
    const result = await call(params, ...rest);
    if (!params._meta?.['x402/payment']) return result;
    proofs.push(JSON.stringify(params._meta));
    if (proofs.length === 1) throw new McpError(ErrorCode.ConnectionClosed, 'Connection closed');
    return result;
  };
  const result = await buyer(client).callTool(bern());
  expect(result.content).toEqual([{ type: 'text', text: 'sunny in Bern' }]);
  expect([proofs.length, new Set(proofs).size, ran(), facilitator.settled.length]).toEqual([2, 1, 1, 1]);
});

it.each(['x402v2', 'mpp'] as const)('a seller with a key signs a receipt, in %s', async (dialect) => {
  const { privateKey: receiptKey, publicKey } = generateKeyPairSync('ed25519');
  const baseUrl = 'https://tools.example';
  const { client } = await shop({ forecast: { receiptKey, baseUrl }, plain: {} });
  const paying = buyer(client, { prefer: [dialect] });
  const { _meta } = await paying.callTool(bern());
  const calls = paidCalls({ payTo: PAY_TO, facilitator: countingFacilitator(), receiptKey, logger: false });
  const { keys } = calls.receiptKeys();
  expect(keys).toMatchObject([{ x: publicKey.export({ format: 'jwk' }).x }]);
  expect(verifyPaymentReceipt(String(_meta?.['agentpay/receipt-jws']), keys as [])).toMatchObject({
    iss: baseUrl,
    path: '/tools/forecast',
    amount: '10000',
    transaction: HASH,
  });
  expect(Object.keys((await paying.callTool(bern('plain')))._meta ?? {})).not.toContain(
    'agentpay/receipt-jws',
  );
});

it('tools of one paywall are listed with what each can be paid with', () => {
  const calls = paidCalls({ payTo: PAY_TO, facilitator: countingFacilitator(), logger: false });
  const handler = () => ({ content: [] });
  calls.sell({ name: 'a*b', price: '$0.01' }, handler);
  calls.sell({ name: 'dear', price: '$2' }, handler);
  const amounts = [...calls.offers()].map(([name, [offer]]) => [name, (offer as { amount: string }).amount]);
  expect(amounts).toEqual([
    ['a*b', '10000'],
    ['dear', '2000000'],
  ]);
});

it('errors of MCP pass through, and wrong options are refused', async () => {
  const { client, facilitator } = await shop();
  const missing = await buyer(client)
    .callTool({ name: 'nothing' })
    .catch((error: unknown) => error);
  expect(JSON.stringify(missing)).toMatch(/not found|-32602/);
  expect(facilitator.settled).toEqual([]);
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  const wrong = {
    name: 'x',
    price: 'much',
    payTo: PAY_TO,
    facilitator: 'http://127.0.0.1:1',
    logger: false as const,
  };
  expect(() => paidTool(server, wrong, () => ({ content: [] }))).toThrow(TypeError);
});
