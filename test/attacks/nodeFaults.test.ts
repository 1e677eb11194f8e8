import { eventually, nodeRefusals, type RpcFault } from '@agentpay/testing';
import { toHex, type Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import {
  openAttackBed,
  settleFirmly,
  settlePending,
  type AttackBed,
  type Said,
  type Target,
} from './attackBed.js';
import { newAccount, paymentOf, PRICE, type Request } from './payment.js';

const SEND = 'eth_sendRawTransaction';
const RECEIPT = 'eth_getTransactionReceipt';

describe('A9 nodes that fail or lie', () => {
  let bed: AttackBed;
  let target: Target;
  let payer: PrivateKeyAccount;
  let seller: Hex;

  beforeAll(async () => {
    bed = await openAttackBed();
    target = await bed.start({ SETTLE_TIMEOUT_MS: '1500' });
  });
  afterAll(() => bed.close());
  beforeEach(async () => {
    payer = await bed.payer();
    seller = newAccount().address;
  });
  afterEach(() => bed.proxy.heal());

  const pay = () => paymentOf(payer, { payTo: seller });

  async function expectOneTransfer(work: () => Promise<Said>): Promise<void> {
    const before = await bed.sent(target.signer);
    expect(await work()).toMatchObject({ success: true });
    expect(await bed.usdc(seller)).toBe(PRICE);
    expect((await bed.sent(target.signer)) - before).toBe(1);
  }

  it.each<[string, RpcFault, number]>([
    ['is lost before the node sees it', 'drop', 1],
    ['is taken, but the response is lost', 'drop answer', 1],
    ['is taken, but said to be known already', { errorAfter: nodeRefusals.alreadyKnown }, 1],
    ['is taken, but said to have a nonce too low', { errorAfter: nodeRefusals.nonceTooLow }, 1],
    ['is taken, but said to be underpriced', { errorAfter: nodeRefusals.underpriced }, 1],
    ['is refused for a nonce too low', { error: nodeRefusals.nonceTooLow }, 2],
    ['is refused as underpriced', { error: nodeRefusals.underpriced }, 2],
    ['is refused for want of ether', { error: nodeRefusals.poor }, 2],
    ['meets a limit', { status: 429, body: 'slow down' }, 2],
    ['meets a page of HTML', { status: 200, body: '<html>welcome</html>' }, 2],
    ['meets a gateway that is down', { status: 502, body: '<html>bad gateway</html>' }, 2],
    ['takes long', { delayMs: 700 }, 1],
  ])('a broadcast that %s ends in one transaction and one transfer', async (_, fault, times) => {
    const request = await pay();
    bed.proxy.fault(SEND, fault, times);
    await expectOneTransfer(() => settleFirmly(target, request));
  });

  it('receipts that are withheld: pending with the hash, and success under the same hash later', async () => {
    const request = await pay();
    bed.proxy.fault(RECEIPT, { lie: () => null }, Infinity);
    bed.proxy.fault('eth_getLogs', { lie: () => [] }, Infinity);
    const pending = await settlePending(target, request);
    expect(pending).toMatchObject({
      success: false,
      errorReason: 'settlement_pending',
      transaction: expect.stringMatching(/^0x/),
    });
    bed.proxy.heal();
    await expectOneTransferWas(request, pending);
  });

  it('receipts that do not come: pending with the hash, and success under the same hash later', async () => {
    const request = await pay();
    bed.proxy.fault(RECEIPT, 'drop', Infinity);
    bed.proxy.fault('eth_getLogs', 'drop', Infinity);
    const pending = await settlePending(target, request);
    expect(pending).toMatchObject({
      success: false,
      errorReason: 'settlement_pending',
      transaction: expect.stringMatching(/^0x/),
    });
    bed.proxy.heal();
    await expectOneTransferWas(request, pending);
  });

  async function expectOneTransferWas(request: Request, { transaction }: Said): Promise<void> {
    expect(await settleFirmly(target, request)).toMatchObject({ success: true, transaction });
    expect(await bed.usdc(seller)).toBe(PRICE);
  }

  it('a failure that the node made up is not passed on', async () => {
    const request = await pay();
    const reverted = (receipt: unknown) => receipt && { ...receipt, status: '0x0', logs: [] };
    bed.proxy.fault(RECEIPT, { lie: reverted }, 3);
    const answer = await settleFirmly(target, request);
    const moved = await bed.usdc(seller);
    expect({ success: answer.success, moved }).toEqual({ success: true, moved: PRICE });
  });

  it('a node that lags behind: old block, old account nonce', async () => {
    let block: unknown;
    const old = (result: unknown) => (block ??= result);
    bed.proxy.fault('eth_getBlockByNumber', { lie: old }, 6);
    bed.proxy.fault(
      'eth_getTransactionCount',
      { lie: (count) => `0x${Math.max(0, Number(count) - 1).toString(16)}` },
      2,
    );
    const request = await pay();
    await expectOneTransfer(() => settleFirmly(target, request));
  });

  it('no verdict on a payment while the node does not answer: 503 with Retry-After', async () => {
    const request = await pay();
    for (const fault of ['drop', { status: 429 }, { error: 'internal error', code: -32_603 }] as const) {
      bed.proxy.fault('eth_call', fault, Infinity);
      const said = await target.verify(request);
      bed.proxy.heal();
      expect(said).toMatchObject({
        status: 503,
        code: 'facilitator_unavailable',
        retryAfter: expect.stringMatching(/^\d+$/),
      });
      expect(said.isValid).toBeUndefined();
    }
    expect(await target.verify(request)).toMatchObject({ isValid: true });
  });

  it('a node that asks absurd fees: nothing is claimed or signed, and the same payment is made when they come down', async () => {
    const careful = await bed.start();
    bed.proxy.fault('eth_maxPriorityFeePerGas', { lie: () => toHex(10n ** 12n) }, Infinity);
    const request = await pay();
    expect(await careful.settle(request)).toMatchObject({
      status: 503,
      code: 'facilitator_unavailable',
      retryAfter: '10',
    });
    expect(await careful.verify(request)).toMatchObject({ isValid: true });
    expect(await bed.sent(careful.signer, 'pending')).toBe(0);
    bed.proxy.heal();
    await eventually(async () => expect(await careful.settle(request)).toMatchObject({ success: true }));
    expect([await bed.usdc(seller), await bed.sent(careful.signer)]).toEqual([PRICE, 1]);
    await careful.stop();
  });

  it('a node of another chain: it does not start', async () => {
    bed.proxy.fault('eth_chainId', { lie: () => '0x1' }, Infinity);
    await expect(bed.start()).rejects.toThrow(/on chain 1, not on base-sepolia/);
  });

  it('no fresh nonce is asked for while the outcome is open: what is pending stays the same payment', async () => {
    const request = await pay();
    const answers: Said[] = [];
    await bed.withoutBlocks(async () => {
      for (let i = 0; i < 2; i++) answers.push(await settlePending(target, request));
    });
    expect(answers.map(({ errorReason }) => errorReason)).toEqual([
      'settlement_pending',
      'settlement_pending',
    ]);
    expect(answers[0]?.transaction).toBe(answers[1]?.transaction);
    expect(await settleFirmly(target, request)).toMatchObject({
      success: true,
      transaction: answers[0]?.transaction,
    });
  });
});
