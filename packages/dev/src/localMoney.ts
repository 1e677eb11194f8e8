import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { baseSepolia, type Clock, type Random } from '@agentpay/primitives';
import { privateKeyToAddress } from 'viem/accounts';
import { openDataDir } from './DataDir.js';
import type { DevFault } from './DevFault.js';
import { startLocalChain } from './localChain.js';
import { launchNode } from './nodePart.js';
import { claimPort } from './Ports.js';
import { replaceFile } from './replaceFile.js';
import { FACILITATOR_WEI, facilitatorPart } from './stack.js';
import { createSupervisor } from './Supervisor.js';

const BLOCK_SECONDS = 0.5;

export interface LocalMoneyOptions {
  /** Keeps chain, settlements and keys, so that what was paid is still there after a restart. */
  readonly folder: string;
  /** Describes for tools what runs, as `.agentpay/dev.json` does for the whole stack: written when it is ready, removed at the end. */
  readonly describeIn: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Told when one of both cannot be kept up. */
  readonly onGiveUp: (fault: DevFault) => void;
}

/** A local chain with a facilitator: all that a seller needs to be paid test money, without any network. */
export interface LocalMoney {
  readonly facilitator: string;
  readonly rpcUrl: string;
  close(): Promise<void>;
}

/** Starts the local chain and the facilitator, and keeps both up. @throws DevFault when one does not start */
export async function startLocalMoney(options: LocalMoneyOptions): Promise<LocalMoney> {
  const { folder, describeIn, clock, random, onGiveUp } = options;
  const data = openDataDir(folder, random);
  const supervisor = createSupervisor({ clock, onRestart: () => undefined, onGiveUp });
  const close = async () => {
    rmSync(describeIn, { force: true });
    await supervisor.stop();
    data.close();
  };
  try {
    const state = data.readState();
    data.writeState(state);
    const [chainPort, port] = [await claimPort(0, random), await claimPort(0, random)];
    const chain = await supervisor.start('chain', () =>
      startLocalChain({
        ...(chainPort !== undefined && { port: chainPort }),
        blockTime: BLOCK_SECONDS,
        stateFile: data.path('chain.json'),
        keepStates: 0,
      }),
    );
    await chain.running.fund(privateKeyToAddress(state.facilitatorKey), { eth: FACILITATOR_WEI });
    const urls = { facilitator: `http://127.0.0.1:${port}`, chain: chain.running.rpcUrl };
    const part = facilitatorPart({ urls: { ...urls, api: '', seller: '' }, data, state });
    await supervisor.start(part.name, (signal) => launchNode(part, clock, signal));
    describe(describeIn, urls);
    return { facilitator: urls.facilitator, rpcUrl: urls.chain, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function describe(file: string, urls: { facilitator: string; chain: string }): void {
  const described = {
    facilitator: { url: urls.facilitator },
    chain: { rpcUrl: urls.chain, chainId: baseSepolia.chainId, network: baseSepolia.id },
    pids: { supervisor: process.pid },
  };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  replaceFile(file, `${JSON.stringify(described, null, 2)}\n`);
}
