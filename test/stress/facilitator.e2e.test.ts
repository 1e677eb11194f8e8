import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalChain, type LocalChain } from '@agentpay/dev';
import { eventually } from '@agentpay/testing';
import { createTestClient, http, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import {
  newAccount,
  paymentOf,
  readChain,
  startFacilitator,
  type FacilitatorNode,
} from './facilitatorNode.js';

describe('the facilitator process on a real chain', () => {
  const signerKey = generatePrivateKey();
  const signer = privateKeyToAccount(signerKey).address;
  let chain: LocalChain;
  let folder: string;
  let seller: Hex;
  const running: FacilitatorNode[] = [];

  beforeAll(async () => {
    chain = await startLocalChain({ blockTime: 0.2 });
    await chain.fund(signer, { eth: 10n ** 18n });
  });
  afterAll(() => chain.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'agentpay-facilitator-'));
    seller = newAccount().address;
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((node) => node.kill()));
    rmSync(folder, { recursive: true });
  });

  async function start(env: Record<string, string> = {}): Promise<FacilitatorNode> {
    const node = await startFacilitator({
      RPC_URL: chain.rpcUrl,
      SIGNER_KEYS: signerKey,
      DATA_DIR: folder,
      ...env,
    });
    running.push(node);
    return node;
  }

  async function fundedAccounts(count: number, usdc: bigint) {
    const accounts = Array.from({ length: count }, newAccount);
    await Promise.all(accounts.map(({ address }) => chain.fund(address, { usdc })));
    return accounts;
  }

  it('moves the money once for 50 concurrent copies of one payment', async () => {
    const facilitator = await start();
    const [payer] = await fundedAccounts(1, 100_000n);
    const request = await paymentOf(payer as NonNullable<typeof payer>, seller);
    const answers = await Promise.all(Array.from({ length: 50 }, () => facilitator.settle(request)));
    expect(answers[0]).toMatchObject({
      success: true,
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    });
    expect(answers.every(({ success }) => success)).toBe(true);
    expect(new Set(answers.map(({ transaction }) => transaction)).size).toBe(1);
    expect(await readChain(chain).usdc(seller)).toBe(10_000n);
  });

  it('settles 64 concurrent payments of 8 payers, in fewer transactions than payments', async () => {
    const facilitator = await start();
    const payers = await fundedAccounts(8, 1_000_000n);
    const requests = await Promise.all(
      payers.flatMap((payer) => Array.from({ length: 8 }, () => paymentOf(payer, seller))),
    );
    const before = await readChain(chain).nonce(signer);
    const answers = await Promise.all(requests.map((request) => facilitator.settle(request)));
    expect(answers.filter(({ success }) => !success)).toEqual([]);
    expect(await readChain(chain).usdc(seller)).toBe(640_000n);
    const hashes = new Set(answers.map(({ transaction }) => transaction));
    expect((await readChain(chain).nonce(signer)) - before).toBe(hashes.size);
    expect(hashes.size).toBeLessThan(64);
  });

  it('killed between broadcast and receipt, it goes on after the restart: same transaction, money moved once', async () => {
    const { usdc, nonce } = readChain(chain);
    const node = createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) });
    const victim = await start({ SETTLE_TIMEOUT_MS: '500' });
    const [payer] = await fundedAccounts(1, 100_000n);
    const request = await paymentOf(payer as NonNullable<typeof payer>, seller);
    const before = await nonce(signer);
    await node.setIntervalMining({ interval: 0 });
    // It waits no longer than it is told, and on a busy machine has signed nothing by then.
    const pending = await eventually(async () => {
      const said = await victim.settle(request);
      expect(said).toMatchObject({
        success: false,
        errorReason: 'settlement_pending',
        transaction: expect.stringMatching(/^0x/),
      });
      return said;
    });
    const lost = victim.settle(request).catch(() => 'lost');
    await victim.kill();
    expect(await lost).toBe('lost');

    // The node forgets the transaction too: only the facilitator's record can bring it back.
    await node.dropTransaction({ hash: pending.transaction as Hex });
    const heir = await start();
    const answer = heir.settle(request);
    await eventually(async () => expect(await nonce(signer, 'pending')).toBe(before + 1));
    await node.setIntervalMining({ interval: 1 });
    expect(await answer).toMatchObject({ success: true, transaction: pending.transaction });
    expect(await usdc(seller)).toBe(10_000n);
    expect(await heir.settle(request)).toMatchObject({ success: true, transaction: pending.transaction });
    expect(await nonce(signer)).toBe(before + 1);
  });

  it('ends at SIGTERM with 0 and keeps what it knows', async () => {
    const first = await start();
    const [payer] = await fundedAccounts(1, 100_000n);
    const request = await paymentOf(payer as NonNullable<typeof payer>, seller);
    const answer = await first.settle(request);
    expect(await first.stop()).toBe(0);
    expect(await (await start()).settle(request)).toEqual({ ...answer, repeat: true });
  });
});
