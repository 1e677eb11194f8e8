import { baseSepolia, manualClock } from '@agentpay/primitives';
import { ChainError, type Chain } from './Chain.js';
import { failoverChain } from './failoverChain.js';
import { account, signedTransaction } from './signedTransaction.fixture.js';
import { simulatedChain, type SimulatedChain } from './simulatedChain.js';

const { chainId } = baseSepolia;

describe('several RPC nodes as one', () => {
  /** Two ways to one chain; the first can be cut. */
  function setUp() {
    const clock = manualClock(1_800_000_000_000);
    const second = simulatedChain(clock);
    let cut = false;
    const asked: string[] = [];
    const first = Object.fromEntries(
      Object.entries(second as Chain).map(([name, method]) => [
        name,
        async (...args: unknown[]) => {
          asked.push(name);
          if (cut) throw new ChainError('unreachable', 'cut');
          return (method as (...args: unknown[]) => unknown)(...args);
        },
      ]),
    ) as unknown as SimulatedChain;
    const errors: unknown[] = [];
    const chain = failoverChain([first, second], { clock, chainId, onError: (error) => errors.push(error) });
    return { clock, chain, second, asked, errors, cut: (now: boolean) => void (cut = now) };
  }

  it('are asked in their order, the next one only when one is silent', async () => {
    const { clock, chain, asked, errors, cut } = setUp();
    expect(await chain.transactionCount(account.address, 'latest')).toBe(0);
    expect(asked).toEqual(['chainId', 'transactionCount']);
    cut(true);
    expect((await chain.block()).number).toBe(0n);
    expect(errors).toHaveLength(1);
    await chain.block();
    expect(asked.slice(2)).toEqual(['block']);
    clock.advance(5_000);
    cut(false);
    await chain.block();
    expect(asked.slice(3)).toEqual(['block']);
  });

  it('broadcast a transaction through the second when the first is silent, and it is mined once', async () => {
    const { chain, second, cut } = setUp();
    cut(true);
    const raw = await signedTransaction();
    await chain.send(raw);
    cut(false);
    await chain.send(raw);
    await second.mine();
    expect(await chain.transactionCount(account.address, 'latest')).toBe(1);
  });

  it('do not contradict a node that says no', async () => {
    const { chain, second, errors } = setUp();
    await chain.block();
    second.fault({ on: 'send', kind: 'underpriced' });
    await expect(chain.send(await signedTransaction())).rejects.toMatchObject({ kind: 'underpriced' });
    expect(errors).toEqual([]);
  });

  it('leave out a node of another chain', async () => {
    const clock = manualClock(1_800_000_000_000);
    const stranger = { ...simulatedChain(clock), chainId: async () => 1, balance: async () => 7n };
    const right = { ...simulatedChain(clock), balance: async () => 5n };
    const chain = failoverChain([stranger, right], { clock, chainId });
    expect(await chain.balance(account.address)).toBe(5n);
    await expect(failoverChain([stranger, stranger], { clock, chainId }).block()).rejects.toThrow(
      'on chain 1, not on 84532',
    );
  });

  it('say so when all are silent, and are asked again all the same', async () => {
    const clock = manualClock(1_800_000_000_000);
    const node = simulatedChain(clock);
    const chain = failoverChain([node, node], { clock, chainId });
    node.fault({ on: 'chainId', kind: 'unreachable' }, 2);
    await expect(chain.block()).rejects.toMatchObject({ kind: 'unreachable' });
    expect((await chain.block()).number).toBe(0n);
  });
});
