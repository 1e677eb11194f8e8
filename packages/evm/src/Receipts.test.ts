import { manualClock, systemClock, type ManualClock } from '@agentpay/primitives';
import type { Hex } from '@agentpay/protocol';
import { privateKeyToAccount } from 'viem/accounts';
import type { TransactionReceipt } from './Chain.js';
import { createReceipts } from './Receipts.js';
import { createSender } from './Sender.js';
import { simulatedChain } from './simulatedChain.js';

const NOWHERE = '0x1111111111111111111111111111111111111111';
const account = privateKeyToAccount(`0x${'42'.repeat(32)}`);

async function ticks(clock: ManualClock, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function setUp(confirmations = 1) {
  const clock = manualClock(1_800_000_000_000);
  const chain = simulatedChain(clock);
  const receipts = createReceipts({ chain, clock, confirmations });
  const sender = createSender({ chain, clock: systemClock, account, chainId: 84532 });
  const send = async () =>
    (await sender.send({ to: NOWHERE, data: '0x', gas: 21_000n }, async () => undefined)).hash;
  const found: TransactionReceipt[] = [];
  return {
    clock,
    chain,
    receipts,
    send,
    found,
    watch: (hash: Hex) => receipts.watch(hash, (receipt) => found.push(receipt)),
  };
}

describe('receipts', () => {
  it('serve all waiters with one look per block', async () => {
    const { clock, chain, send, found, watch } = await setUp();
    const hashes: Hex[] = [];
    for (let i = 0; i < 20; i++) hashes.push(await send());
    hashes.forEach(watch);
    await ticks(clock, 5);
    expect(found).toEqual([]);
    expect(chain.calls.receipts).toBe(1);
    await chain.mine();
    await ticks(clock, 5);
    expect(found.map(({ hash }) => hash).sort()).toEqual(hashes.sort());
    expect(chain.calls.receipts).toBe(2);
  });

  it('look for a transaction that was in a block before anybody waited', async () => {
    const { clock, chain, send, found, watch } = await setUp();
    const hash = await send();
    await chain.mine();
    watch(hash);
    await ticks(clock, 2);
    expect(found).toHaveLength(1);
  });

  it('wait for the confirmations asked for', async () => {
    const { clock, chain, send, found, watch } = await setUp(3);
    watch(await send());
    await chain.mine();
    await chain.mine();
    await ticks(clock, 3);
    expect(found).toEqual([]);
    await chain.mine();
    await ticks(clock, 3);
    expect(found).toHaveLength(1);
  });

  it('go on after a node that failed, and rest when nobody waits', async () => {
    const { clock, chain, send, found, watch } = await setUp();
    chain.fault({ on: 'block', kind: 'unreachable' }, 2);
    watch(await send());
    const cancel = watch(`0x${'77'.repeat(32)}`);
    await chain.mine();
    await ticks(clock, 4);
    expect(found).toHaveLength(1);
    cancel();
    await ticks(clock, 2);
    const looks = chain.calls.block;
    await ticks(clock, 10);
    expect(chain.calls.block).toBe(looks);
  });

  it('look less often at a chain with slow blocks', async () => {
    const { clock, chain, send, watch } = await setUp();
    await chain.mine();
    watch(await send());
    chain.forgetPool();
    const looksIn = async (count: number) => {
      const before = chain.calls.block ?? 0;
      await ticks(clock, count);
      return (chain.calls.block ?? 0) - before;
    };
    expect(await looksIn(20)).toBe(20);
    await chain.mine();
    expect(await looksIn(1)).toBe(1);
    // A block in two seconds: three looks while none is due, then one whenever the clock ticks.
    expect(await looksIn(15)).toBe(3);
    expect(await looksIn(15)).toBeGreaterThan(5);
  });
});
