import { webhooks } from '@agentpay/core';
import { sleep, systemClock, systemRandom } from '@agentpay/primitives';
import { stopSignals } from '@agentpay/http';
import { CommandFault, usageFault, type Called } from '@agentpay/http/commands';
import { apiPlace } from './apiPlace.js';
import { readEvents, type HeardEvent, type StreamPlace } from './eventStream.js';

const FORWARD_MS = 30_000;
const PAUSE_MS = 1_000;
/** The longest that the API streams at a time. */
const STREAM_SECONDS = 3600;

/**
 * `agentpay events listen`: tells what happens to an agent, and forwards it as a webhook would deliver it, to an address that the API
 * cannot reach. A stream that ends is taken up again behind the last event.
 * @returns the exit code: 0 when it is told to stop. @throws CommandFault
 */
export async function listenToEvents({ flags, around }: Called): Promise<number> {
  const { note, print } = around;
  const forwardTo = forwardAddress(flags['forwardTo']);
  const types = (flags['events'] as string | undefined)?.split(',').map((type) => type.trim());
  const place = streamPlace(flags, around);
  const secret = (flags['secret'] as string | undefined) ?? webhooks.newSecret(systemRandom.bytes(32));
  if (!/^whsec_[A-Za-z0-9+/=]{16,}$/.test(secret)) throw usageFault('--secret must be whsec_ and base64.');
  const follow = flags['follow'] !== false;
  const stopping = new AbortController();
  if (follow) void stopSignals().first.then(() => stopping.abort());
  if (forwardTo !== undefined) note(`Forwarding to ${forwardTo}, signed with ${secret}`);
  if (follow) note(`Listening to what happens to ${place.agentId}; Ctrl-C ends it.`);
  const telling = { forwardTo, secret, types, print, asJson: flags['json'] === true };
  let after = flags['after'] as string | undefined;
  while (!stopping.signal.aborted) {
    try {
      const reading = { after, seconds: follow ? STREAM_SECONDS : 0, signal: stopping.signal };
      for await (const event of readEvents(place, reading)) {
        await tell(event, telling);
        after = event.id;
      }
    } catch (error) {
      if (stopping.signal.aborted) break;
      // A refusal stands; a connection that broke is made anew.
      if (error instanceof CommandFault || !follow) throw error;
      note(`The stream broke off (${(error as Error).message}); listening again.`);
    }
    if (!follow) break;
    await sleep(systemClock, PAUSE_MS, stopping.signal);
  }
  return 0;
}

function streamPlace(flags: Called['flags'], around: Called['around']): StreamPlace {
  const { url, keys, ids } = apiPlace(flags, around);
  const agentId = (flags['agent'] as string | undefined) ?? (ids['agent'] as string | undefined);
  const key = keys['agent'];
  if (key === undefined || agentId === undefined)
    throw new CommandFault(
      'no_key',
      'Name the agent with --agent, and set AGENTPAY_API_KEY to its key (ak_live_…).',
    );
  return { url, key, agentId };
}

function forwardAddress(given: unknown): string | undefined {
  if (given === undefined) return undefined;
  // "localhost:3000/hook" and ":3000/hook" are what one types.
  const text = String(given).replace(/^:(?=\d)/, 'localhost:');
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (URL.canParse(url)) return url;
  throw usageFault(
    `--forward-to must be an address such as localhost:3000/webhooks, not "${String(given)}".`,
  );
}

interface Telling {
  /** Undefined: all. */
  readonly types: readonly string[] | undefined;
  readonly print: Called['around']['print'];
  readonly forwardTo: string | undefined;
  readonly secret: string;
  readonly asJson: boolean;
}

async function tell(
  { id, type, body }: HeardEvent,
  { forwardTo, secret, types, print, asJson }: Telling,
): Promise<void> {
  if (types && !types.includes(type)) return;
  const outcome = forwardTo === undefined ? undefined : await forward({ id, type, body }, forwardTo, secret);
  if (asJson) print(body);
  else print(`${type}  ${id}${outcome === undefined ? '' : `  ${outcome}`}`);
}

async function forward({ id, body }: HeardEvent, address: string, secret: string): Promise<string> {
  const timestamp = Math.floor(systemClock.now() / 1000);
  const signed = webhooks.signatureHeaders(
    { eventId: id, deliveryId: `listen_${id}`, timestamp, body },
    secret,
  );
  const headers = { 'content-type': 'application/json', ...signed };
  const signal = AbortSignal.timeout(FORWARD_MS);
  try {
    const response = await fetch(address, { method: 'POST', headers, body, signal });
    await response.body?.cancel();
    return String(response.status);
  } catch (error) {
    const { cause } = error as Error;
    return `no response (${(cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message})`;
  }
}
