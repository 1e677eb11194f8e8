import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startLocalChain } from '@agentpay/dev';
import { freePort } from '@agentpay/testing';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { randomKey, usdcReader } from '../interop/stack.js';

/** A server under measurement. */
export interface Measured {
  readonly url: string;
  readonly pid: number;
}

/** Chain, accounts and the processes of one benchmark run. */
export interface Bed {
  readonly rpcUrl: string;
  readonly payTo: Hex;
  readonly buyerKeys: readonly Hex[];
  /** Starts a compiled script and waits until it answers on its PORT. */
  start(script: string, args: readonly string[], env: Record<string, string>): Promise<Measured>;
  /** A funded key for a facilitator, a new one each time. */
  facilitatorKey(): Promise<Hex>;
  /** A fresh folder, removed at the end. */
  folder(): string;
  /** Gives test USDC to an address, in base units. */
  fund(address: Hex, usdc: bigint): Promise<void>;
  /** Test USDC of the payee, in base units. */
  received(): Promise<bigint>;
  close(): Promise<void>;
}

/** Path of a compiled script in the workspace. */
export const script = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** `endures`: for loads of many minutes, lest the chain become what is measured. */
export async function openBed(blockTime: number, { endures = false } = {}): Promise<Bed> {
  const seed = endures ? await startLocalChain({ port: await freePort() }) : undefined;
  const lasting = seed && { keepStates: 0, forkOf: seed.rpcUrl };
  const chain = await startLocalChain({ port: await freePort(), blockTime, ...lasting });
  const usdc = usdcReader(chain.rpcUrl);
  const children: ChildProcess[] = [];
  const folders: string[] = [];
  const buyerKeys = Array.from({ length: 8 }, randomKey);
  for (const key of buyerKeys) await chain.fund(privateKeyToAccount(key).address, { usdc: 10n ** 12n });
  const payTo = privateKeyToAccount(randomKey()).address;

  return {
    rpcUrl: chain.rpcUrl,
    payTo,
    buyerKeys,
    async start(path, args, env) {
      const port = await freePort();
      const child = spawn(process.execPath, [path, ...args], {
        // What the tests are given (databases) is not meant for what is measured.
        env: { ...process.env, REDIS_URL: undefined, DATABASE_URL: undefined, ...env, PORT: String(port) },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      children.push(child);
      const url = `http://127.0.0.1:${port}`;
      await answers(url, child);
      return { url, pid: child.pid ?? 0 };
    },
    async facilitatorKey() {
      const key = randomKey();
      await chain.fund(privateKeyToAccount(key).address, { eth: 10n ** 20n });
      return key;
    },
    folder() {
      const folder = mkdtempSync(join(tmpdir(), 'agentpay-bench-'));
      folders.push(folder);
      return folder;
    },
    fund: (address, amount) => chain.fund(address, { usdc: amount }),
    received: () => usdc(payTo),
    async close() {
      for (const child of children) {
        if (child.exitCode !== null) continue;
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      await chain.close();
      await seed?.close();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 1_200; attempt++) {
    if (child.exitCode !== null)
      throw new Error(`${child.spawnargs.join(' ')} ended with code ${child.exitCode}`);
    const answered = await fetch(url).then(
      (response) => response.arrayBuffer().then(() => true),
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not answer`);
}
