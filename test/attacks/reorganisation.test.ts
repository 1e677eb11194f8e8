import { pgDb } from '@agentpay/storage';
import { eventually } from '@agentpay/testing';
import { createTestClient, http, type Hex, type TestClient } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { openAttackBed, type AttackBed, type Target } from './attackBed.js';
import { newAccount, paymentOf, PRICE } from './payment.js';

describe('A9 a chain that takes blocks back', () => {
  let bed: AttackBed;
  let target: Target;
  let database: string;
  let node: TestClient;
  let payer: PrivateKeyAccount;
  let seller: Hex;

  beforeAll(async () => {
    bed = await openAttackBed();
    database = await bed.database();
    target = await bed.start({ DATABASE_URL: database });
    node = createTestClient({ mode: 'anvil', transport: http(bed.proxy.url) });
  });
  afterAll(() => bed.close());
  beforeEach(async () => {
    payer = await bed.payer();
    seller = newAccount().address;
  });

  const pay = () => paymentOf(payer, { payTo: seller });
  const rpc = <T>(method: string, params: readonly unknown[] = []) =>
    node.request({ method, params } as never) as Promise<T>;

  /** Replaces the block of the transaction, and those behind it, by empty ones; the node forgets what was in them. */
  async function takeBack(hash: Hex): Promise<void> {
    const { blockNumber } = await rpc<{ blockNumber: Hex }>('eth_getTransactionReceipt', [hash]);
    const depth = Number(await rpc<Hex>('eth_blockNumber')) - Number(blockNumber) + 1;
    await rpc('anvil_reorg', [depth, []]);
    expect(await rpc('eth_getTransactionReceipt', [hash])).toBeNull();
  }

  it('a payment whose block is lost is made again by the same transaction, before what comes after it', async () => {
    const first = await pay();
    const answer = await target.settle(first);
    const before = await bed.sent(target.signer);
    await bed.withoutBlocks(async () => {
      await takeBack(answer.transaction as Hex);
      expect(await bed.sent(target.signer)).toBe(before - 1);
    });
    const second = await pay();
    // That the account nonce before it is unused has to be seen a few times, a second apart.
    await eventually(async () => expect(await target.settle(second)).toMatchObject({ success: true }));
    expect(await target.settle(first)).toEqual({ ...answer, repeat: true });
    expect(await bed.usdc(seller)).toBe(2n * PRICE);
    expect(await bed.sent(target.signer)).toBe(before + 1);
  });

  it('a payment whose transaction is mined again and is reverted is made by another', async () => {
    const request = await pay();
    const answer = await target.settle(request);
    const before = await bed.sent(target.signer);
    await bed.withoutBlocks(async () => {
      const raw = await signed(answer.transaction as Hex);
      await takeBack(answer.transaction as Hex);
      await bed.token('blacklist', payer.address);
      // Where the facilitator has noticed already, the node has it, or has put it into the block of the blacklist.
      await rpc('eth_sendRawTransaction', [raw]).catch(() => undefined);
      await rpc('evm_mine');
      expect([await bed.sent(target.signer), await bed.usdc(seller)]).toEqual([before, 0n]);
      await bed.token('unBlacklist', payer.address);
    });
    await eventually(async () => expect(await bed.usdc(seller)).toBe(PRICE));
    await eventually(async () => {
      const again = await target.settle(request);
      expect(again).toMatchObject({ success: true });
      expect(again.transaction).not.toBe(answer.transaction);
    });
    expect([await bed.sent(target.signer), await bed.usdc(seller)]).toEqual([before + 1, PRICE]);
  });

  async function signed(hash: Hex): Promise<Hex> {
    const db = pgDb({ url: database, max: 1 });
    const [row] = await db.query<{ raw: Hex }>('select raw from facilitator_transactions where hash = $1', [
      hash,
    ]);
    await db.close();
    return (row as { raw: Hex }).raw;
  }
});
