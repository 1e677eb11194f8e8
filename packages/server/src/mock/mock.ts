import { once } from 'node:events';
import { systemClock, systemRandom } from '@agentpay/primitives';
import { listen } from '@agentpay/http';
import { portFault, usageFault, type Called } from '@agentpay/http/commands';
import { refuseWith } from '../http/refuse.js';
import { faultNames } from './faults.js';
import { MockFault, readMockOptions } from './MockOptions.js';
import { mockSeller } from './seller.js';

/** How long requests under way may take once the mock is told to stop. */
const GRACE_MS = 1000;

/**
 * `agentpay mock`: a seller for tests of buyers, until SIGTERM or SIGINT. Prints one line with its URL on stdout.
 * @returns the exit code: 0 stopped
 * @throws CommandFault when a flag or the port cannot be used
 */
export async function mock({ flags, around: { print, note } }: Called): Promise<number> {
  try {
    const options = readMockOptions(flags);
    const stop = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
    const seller = mockSeller(options, systemClock);
    const listening = await listen(seller, {
      host: '127.0.0.1',
      port: options.port,
      clock: systemClock,
      refuse: refuseWith({ clock: systemClock, random: systemRandom }),
    });
    const { url } = listening;
    print(flags['json'] ? JSON.stringify({ ok: true, url }) : `AgentPay mock sells on ${url}`);
    note(`No money moves. Add ?price=0.05 or ?fault=NAME to any path; faults: ${faultNames.join(', ')}.`);
    await stop;
    await listening.close(GRACE_MS);
    return 0;
  } catch (error) {
    if (error instanceof MockFault) throw usageFault(error.message);
    throw portFault(error);
  }
}
