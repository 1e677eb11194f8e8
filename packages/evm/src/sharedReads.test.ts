import type { Address } from '@agentpay/protocol';
import { ChainError, type Call, type CallResult, type Chain } from './Chain.js';
import { sharedReads } from './sharedReads.js';

const alice: Address = '0x1111111111111111111111111111111111111111';
const bob: Address = '0x2222222222222222222222222222222222222222';
const view = (to: Address): Call => ({ to, data: '0x01' });
const pay = (to: Address): Call => ({ to, data: '0x02' });

/** A node on which each account can pay once per call; a view tells how often it has. */
function setUp(maxCalls = Infinity) {
  const asked: number[] = [];
  const read = async (calls: readonly Call[]): Promise<CallResult[]> => {
    asked.push(calls.length);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (calls.length > maxCalls) throw new ChainError('declined', 'out of gas');
    const paid = new Map<string, number>();
    return calls.map(({ to, data }) => {
      const before = paid.get(to) ?? 0;
      if (data === '0x01') return { success: true, data: `0x0${before}` };
      paid.set(to, before + 1);
      return { success: before === 0, data: '0x' };
    });
  };
  return { asked, chain: sharedReads({ read } as unknown as Chain) };
}

describe('shared reads', () => {
  it('asked in one turn travel together, with every view before every action', async () => {
    const { asked, chain } = setUp();
    const some = [alice, bob].map((payer) => chain.read([view(payer), pay(payer)], { payer }));
    const results = await Promise.all(some);
    expect(asked).toEqual([4]);
    for (const result of results)
      expect(result).toEqual([
        { success: true, data: '0x00' },
        { success: true, data: '0x' },
      ]);
  });

  it('are asked again alone when another action of the same payer was in the way', async () => {
    const { asked, chain } = setUp();
    const payer = alice;
    const results = await Promise.all([1, 2, 3].map(() => chain.read([view(payer), pay(payer)], { payer })));
    expect(results.map(([, action]) => action?.success)).toEqual([true, true, true]);
    expect(asked).toEqual([6, 2, 2]);
  });

  it('of many callers need few requests, none of them without bound', async () => {
    const { asked, chain } = setUp();
    const payers = Array.from({ length: 250 }, (_, i): Address => `0x${i.toString(16).padStart(40, '0')}`);
    await Promise.all(payers.map((payer) => chain.read([pay(payer)], { payer })));
    // Some leave early, so that the node works while others still arrive.
    expect(asked).toEqual([12, 12, 12, 100, 100, 14]);
  });

  it('go alone when the node refuses them together, and fail together when it does not answer', async () => {
    const { chain } = setUp(2);
    const results = await Promise.all(
      [alice, bob].map((payer) => chain.read([view(payer), pay(payer)], { payer })),
    );
    expect(results.map((result) => result.length)).toEqual([2, 2]);
    const dead = sharedReads({
      read: () => Promise.reject(new ChainError('unreachable', 'nobody there')),
    } as unknown as Chain);
    const responses = await Promise.allSettled(
      [alice, bob].map((payer) => dead.read([pay(payer)], { payer })),
    );
    expect(responses.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('that may not be shared stay alone', async () => {
    const { asked, chain } = setUp();
    await Promise.all([chain.read([pay(alice)]), chain.read([pay(bob)])]);
    expect(asked).toEqual([1, 1]);
  });

  it('are asked again alone when one among them burnt the gas of the others', async () => {
    const asked: number[] = [];
    const burner: Call = { to: bob, data: '0x03' };
    const read = async (calls: readonly Call[]): Promise<CallResult[]> => {
      asked.push(calls.length);
      const burnt = calls.findIndex(({ data }) => data === burner.data);
      return calls.map((_, i) => ({ success: burnt < 0 || i < burnt, data: '0x' }));
    };
    const chain = sharedReads({ read } as unknown as Chain);
    const [bad, good] = await Promise.all([
      chain.read([burner, pay(bob)], { payer: bob }),
      chain.read([view(alice), pay(alice)], { payer: alice }),
    ]);
    expect(good?.map(({ success }) => success)).toEqual([true, true]);
    expect(bad?.map(({ success }) => success)).toEqual([false, false]);
    expect(asked).toEqual([4, 2, 2]);
  });
});
