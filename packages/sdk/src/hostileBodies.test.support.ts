import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { systemClock } from '@agentpay/primitives';
import { createApiClient } from './ApiClient.js';
import { createClient } from './Client.js';
import {
  BUYER_KEY,
  askV1,
  askV2,
  closeServers,
  demand,
  failure,
  hurriedClock,
  proofIn,
  receiptFor,
  serve,
  type Received,
} from './seller.test.support.js';

/**
 * A program of its own: buys from sellers whose bodies are hostile in every way, at every place where the SDK reads one, and prints what
 * came of it, one JSON line for each pair. An error that nobody handles ends it.
 */

/** Sends a body that does harm. `head` has status and headers; `late` makes the buyer's deadline pass, `leave` makes the buyer leave. */
type Harm = (
  response: ServerResponse,
  given: { readonly head: () => ServerResponse; readonly late: () => void; readonly leave: () => void },
) => void;

/** Longer than anything that is read whole. */
const LONG = Buffer.from(`{"a":"${'x'.repeat(6_000_000)}"}`);

const harms: Record<string, Harm> = {
  'too long': (response, { head }) => {
    response.setHeader('content-length', LONG.length);
    head().end(LONG);
  },
  'a gzip bomb': (response, { head }) => {
    const packed = gzipSync(Buffer.alloc(20_000_000));
    response.setHeader('content-encoding', 'gzip').setHeader('content-length', packed.length);
    head().end(packed);
  },
  'no gzip': (response, { head }) => {
    response.setHeader('content-encoding', 'gzip').setHeader('content-length', 9);
    head().end('{"a":"b"}');
  },
  dripping: (response, { head, late }) => {
    response.setHeader('content-length', 300_000);
    head().write('{"a":"');
    drip(response, late);
  },
  'broken off': (response, { head }) => {
    response.setHeader('content-length', 300_000);
    head().write('{"a":"', () => response.destroy());
  },
  'never ending': (response, { head }) => {
    head();
    const chunk = Buffer.alloc(65_536, 'x');
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on('drain', more);
    more();
  },
  'left by the buyer': (response, { head, leave }) => {
    response.setHeader('content-length', 300_000);
    head().write(Buffer.alloc(200_000, 'x'), leave);
  },
};

function drip(response: ServerResponse, late: () => void, drops = 0): void {
  if (response.destroyed) return;
  if (drops >= 3) late();
  response.write('x', () => systemClock.timer(5, () => drip(response, late, drops + 1)));
}

/** A place where the SDK reads a body: answers to the request without a proof, and to the one with it. */
interface Place {
  unpaid(response: ServerResponse, harm: () => void): void;
  paid(response: ServerResponse, proof: Received, harm: () => void): void;
}

const goods: Place['paid'] = (response, proof) =>
  void response.writeHead(200, receiptFor(proof)).end('{"served":1}');

const places: Record<string, Place> = {
  'a 402 with offers in its headers': {
    unpaid: (response, harm) => {
      for (const [name, value] of Object.entries(askV2().headers)) response.setHeader(name, value);
      response.statusCode = 402;
      harm();
    },
    paid: goods,
  },
  'a 402 without': {
    unpaid: (response, harm) => {
      response.statusCode = 402;
      harm();
    },
    paid: goods,
  },
  'a refusal': {
    unpaid: (response) => demand(response, askV1()),
    paid: (response, _, harm) => {
      response.statusCode = 402;
      harm();
    },
  },
  'a paid response': {
    unpaid: (response) => demand(response, askV2()),
    paid: (response, proof, harm) => {
      for (const [name, value] of Object.entries(receiptFor(proof))) response.setHeader(name, value);
      harm();
    },
  },
};

async function buy({ unpaid, paid }: Place, harm: Harm): Promise<string> {
  const clock = hurriedClock();
  const leaving = new AbortController();
  const url = await serve((request, response) => {
    const given = {
      head: () => response.writeHead(response.statusCode),
      late: () => clock.expire(),
      leave: () => leaving.abort(),
    };
    const proof = proofIn(request);
    if (proof) paid(response, proof, () => harm(response, given));
    else unpaid(response, () => harm(response, given));
  });
  const client = createClient({ privateKey: BUYER_KEY, clock, maxAttempts: 1 });
  try {
    const response = await client.fetch(url, { signal: leaving.signal });
    return `${response.status}, ${await readable(response)}`;
  } catch (error) {
    return (error as { kind?: string }).kind ?? (error as Error).name;
  }
}

/** What a caller can do with the body: at most what is longer than the SDK reads. */
async function readable(response: Response): Promise<string> {
  let size = 0;
  try {
    for await (const chunk of response.body ?? [])
      if ((size += chunk.length) > 30_000_000) return 'body without end';
    return size > 1_000_000 ? 'long body' : 'body';
  } catch {
    return 'body that fails';
  }
}

async function callApi(harm: Harm): Promise<string> {
  const url = await serve((_, response) => {
    harm(response, {
      head: () => response.writeHead(200),
      late: () => undefined,
      leave: () => response.destroy(),
    });
  });
  const api = createApiClient({ url, apiKey: 'key', timeoutMs: 2_000 });
  const error = await failure(api.agents.list());
  return error?.kind ?? 'done';
}

async function main(): Promise<void> {
  const print = (place: string, harm: string, outcome: string) =>
    process.stdout.write(`${JSON.stringify({ place, harm, outcome })}\n`);
  for (const [harm, work] of Object.entries(harms)) {
    for (const [place, told] of Object.entries(places)) print(place, harm, await buy(told, work));
    print('the API client', harm, await callApi(work));
  }
  await closeServers();
}

await main();
