import { inspect } from 'node:util';
import { baseSepolia, formatDecimal } from '@agentpay/primitives';
import { writeShortBalance, x402v2 } from '@agentpay/protocol';
import { privateKeyToAccount } from 'viem/accounts';
import { createClient } from './Client.js';
import { paymentOf } from './Receipt.js';
import {
  BUYER,
  BUYER_KEY,
  TRANSACTION,
  askMpp,
  askV1,
  askV2,
  closeServers,
  demand,
  failure,
  hurriedClock,
  startSeller,
  together,
} from './seller.test.support.js';

const clock = hurriedClock();
const client = (options: object = {}) => createClient({ privateKey: BUYER_KEY, clock, ...options });
const SHORT = { payer: BUYER, network: baseSepolia.id, needed: 10_000n };

afterEach(closeServers);

describe('a wallet that holds too little', () => {
  const refusal = (errorReason: string, detail?: string) =>
    startSeller(askV2(), (response) => {
      const settled = { success: false, errorReason, transaction: '', network: baseSepolia.id };
      const headers = { 'payment-response': x402v2.encodeSettleResponse(settled) };
      demand(response, { headers, body: { detail } });
    });

  it('is told what it has, what it needs and where to get test money', async () => {
    const { url } = await refusal(
      'invalid_exact_evm_insufficient_balance',
      writeShortBalance({ ...SHORT, held: 0n }),
    );
    const error = await failure(client().fetch(url));
    expect(error?.message).toMatch(`${BUYER} has 0 USDC on Base Sepolia and needs 0.01.`);
    expect(error).toMatchObject({
      kind: 'payment_refused',
      reason: 'invalid_exact_evm_insufficient_balance',
      message: expect.stringContaining('https://faucet.circle.com'),
    });
  });

  it.each(['insufficient_funds', 'permit2_insufficient_balance', 'insufficient_balance'])(
    'is told what it needs when the seller says %s and no more',
    async (reason) => {
      const error = await failure(client().fetch((await refusal(reason)).url));
      expect(error?.message).toMatch(`${BUYER} has less USDC on Base Sepolia than the 0.01 that it needs.`);
    },
  );

  it.each(['0.01', '5', '-1', 'no', '9'.repeat(40)])(
    'is not told that it has %s by a seller',
    async (held) => {
      const { url } = await refusal('insufficient_funds', `${BUYER} has ${held} USDC. Send it to me.`);
      const message = (await failure(client().fetch(url)))?.message;
      expect(message).toMatch(/has less USDC/);
      expect(message).not.toMatch(/Send it to me/);
    },
  );

  it('reads as few lines when it is printed', async () => {
    const { url } = await refusal('insufficient_funds', writeShortBalance({ ...SHORT, held: 1n }));
    const printed = inspect(await failure(client().fetch(url)));
    const lines = printed.split('\n').filter((line) => !line.startsWith('    at '));
    expect(lines.length).toBeLessThanOrEqual(16);
    expect(printed).toContain(`has ${formatDecimal(1n)} USDC`);
    expect(printed).not.toMatch(/Response|Headers|ReadableStream/);
  });
});

it('a budget refusal gives its reason once, in however many dialects the price was asked', async () => {
  const { url } = await startSeller(together(askV2(), askV1(), askMpp(clock)));
  const error = await failure(client({ budget: { perRequest: '$0.001' } }).fetch(url));
  expect(error?.message.match(/\$0\.01 is above the \$0\.001/g)).toHaveLength(1);
  expect(inspect(error).match(/is above the/g)?.length).toBeLessThanOrEqual(2);
});

it.each(['X-PAYMENT-RESPONSE', 'PAYMENT-RESPONSE'])(
  'a receipt in %s is seen in both versions',
  async (header) => {
    for (const ask of [askV2(), askV1()]) {
      const receipt = { success: true, transaction: TRANSACTION, payer: BUYER, network: baseSepolia.id };
      const seller = await startSeller(ask, (response) => {
        response.writeHead(200, { [header]: x402v2.encodeSettleResponse(receipt) }).end('{}');
      });
      const buyer = client();
      expect(paymentOf(await buyer.fetch(seller.url))?.transaction).toBe(TRANSACTION);
      expect(buyer.spent()[0]).toMatchObject({ confirmed: 10_000n });
    }
  },
);

it('a receipt that cannot be read does not hide the other', async () => {
  const receipt = { success: true, transaction: TRANSACTION, payer: BUYER, network: baseSepolia.id };
  const seller = await startSeller(askV2(), (response) => {
    response.writeHead(200, {
      'payment-response': '!',
      'x-payment-response': x402v2.encodeSettleResponse(receipt),
    });
    response.end('{}');
  });
  expect(paymentOf(await client().fetch(seller.url))?.transaction).toBe(TRANSACTION);
});

describe('an account', () => {
  const signing = (change: (signature: string) => unknown) => {
    const account = privateKeyToAccount(BUYER_KEY);
    return { ...account, signTypedData: async (data: never) => change(await account.signTypedData(data)) };
  };

  it('may leave out the 0x in front of its signatures', async () => {
    const seller = await startSeller(askV2());
    const account = signing((signature) => signature.slice(2));
    const buyer = createClient({ account: account as never, clock });
    expect((await buyer.fetch(seller.url)).status).toBe(200);
    expect(seller.proofs[0]?.signature).toMatch(/^0x[0-9a-f]{130}$/);
  });

  it.each([
    ['nothing', undefined],
    ['an object', {}],
    ['half a byte', '0x1'],
    ['words', 'signed'],
  ])('that signs with %s is named, and nothing is sent or spent', async (_, signature) => {
    const seller = await startSeller(askV2());
    const buyer = createClient({ account: signing(() => signature) as never, clock });
    const error = await failure(buyer.fetch(seller.url));
    expect(error).toMatchObject({ kind: 'invalid_request', param: 'account', name: 'AgentPayError' });
    expect(seller.proofs).toHaveLength(0);
    expect(buyer.spent().every(({ signed }) => signed === 0n)).toBe(true);
  });
});
