import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex, type Hex } from '@agentpay/protocol';
import type { Random } from '@agentpay/primitives';
import { makeFolder } from '@agentpay/storage';
import type { Scenarios } from './buyers.js';
import { DevFault } from './DevFault.js';
import { isAlive } from './isAlive.js';
import { replaceFile } from './replaceFile.js';

/** Secrets and identities of a local stack; they outlive it when the folder is the user's own. */
export interface StackState {
  readonly adminKey: string;
  readonly jwtSecret: string;
  readonly mppSecret: string;
  readonly facilitatorKey: Hex;
  readonly buyerKey: Hex;
  readonly sellerKey: Hex;
  /** Pays on the chain for the API. */
  readonly treasuryKey: Hex;
  /** Collects the fees of direct payments. */
  readonly gasWalletKey: Hex;
  /** Key of a gateway of the gateway API. */
  readonly gatewayKey: string;
  /** Signs what stands in for events of Stripe. */
  readonly stripeWebhookSecret: string;
  readonly buyer?: StackAgent;
  readonly seller?: StackAgent;
  readonly serviceId?: string;
  /** Key of the buyer for the buyer platform. */
  readonly agentKey?: string;
  /** `X-Api-Key` of the owner of the agents. */
  readonly userKey?: string;
  readonly scenarios?: Scenarios;
  readonly developer?: StackDeveloper;
}

/** An agent of the runtime API that the stack created for itself. */
export interface StackAgent {
  readonly agentId: string;
  readonly walletId: string;
  readonly apiKey: string;
}

/** A developer of the gateway API, with the agents that they list. */
export interface StackDeveloper {
  readonly developerId: string;
  readonly key: string;
  readonly listings: readonly string[];
}

/** The folder in which a local stack keeps everything. */
export interface DataDir {
  path(name: string): string;
  readState(): StackState;
  writeState(state: StackState): void;
  /** Gives the folder up; removes it if it was a temporary one. Gives one sentence when that fails: it is no reason to fail oneself. */
  close(): string | undefined;
}

/** Opens the folder, or a temporary one. @throws DevFault when it cannot be used or another stack uses it */
export function openDataDir(dir: string | undefined, random: Random): DataDir {
  const folder = dir ?? mkdtempSync(join(tmpdir(), 'agentpay-'));
  try {
    makeFolder(folder);
  } catch (cause) {
    throw new DevFault(`--data cannot be used. ${(cause as Error).message}`, true);
  }
  const lock = join(folder, 'dev.lock');
  takeLock(lock, folder);
  const stateFile = join(folder, 'state.json');
  return {
    path: (name) => join(folder, name),
    readState: () => ({ ...newState(random), ...kept(stateFile) }),
    writeState(state) {
      replaceFile(stateFile, JSON.stringify(state, null, 2));
    },
    close() {
      try {
        rmSync(dir === undefined ? folder : lock, { recursive: true, force: true, maxRetries: 3 });
      } catch (cause) {
        return `The folder ${folder} could not be removed (${(cause as Error).message}); remove it by hand.`;
      }
      return undefined;
    },
  };
}

/** What the folder keeps; a folder of an earlier version may lack some of it. */
function kept(stateFile: string): Partial<StackState> {
  return existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, 'utf8')) as StackState) : {};
}

function newState(random: Random): StackState {
  const secret = () => Buffer.from(random.bytes(32)).toString('base64url');
  const key = () => bytesToHex(random.bytes(32));
  return {
    adminKey: `admin_${secret()}`,
    jwtSecret: secret(),
    mppSecret: secret(),
    facilitatorKey: key(),
    buyerKey: key(),
    sellerKey: key(),
    treasuryKey: key(),
    gasWalletKey: key(),
    gatewayKey: `gw_live_${Buffer.from(random.bytes(24)).toString('hex')}`,
    stripeWebhookSecret: `whsec_${Buffer.from(random.bytes(24)).toString('hex')}`,
  };
}

// Two stacks on one folder would corrupt the embedded database.
function takeLock(lock: string, folder: string): void {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = openSync(lock, 'wx', 0o600);
      writeFileSync(handle, String(process.pid));
      closeSync(handle);
      return;
    } catch (cause) {
      if ((cause as { code?: string }).code !== 'EEXIST')
        throw new DevFault(`The folder ${folder} cannot be written: ${(cause as Error).message}.`, true);
      const holder = Number(readFileSync(lock, 'utf8'));
      if (isAlive(holder))
        throw new DevFault(`The folder ${folder} given by --data is in use by process ${holder}.`, true);
      rmSync(lock, { force: true });
    }
  }
  throw new DevFault(`The folder ${folder} given by --data is being taken by another process.`, true);
}
