import { baseSepolia, manualClock, type Db } from '@agentpay/primitives';
import { createFeeGauge, type Chain } from '@agentpay/evm';
import { createReadiness, type ReadinessOptions } from './Readiness.js';

const poor = `0x${'11'.repeat(20)}` as const;
const rich = `0x${'22'.repeat(20)}` as const;

function bed(parts: { db?: Partial<Db>; chain?: Partial<Chain>; options?: Partial<ReadinessOptions> } = {}) {
  const clock = manualClock(0);
  const asked = { chainId: 0, balance: 0 };
  const chain = {
    chainId: async () => (asked.chainId++, baseSepolia.chainId),
    balance: async (address: string) => (asked.balance++, address === rich ? 10n ** 18n : 5n),
    fees: async () => ({ maxFeePerGas: 2n, maxPriorityFeePerGas: 1n }),
    ...parts.chain,
  } as Chain;
  const db = { query: async () => [], ...parts.db } as unknown as Db;
  const queue = async () => ({ claimed: 0, sent: 0, oldestSeconds: 0 });
  const limits = { minSignerBalance: 10n ** 15n, maxQueueAgeSeconds: 60 };
  const fees = createFeeGauge({ chain, clock });
  const given = {
    db,
    chain,
    clock,
    network: baseSepolia,
    signers: [poor, rich],
    fees,
    queue,
    ...limits,
    ...parts.options,
  };
  const readiness = createReadiness(given);
  return { clock, asked, readiness };
}

const never = () => new Promise<never>(() => {});

describe('readiness', () => {
  it('is given with one signer account that is rich enough', async () => {
    expect((await bed().readiness.check()).ready).toBe(true);
    const { ready, checks } = await bed({ options: { signers: [poor] } }).readiness.check();
    expect([ready, checks.signers]).toEqual([false, 'no signer account holds 0.001 ether']);
  });

  it('does not wait for a part that hangs, and still names the others', async () => {
    const { clock, readiness } = bed({ db: { query: never }, chain: { chainId: never } });
    const report = readiness.check();
    for (let i = 0; i < 20; i++) await Promise.resolve();
    clock.advance(3_000);
    const hanging = 'does not respond';
    expect((await report).checks).toEqual({
      database: hanging,
      chain: hanging,
      signers: 'ok',
      fees: 'ok',
      queue: 'ok',
    });
  });

  it('knows a node that moved to another chain', async () => {
    const { checks } = await bed({ chain: { chainId: async () => 1 } }).readiness.check();
    expect(checks.chain).toBe('is chain 1, not 84532');
  });

  it('repeats nothing of what a fault quotes', async () => {
    const report = await bed({
      chain: { chainId: async () => Promise.reject(new Error('https://node.example/key')) },
    }).readiness.check();
    expect(JSON.stringify(report)).not.toContain('node.example');
  });

  it('asks the node once a second at most, and for balances every 15 seconds', async () => {
    const { clock, asked, readiness } = bed();
    await Promise.all([readiness.check(), readiness.check(), readiness.check()]);
    await readiness.check();
    expect(asked).toEqual({ chainId: 1, balance: 2 });
    clock.advance(1_000);
    await readiness.check();
    expect(asked).toEqual({ chainId: 2, balance: 2 });
    clock.advance(15_000);
    await readiness.balances();
    expect(asked.balance).toBe(4);
  });

  it('asks again at once for balances that could not be had', async () => {
    let away = true;
    const { readiness } = bed({
      chain: { balance: async () => (away ? Promise.reject(new Error('away')) : 1n) },
    });
    await expect(readiness.balances()).rejects.toThrow('away');
    away = false;
    expect(await readiness.balances()).toEqual(
      new Map([
        [poor, 1n],
        [rich, 1n],
      ]),
    );
  });

  it('ends with the process', async () => {
    const { readiness } = bed();
    readiness.drain();
    expect((await readiness.check()).ready).toBe(false);
  });
});
