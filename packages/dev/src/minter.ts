import { baseSepolia, sleep, type Clock } from '@agentpay/primitives';
import { encodeFunctionData, parseAbi } from 'viem';
import type { Anvil } from './anvil.js';
import { DevFault } from './DevFault.js';

const mintAbi = parseAbi(['function mint(address to, uint256 amount)']);
const LOOK_EVERY_MS = 20;
/** The longest that a mint may take; blocks are at most a minute apart. */
const LIMIT_MS = 180_000;

/**
 * Mints through anvil's first account, one transaction after another: anvil gives concurrent ones the same nonce.
 * @returns mints base units to an account, and resolves when they can be spent; throws DevFault when no block has them in three minutes
 */
export function minter(anvil: Pick<Anvil, 'rpc'>, clock: Clock) {
  let last: Promise<unknown> = Promise.resolve();

  async function send(to: `0x${string}`, amount: bigint): Promise<string> {
    const [from] = await anvil.rpc<string[]>('eth_accounts');
    const data = encodeFunctionData({ abi: mintAbi, functionName: 'mint', args: [to, amount] });
    return anvil.rpc<string>('eth_sendTransaction', [{ from, to: baseSepolia.usdc.address, data }]);
  }
  return async (to: `0x${string}`, amount: bigint): Promise<void> => {
    const sent = last.then(() => send(to, amount));
    last = sent.catch(() => undefined);
    const hash = await sent;
    const until = clock.now() + LIMIT_MS;
    for (;;) {
      const receipt = await anvil.rpc<{ status: string } | null>('eth_getTransactionReceipt', [hash]);
      if (receipt?.status === '0x1') return;
      const what = `Minting ${amount} test USDC to ${to}`;
      if (receipt) throw new DevFault(`${what} failed in transaction ${hash}.`);
      if (clock.now() >= until)
        throw new DevFault(`${what} is in no block after three minutes: transaction ${hash}.`);
      await sleep(clock, LOOK_EVERY_MS);
    }
  };
}
