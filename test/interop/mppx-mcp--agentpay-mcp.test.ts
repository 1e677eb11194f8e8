import { paidTool, payingMcpClient } from '@agentpay/mcp/paid';
import { baseSepolia } from '@agentpay/primitives';
import type { Facilitator } from '@agentpay/protocol';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { evm as evmClient } from 'mppx/client';
import { McpClient } from 'mppx/mcp/client';
import { Transport } from 'mppx/mcp/server';
import { Mppx, evm } from 'mppx/server';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

/** mppx's MCP client and server with ours: paid tools, both ways. */
const PAY_TO = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const HASH = `0x${'cd'.repeat(32)}`;
const open: { close(): Promise<void> }[] = [];
afterAll(() => Promise.all(open.map((each) => each.close())));

async function connect(server: McpServer): Promise<Client> {
  const client = new Client({ name: 'agent', version: '1.0.0' });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(ours), client.connect(theirs)]);
  open.push(client, server);
  return client;
}

const goods = { content: [{ type: 'text' as const, text: 'sunny' }] };

it("mppx's MCP client pays for our paid tool", async () => {
  let settled = 0;
  const facilitator: Facilitator = {
    verify: async () => ({ isValid: true }),
    async settle({ paymentRequirements: { network } }) {
      settled++;
      return { success: true, transaction: HASH, network };
    },
    supported: async () => ({ kinds: [], extensions: [], signers: {} }),
  };
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  paidTool(server, { name: 'forecast', price: '$0.01', payTo: PAY_TO, facilitator }, () => goods);
  const account = privateKeyToAccount(generatePrivateKey());
  const methods = [evmClient.charge({ account, currencies: [evmClient.assets.baseSepolia.USDC] })];
  const client = McpClient.wrap(await connect(server), { methods });
  const result = await client.callTool({ name: 'forecast', arguments: {} });
  expect(result).toMatchObject({ ...goods, receipt: { status: 'success', reference: HASH } });
  expect(settled).toBe(1);
});

it("our MCP client pays for a tool behind mppx's MCP transport", async () => {
  const payers: string[] = [];
  const { usdc, chainId } = baseSepolia;
  // The method comes with a transport for HTTP, which would be used in place of the one below.
  const { transport: _, ...charge } = evm.charge({
    chainId,
    currency: usdc.address,
    decimals: usdc.decimals,
    recipient: PAY_TO,
    authorization: { ...usdc.eip712 },
    settle: async ({ payload }) => {
      payers.push(payload.from);
      return { reference: HASH };
    },
  });
  const payment = Mppx.create({
    realm: 'weather',
    secretKey: Buffer.alloc(32, 7).toString('base64'),
    transport: Transport.mcpSdk(),
    methods: [charge as ReturnType<typeof evm.charge>],
  });
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  server.registerTool('forecast', {}, async (extra: unknown) => {
    const paid = await payment.charge({ amount: '0.01' })(extra as never);
    if (paid.status === 402) throw paid.challenge;
    return paid.withReceipt(goods as never) as unknown as typeof goods;
  });
  const privateKey = generatePrivateKey();
  const buyer = payingMcpClient(await connect(server), { privateKey });
  const result = await buyer.callTool({ name: 'forecast' });
  expect(result).toMatchObject({ ...goods, payment: { dialect: 'mpp', amount: 10_000n, transaction: HASH } });
  expect(payers).toEqual([privateKeyToAccount(privateKey).address]);
});
