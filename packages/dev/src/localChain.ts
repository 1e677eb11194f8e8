import { existsSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { toHex } from 'viem';
import { baseSepolia, MULTICALL3, sleep, systemClock, systemRandom } from '@agentpay/primitives';
import {
  AGREEMENT_OPERATOR,
  AUTH_CAPTURE_ESCROW,
  ERC3009_COLLECTOR,
  EXACT_PERMIT2_PROXY,
  OPERATOR_REFUND_COLLECTOR,
  PERMIT2,
  PERMIT2_COLLECTOR,
  RECEIVER_REFUND_COLLECTOR,
  UPTO_PERMIT2_PROXY,
} from '@agentpay/protocol';
import {
  agreementOperator,
  authCaptureEscrow,
  erc3009PaymentCollector,
  multicall3,
  operatorRefundCollector,
  permit2,
  permit2PaymentCollector,
  receiverRefundCollector,
  testUsdc,
  x402ExactPermit2Proxy,
  x402UptoPermit2Proxy,
} from '@agentpay/solidity';
import { anvilBinary, startAnvil, type Anvil } from './anvil.js';
import { DevFault } from './DevFault.js';
import { minter } from './minter.js';
import { claimPort } from './Ports.js';
import { replaceFile } from './replaceFile.js';

const SAVE_EVERY_MS = 50;

/** How the local chain runs. */
export interface LocalChainOptions {
  /** Loopback port; 0 or absent: any free one. */
  readonly port?: number;
  /** Seconds between blocks; fractions work. Default 0.5. */
  readonly blockTime?: number;
  /** Keeps the chain here, so that it goes on where it was, also after kill -9. Absent: nothing outlives the process. */
  readonly stateFile?: string;
  /** Another anvil binary. */
  readonly binary?: string;
  /**
   * Earlier states to keep. Any number costs memory with every block, a gigabyte in some hours; 0 costs none, but anvil then refuses
   * the rare read of the latest state that meets a block in the making, and takes no block back. Default 64.
   */
  readonly keepStates?: number;
  /**
   * RPC URL of a chain whose state this one goes on from. For loads of many minutes: anvil works out the root of everything stored for
   * every block, which takes a tenth of a second after 130 000 payments, but not on such a chain.
   */
  readonly forkOf?: string;
}

/**
 * A running local chain: Base Sepolia's chain id, with test USDC, Multicall3, Permit2, the x402 proxies and the escrow at their real
 * addresses.
 */
export interface LocalChain {
  readonly rpcUrl: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process has ended, with what it last wrote to stderr. */
  readonly exited: Promise<string>;
  /** Sets the account's ether (wei) and mints test USDC (base units) to it; resolves when both can be spent. */
  fund(address: `0x${string}`, money: { eth?: bigint; usdc?: bigint }): Promise<void>;
  /** Stops the chain; resolves when the process is gone. */
  close(): Promise<void>;
}

/**
 * Starts anvil with chain id 84532 on loopback. Blocks come at an interval: with instant mining anvil can strand concurrent
 * transactions of one key.
 * @throws Error with one sentence when the binary is missing, the port is taken or the state file is unreadable.
 */
export async function startLocalChain(options: LocalChainOptions = {}): Promise<LocalChain> {
  const { blockTime = 0.5, stateFile, keepStates = 64, forkOf, binary = anvilBinary() } = options;
  if (!(blockTime > 0)) throw new Error(`The block time must be above 0 seconds, not ${blockTime}.`);
  const port = await claimPort(options.port ?? 0, systemRandom);
  if (port === undefined)
    throw new DevFault(`Port ${options.port} cannot be used for the local chain: it is taken.`);
  const args = ['--chain-id', String(baseSepolia.chainId), '--block-time', String(blockTime)];
  // Base's order of magnitude of gas.
  args.push('--gas-limit', '200000000', '--prune-history', ...(keepStates > 0 ? [String(keepStates)] : []));
  if (forkOf !== undefined) args.push('--fork-url', forkOf, '--no-rate-limit', '--no-storage-caching');
  if (stateFile && existsSync(stateFile)) args.push('--load-state', stateFile);
  const anvil = await startAnvil(binary, port, args);
  await placeContracts(anvil);
  const mint = minter(anvil, systemClock);
  const saver = stateFile ? keepState(anvil, stateFile) : undefined;
  await saver?.save();

  return {
    rpcUrl: `http://127.0.0.1:${port}`,
    port,
    pid: anvil.pid,
    exited: anvil.exited,
    async fund(address, { eth, usdc }) {
      if (eth !== undefined) await anvil.rpc('anvil_setBalance', [address, toHex(eth)]);
      if (usdc !== undefined) await mint(address, usdc);
      await saver?.save();
    },
    async close() {
      saver?.stop();
      // A chain that is already gone has nothing left to save.
      await saver?.save().catch(() => undefined);
      await anvil.stop();
    },
  };
}

const contracts = [
  [baseSepolia.usdc.address, testUsdc],
  [MULTICALL3, multicall3],
  [PERMIT2, permit2],
  [EXACT_PERMIT2_PROXY, x402ExactPermit2Proxy],
  [UPTO_PERMIT2_PROXY, x402UptoPermit2Proxy],
  [AUTH_CAPTURE_ESCROW, authCaptureEscrow],
  [ERC3009_COLLECTOR, erc3009PaymentCollector],
  [PERMIT2_COLLECTOR, permit2PaymentCollector],
  [OPERATOR_REFUND_COLLECTOR, operatorRefundCollector],
  [RECEIVER_REFUND_COLLECTOR, receiverRefundCollector],
  [AGREEMENT_OPERATOR, agreementOperator],
] as const;

async function placeContracts(anvil: Anvil): Promise<void> {
  const place = async ([address, { runtimeBytecode }]: (typeof contracts)[number]) => {
    const code = await anvil.rpc<string>('eth_getCode', [address, 'latest']);
    if (code === '0x') await anvil.rpc('anvil_setCode', [address, runtimeBytecode]);
  };
  await Promise.all(contracts.map(place));
}

/**
 * Writes the state after every block that holds a transaction, by rename, so that a killed process leaves a whole file.
 * (anvil's own `--state` writes in place, and every interval whether or not something happened.)
 */
function keepState(anvil: Anvil, file: string): { save(): Promise<void>; stop(): void } {
  let seen = 0;
  let stopped = false;
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const dump = await anvil.rpc<string>('anvil_dumpState');
    replaceFile(file, gunzipSync(Buffer.from(dump.slice(2), 'hex')));
  }
  function save(): Promise<void> {
    writing = writing.catch(() => undefined).then(write);
    return writing;
  }
  async function changed(): Promise<boolean> {
    const latest = Number(await anvil.rpc<string>('eth_blockNumber'));
    let transactions = 0;
    for (; seen < latest; seen++) {
      transactions += Number(
        await anvil.rpc<string>('eth_getBlockTransactionCountByNumber', [toHex(seen + 1)]),
      );
    }
    return transactions > 0;
  }
  async function watch(): Promise<void> {
    seen = Number(await anvil.rpc<string>('eth_blockNumber'));
    while (!stopped) {
      await sleep(systemClock, SAVE_EVERY_MS);
      if (!stopped && (await changed())) await save();
    }
  }
  // The watch ends with the chain it watches; whoever waits for `exited` hears of that.
  void watch().catch(() => undefined);
  return { save, stop: () => (stopped = true) };
}
