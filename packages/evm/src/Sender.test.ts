import { manualClock } from '@agentpay/primitives';
import { parseTransaction } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { createFeeGauge, FeesAboveLimit } from './feeGauge.js';
import { createSender, type SignedTransaction } from './Sender.js';
import { simulatedChain } from './simulatedChain.js';

const account = privateKeyToAccount(`0x${'42'.repeat(32)}`);
const request = { to: '0x1111111111111111111111111111111111111111', data: '0x', gas: 21_000n } as const;

function setUp() {
  const clock = manualClock(1_800_000_000_000);
  const chain = simulatedChain(clock);
  const recorded: SignedTransaction[] = [];
  const record = async (transaction: SignedTransaction) => void recorded.push(transaction);
  const make = () => createSender({ chain, clock, account, chainId: 84532, bumpAfterMs: 10_000 });
  const mined = async () => {
    const receipts = await chain.receipts(recorded.map(({ hash }) => hash));
    return receipts.flatMap((receipt, i) => (receipt ? [(recorded[i] as SignedTransaction).nonce] : []));
  };
  return { clock, chain, recorded, record, make, mined, sender: make() };
}

describe('sender', () => {
  it('gives concurrent transactions nonces in a row and records each before the node sees it', async () => {
    const { chain, sender } = setUp();
    const sentWhenRecorded: number[] = [];
    const sent = await Promise.all(
      Array.from({ length: 20 }, () =>
        sender.send(request, async () => void sentWhenRecorded.push(chain.calls.send ?? 0)),
      ),
    );
    expect(sent.map(({ nonce }) => nonce)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(sentWhenRecorded).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await chain.mine();
    expect(await chain.transactionCount(account.address, 'latest')).toBe(20);
  });

  it('gives the nonce of a transaction that could not be recorded to the next one', async () => {
    const { chain, sender, record, recorded } = setUp();
    await expect(sender.send(request, () => Promise.reject(new Error('disk full')))).rejects.toThrow(
      'disk full',
    );
    expect(chain.calls.send).toBeUndefined();
    await sender.send(request, record);
    expect(recorded.map(({ nonce }) => nonce)).toEqual([0]);
  });

  it('closes the gap that a refused broadcast leaves, before later transactions go out', async () => {
    const { chain, sender, record, mined } = setUp();
    chain.fault({ on: 'send', kind: 'unreachable' });
    await Promise.all([
      sender.send(request, record),
      sender.send(request, record),
      sender.send(request, record),
    ]);
    await chain.mine();
    expect(await mined()).toEqual([0, 1, 2]);
  });

  it('closes the gap by itself when nothing else is sent', async () => {
    const { chain, sender, record, mined } = setUp();
    chain.fault({ on: 'send', kind: 'refused' });
    await sender.send(request, record);
    await sender.maintain();
    await chain.mine();
    expect(await mined()).toEqual([0]);
  });

  it('takes a response lost after the broadcast for neither failure nor success', async () => {
    const { chain, sender, record, recorded, mined } = setUp();
    chain.fault({ on: 'send', kind: 'response_lost' });
    await sender.send(request, record);
    await chain.mine();
    await sender.maintain();
    expect(recorded).toHaveLength(1);
    expect(await mined()).toEqual([0]);
    expect(await chain.transactionCount(account.address, 'latest')).toBe(1);
  });

  it('replaces a stuck transaction under its nonce with at least a tenth more fee, recorded first', async () => {
    const { clock, chain, sender, record, recorded, mined } = setUp();
    await sender.send(request, record);
    clock.advance(9_999);
    await sender.maintain();
    expect(recorded).toHaveLength(1);
    clock.advance(1);
    await sender.maintain();
    const [first, second] = recorded as [SignedTransaction, SignedTransaction];
    expect(second.nonce).toBe(first.nonce);
    expect(second.maxFeePerGas * 10n).toBeGreaterThanOrEqual(first.maxFeePerGas * 11n);
    expect(second.maxPriorityFeePerGas * 10n).toBeGreaterThanOrEqual(first.maxPriorityFeePerGas * 11n);
    await chain.mine();
    expect(await chain.receipts([first.hash, second.hash])).toEqual([
      undefined,
      expect.objectContaining({ hash: second.hash }),
    ]);
    sender.finish(0);
    expect(sender.inFlight()).toBe(0);
    expect(await mined()).toEqual([0]);
  });

  it('signs nothing beyond the limit on fees, and goes on when they come down', async () => {
    const { clock, chain, record, recorded, mined } = setUp();
    let asked = 51n;
    const costly = { ...chain, fees: async () => ({ maxFeePerGas: asked, maxPriorityFeePerGas: 1n }) };
    const fees = createFeeGauge({ chain: costly, clock, maxFeePerGas: 50n });
    const sender = createSender({ chain: costly, clock, account, chainId: 84532, fees });
    await expect(sender.send(request, record)).rejects.toBeInstanceOf(FeesAboveLimit);
    await expect(sender.fill(0, record)).rejects.toBeInstanceOf(FeesAboveLimit);
    expect(recorded).toEqual([]);
    asked = 50n;
    clock.advance(2_000);
    await sender.send(request, record);
    await chain.mine();
    expect(await mined()).toEqual([0]);
  });

  it('raises the fee of a stuck transaction up to the limit and no further, and broadcasts it all the same', async () => {
    const { clock, chain, record, recorded } = setUp();
    const fees = createFeeGauge({ chain, clock, maxFeePerGas: 2_800_000_000n });
    const sender = createSender({ chain, clock, account, chainId: 84532, fees, bumpAfterMs: 10_000 });
    await sender.send(request, record);
    for (let i = 0; i < 3; i++) {
      chain.forgetPool();
      clock.advance(10_000);
      await sender.maintain();
    }
    // 2.0 gwei, a quarter more, the limit, and nothing that a node would take for a replacement of that.
    expect(recorded.map(({ maxFeePerGas }) => maxFeePerGas)).toEqual([
      2_000_000_000n,
      2_500_000_001n,
      2_800_000_000n,
    ]);
    await chain.mine();
    expect(await chain.receipts([(recorded[2] as SignedTransaction).hash])).toEqual([
      expect.objectContaining({ success: true }),
    ]);
  });

  it('hands transactions to a node that has forgotten its pool again', async () => {
    const { clock, chain, sender, record, mined } = setUp();
    for (let i = 0; i < 3; i++) await sender.send(request, record);
    chain.forgetPool();
    clock.advance(10_000);
    await sender.maintain();
    await chain.mine();
    expect((await mined()).sort()).toEqual([0, 1, 2]);
  });

  it('reports a nonce that somebody else used, after several looks, and goes on behind it', async () => {
    const { chain, sender, make, record, recorded } = setUp();
    chain.fault({ on: 'send', kind: 'unreachable' });
    await sender.send(request, record);
    await make().send({ ...request, gas: 30_000n }, async () => undefined);
    await chain.mine();
    expect((await sender.maintain()).dropped).toEqual([]);
    expect((await sender.maintain()).dropped).toEqual([]);
    expect((await sender.maintain()).dropped).toEqual([0]);
    await sender.send(request, record);
    expect(recorded.map(({ nonce }) => nonce)).toEqual([0, 1]);
  });

  it('lets a nonce that nobody needs do nothing, so that later ones pass', async () => {
    const { clock, chain, sender, record, recorded } = setUp();
    await sender.send(request, record);
    sender.abandon(0);
    chain.forgetPool();
    clock.advance(10_000);
    await sender.maintain();
    expect(parseTransaction((recorded[1] as SignedTransaction).raw as `0x02${string}`)).toMatchObject({
      nonce: 0,
      gas: 21_000n,
    });
    expect((recorded[1] as SignedTransaction).to).toBe(account.address);
    await chain.mine();
    await sender.maintain();
    expect(sender.inFlight()).toBe(0);
  });

  it('goes on with the recorded transactions of a process that died', async () => {
    const { chain, sender, make, record, recorded, mined } = setUp();
    chain.fault({ on: 'send', kind: 'unreachable' }, 2);
    await sender.send(request, record);
    const heir = make();
    await heir.adopt([...recorded], record);
    await heir.send(request, record);
    expect(recorded.map(({ nonce }) => nonce)).toEqual([0, 1]);
    await chain.mine();
    expect(await mined()).toEqual([0, 1]);
  });

  it('names nonces that the chain lost, once three looks agree, and goes on when their transactions are given back', async () => {
    const { chain, sender, record, recorded, mined } = setUp();
    for (let i = 0; i < 2; i++) await sender.send(request, record);
    await chain.mine();
    sender.finish(0);
    sender.finish(1);
    chain.reorg(1);
    chain.forgetPool();
    await sender.send(request, record);
    const looks = [await sender.maintain(), await sender.maintain(), await sender.maintain()];
    expect(looks.map(({ lost }) => lost)).toEqual([[], [], [0, 1]]);
    await sender.adopt(recorded.slice(0, 1), record);
    await sender.fill(1, record);
    await chain.mine();
    expect(await mined()).toEqual([0, 2, 1]);
    expect(await sender.maintain()).toEqual({ dropped: [], lost: [] });
  });

  it('does not use a recorded nonce again on a chain that has lost it', async () => {
    const { chain, clock, record, recorded } = setUp();
    const heir = createSender({ chain, clock, account, chainId: 84532, nextNonce: 2 });
    await heir.send(request, record);
    expect(recorded.map(({ nonce }) => nonce)).toEqual([2]);
  });
});
