import type { Clock } from '@agentpay/primitives';
import { minter } from './minter.js';

const someone = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

/** A clock on which a pause takes no time. */
function hurried(): Clock {
  let now = 0;
  return {
    now: () => now,
    timer(ms, fn) {
      now += ms;
      queueMicrotask(fn);
      return () => undefined;
    },
  };
}

/** Answers as a node whose transactions get this receipt when they were asked about so often. */
function node(receipt: { status: string } | null, after = 0) {
  let looks = 0;
  const rpc = async <T>(method: string): Promise<T> => {
    if (method === 'eth_accounts') return ['0x1'] as T;
    if (method === 'eth_sendTransaction') return '0xabc' as T;
    return (looks++ < after ? null : receipt) as T;
  };
  return { rpc, looks: () => looks };
}

it('waits until a block has the mint', async () => {
  const { rpc, looks } = node({ status: '0x1' }, 5);
  await minter({ rpc }, hurried())(someone, 7n);
  expect(looks()).toBe(6);
});

it('says so when the mint fails', async () => {
  const { rpc } = node({ status: '0x0' });
  await expect(minter({ rpc }, hurried())(someone, 7n)).rejects.toThrow(
    /^Minting 7 .+ failed in transaction 0xabc/,
  );
});

it('gives up after three minutes when no block has it', async () => {
  const { rpc, looks } = node(null);
  const waiting = minter({ rpc }, hurried())(someone, 7n);
  await expect(waiting).rejects.toThrow(
    /^Minting 7 .+ is in no block after three minutes: transaction 0xabc\.$/,
  );
  expect(looks()).toBe(9_001);
});
