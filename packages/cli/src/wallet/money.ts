import { readLatest } from '@agentpay/dev/latest';
import { findNetwork, sleep, systemClock, TEST_MONEY, type Network } from '@agentpay/primitives';
import { CommandFault, usageFault } from '@agentpay/http/commands';
import * as z from 'zod';
import { localStack } from '../localStack.js';

const TIMEOUT_MS = 15_000;
const MAX_BYTES = 64 * 1024;

/** A chain that can be asked. `isLocal`: it runs on this machine, under the id of its network. */
export interface ChainPlace {
  readonly network: Network;
  readonly rpcUrl: string;
  readonly isLocal: boolean;
}

/** What the user said of the chain; without a word the local one counts where it runs, else Base Sepolia. */
export interface PlaceFlags {
  readonly network?: unknown;
  readonly rpcUrl?: unknown;
}

/** @throws CommandFault for a network that is not known, and for `local` when none runs */
export function chainPlace(
  { network: named, rpcUrl }: PlaceFlags,
  { env, folder }: { env: Readonly<Record<string, string | undefined>>; folder: string },
): ChainPlace {
  const local = localStack(folder);
  if (named === 'local' && !local)
    throw new CommandFault(
      'no_local_chain',
      'No local chain runs in this folder: start "agentpay dev" or "agentpay sell".',
    );
  const network = findNetwork(named === undefined || named === 'local' ? 'base-sepolia' : String(named));
  if (!network) throw usageFault(`--network must be local, base-sepolia or base, not "${String(named)}".`);
  const given = (rpcUrl as string | undefined) ?? env['AGENTPAY_RPC_URL'];
  if (given !== undefined && !/^https?:\/\//.test(given))
    throw usageFault(`--rpc-url must begin with http:// or https://, not "${given}".`);
  if (given === undefined && local && (named === undefined || named === 'local'))
    return { network, rpcUrl: local.chain.rpcUrl, isLocal: true };
  return {
    network,
    rpcUrl: given ?? network.publicRpcUrl,
    isLocal: given !== undefined && given === local?.chain.rpcUrl,
  };
}

/** What the chain is called in front of people. */
export function titleOf({ network, isLocal }: ChainPlace): string {
  return isLocal ? 'the local chain' : network.title;
}

/** What the address has, in base units of USDC. @throws CommandFault `chain_unavailable` */
export async function usdcBalance(place: ChainPlace, address: string): Promise<bigint> {
  const data = `0x70a08231${word(address)}`;
  const call = [{ to: place.network.usdc.address, data }, 'latest'];
  const read = () => rpc(place, 'eth_call', call);
  const said = await (place.isLocal ? readLatest(read) : read());
  if (typeof said !== 'string' || !/^0x[0-9a-f]{64}$/i.test(said))
    throw new CommandFault(
      'chain_unavailable',
      `${place.rpcUrl} does not know USDC of ${place.network.title}.`,
    );
  return BigInt(said);
}

/**
 * Mints test USDC on a local chain and waits until it can be spent.
 * @throws CommandFault `not_a_test_chain` where the node holds no key of its own, which only development nodes do
 */
export async function mintTestUsdc(place: ChainPlace, address: string, amount: bigint): Promise<void> {
  const accounts = await rpc(place, 'eth_accounts', []).catch(() => []);
  const from = Array.isArray(accounts) ? (accounts[0] as unknown) : undefined;
  if (typeof from !== 'string')
    throw new CommandFault(
      'not_a_test_chain',
      `${place.rpcUrl} makes no test money. Get some at ${TEST_MONEY}.`,
    );
  const before = await usdcBalance(place, address);
  const data = `0x40c10f19${word(address)}${amount.toString(16).padStart(64, '0')}`;
  const hash = await rpc(place, 'eth_sendTransaction', [{ from, to: place.network.usdc.address, data }]);
  for (let look = 0; look < 600; look++) {
    const receipt = (await rpc(place, 'eth_getTransactionReceipt', [hash])) as { status?: string } | null;
    if (receipt && receipt.status !== '0x1') break;
    if (receipt && (await usdcBalance(place, address)) >= before + amount) return;
    await sleep(systemClock, 50);
  }
  throw new CommandFault(
    'chain_unavailable',
    `The local chain did not mint the money in transaction ${String(hash)}.`,
  );
}

const word = (address: string) => address.slice(2).toLowerCase().padStart(64, '0');
const replySchema = z.object({
  result: z.unknown().optional(),
  error: z.object({ message: z.string() }).optional(),
});

async function rpc({ rpcUrl }: ChainPlace, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const headers = { 'content-type': 'application/json' };
  const fault = (why: string, cause?: unknown) =>
    new CommandFault('chain_unavailable', `The RPC node ${rpcUrl} gave no usable response: ${why}.`, {
      cause,
    });
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(rpcUrl, { method: 'POST', headers, body, signal }).catch((cause: unknown) => {
    throw fault('it cannot be reached', cause);
  });
  const text = await response.text();
  if (text.length > MAX_BYTES) throw fault('its response is too long');
  const reply = replySchema.safeParse(parsed(text));
  if (!reply.success) throw fault(`status ${response.status}`);
  if (reply.data.error) throw fault(reply.data.error.message.slice(0, 200));
  return reply.data.result;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
