import { systemRandom } from '@agentpay/primitives';
import { claimPort } from '@agentpay/dev/ports';

/** A port of loopback on which nothing listens at the moment, and which no outgoing connection will be given. */
export async function freePort(): Promise<number> {
  const port = await claimPort(0, systemRandom);
  if (port === undefined) throw new Error('No free port was found.');
  return port;
}
