import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublicClient, createWalletClient, http, parseAbi } from 'viem';
import { baseSepolia, MULTICALL3 } from '@agentpay/primitives';
import { EXACT_PERMIT2_PROXY, PERMIT2, UPTO_PERMIT2_PROXY } from '@agentpay/protocol';
import { startLocalChain, type LocalChain } from '@agentpay/dev';
import { eventually } from '@agentpay/testing';

const usdc = {
  address: baseSepolia.usdc.address,
  abi: parseAbi([
    'function balanceOf(address) view returns (uint256)',
    'function DOMAIN_SEPARATOR() view returns (bytes32)',
  ]),
};
const someone = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const client = (chain: LocalChain) =>
  createPublicClient({ transport: http(chain.rpcUrl), pollingInterval: 20 });

describe('local chain', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agentpay-chain-'));
  const running: LocalChain[] = [];
  const start = async (options: Parameters<typeof startLocalChain>[0]) => {
    const chain = await startLocalChain({ blockTime: 0.1, ...options });
    running.push(chain);
    return chain;
  };
  afterAll(async () => {
    await Promise.all(running.map((chain) => chain.close()));
    rmSync(folder, { recursive: true });
  });

  it('is Base Sepolia with its USDC, Multicall3, Permit2 and x402 proxies, and funds accounts', async () => {
    const chain = await start({});
    const rpc = client(chain);
    expect(await rpc.getChainId()).toBe(84532);
    // The separator of the real token on Base Sepolia.
    expect(await rpc.readContract({ ...usdc, functionName: 'DOMAIN_SEPARATOR' })).toBe(
      '0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818',
    );
    for (const address of [MULTICALL3, PERMIT2, EXACT_PERMIT2_PROXY, UPTO_PERMIT2_PROXY] as const) {
      expect((await rpc.getCode({ address }))?.length).toBeGreaterThan(1000);
    }
    const many = Array.from({ length: 20 }, () => chain.fund(someone, { usdc: 100_000n }));
    await Promise.all([...many, chain.fund(someone, { eth: 5n, usdc: 1_000_000n })]);
    expect(await rpc.getBalance({ address: someone })).toBe(5n);
    expect(await rpc.readContract({ ...usdc, functionName: 'balanceOf', args: [someone] })).toBe(3_000_000n);
  });

  it('goes on where it was after kill -9, on the same port', async () => {
    const stateFile = join(folder, 'state.json');
    const first = await start({ stateFile });
    await first.fund(someone, { usdc: 7n });
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await start({ stateFile, port: first.port });
    expect(second.port).toBe(first.port);
    expect(await client(second).readContract({ ...usdc, functionName: 'balanceOf', args: [someone] })).toBe(
      7n,
    );
  });

  it('writes a transaction of somebody else to the state file by itself', async () => {
    const stateFile = join(folder, 'watched.json');
    const chain = await start({ stateFile });
    const before = readFileSync(stateFile, 'utf8');
    const rpc = client(chain);
    const wallet = createWalletClient({ transport: http(chain.rpcUrl) });
    const [account] = await wallet.getAddresses();
    const hash = await wallet.sendTransaction({
      account: account as `0x${string}`,
      to: someone,
      value: 9n,
      chain: null,
    });
    await rpc.waitForTransactionReceipt({ hash });
    const saved = () => readFileSync(stateFile, 'utf8').includes(hash.slice(2));
    expect(before).not.toContain(hash.slice(2));
    await eventually(() => expect(saved()).toBe(true));
  });

  it('says in one sentence what keeps it from starting', async () => {
    const chain = await start({});
    await expect(startLocalChain({ port: chain.port })).rejects.toThrow(
      `Port ${chain.port} cannot be used for the local chain: it is taken.`,
    );
    await expect(startLocalChain({ binary: '/nowhere/anvil' })).rejects.toThrow(
      /did not start on port \d+: spawn \/nowhere\/anvil ENOENT\.$/,
    );
    await expect(startLocalChain({ blockTime: 0 })).rejects.toThrow(
      'The block time must be above 0 seconds, not 0.',
    );
    const stateFile = join(folder, 'broken.json');
    writeFileSync(stateFile, '{"block":');
    await expect(startLocalChain({ stateFile })).rejects.toThrow(
      /^The local chain \(anvil\) did not start on port \d+: [^\n]*broken\.json[^\n]*$/,
    );
  });
});
