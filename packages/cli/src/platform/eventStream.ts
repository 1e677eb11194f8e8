import { credentials } from '@agentpay/api';
import { CommandFault } from '@agentpay/http/commands';
import * as z from 'zod';

/** An event as webhooks carry it. */
export interface HeardEvent {
  readonly id: string;
  readonly type: string;
  /** The JSON of the event, as it is delivered. */
  readonly body: string;
}

export interface StreamPlace {
  readonly url: string;
  readonly key: string;
  readonly agentId: string;
}

/** Longest line of a stream. */
const MAX_LINE = 1024 * 1024;
const eventSchema = z.object({ id: z.string(), type: z.string() });

/**
 * Reads one stream of events (text/event-stream) to its end.
 * @throws CommandFault when the API refuses; otherwise as fetch does
 */
export async function* readEvents(
  { url, key, agentId }: StreamPlace,
  { after, seconds, signal }: { after: string | undefined; seconds: number; signal: AbortSignal },
): AsyncGenerator<HeardEvent> {
  const address = new URL(`/api/agents/${encodeURIComponent(agentId)}/events`, url);
  address.searchParams.set('seconds', String(seconds));
  if (after !== undefined) address.searchParams.set('after', after);
  const headers = { [credentials.agentKey.header]: key, accept: 'text/event-stream' };
  const response = await fetch(address, { headers, signal });
  if (!response.ok || !response.body) {
    const said = (await response.text()).slice(0, 500);
    throw new CommandFault('refused', `The API responded with ${response.status}: ${said}`, {
      details: { status: response.status },
    });
  }
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw new CommandFault('refused', 'The API sends events that are too long.');
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue;
      const body = line.slice('data: '.length);
      yield { ...eventSchema.parse(JSON.parse(body)), body };
    }
  }
}
