import { resolve } from 'node:path';
import { findNetwork, parsePrice, type Network } from '@agentpay/primitives';
import { addressSchema } from '@agentpay/protocol';
import { readWhole, usageFault, type Called, type CommandContext } from '@agentpay/http/commands';
import { readDocument, type ApiDocument } from './apiDocument.js';
import { readPrices, type Prices } from './prices.js';

/** An HTTP API behind the proxy, or the command of an MCP server. */
export type Sold =
  | {
      readonly kind: 'http';
      readonly upstream: string;
      /** Sent with every request, such as the key of the API. */
      readonly headers: Readonly<Record<string, string>>;
      readonly document: ApiDocument | undefined;
    }
  | { readonly kind: 'mcp'; readonly command: string; readonly args: readonly string[] };

export interface SellOptions {
  readonly sold: Sold;
  /** Of everything that the file of prices does not name. */
  readonly price: string | undefined;
  readonly prices: Prices;
  readonly payTo: string | undefined;
  readonly network: Network;
  /** Undefined: one on this machine, with a chain of its own. */
  readonly facilitator: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly baseUrl: string | undefined;
  readonly folder: string;
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** Flags of `sell` that have a value: at the end of an MCP server's command they are still ours. */
const VALUE_FLAGS = [
  'price',
  'prices',
  'pay-to',
  'network',
  'facilitator',
  'port',
  'host',
  'base-url',
  'data',
  'timeout',
];

/** @throws CommandFault naming the word or flag at fault */
export async function readSellOptions({ args, flags: given, around }: Called): Promise<SellOptions> {
  const isMcp = given['mcp'] === true;
  const { words, flags } = isMcp ? trailing(args, given) : { words: args, flags: given };
  const facilitator = urlOf('--facilitator', flags['facilitator']);
  const price = flags['price'] === undefined ? undefined : priceOf(String(flags['price']));
  const prices =
    flags['prices'] === undefined ? {} : readPrices(resolve(around.folder, String(flags['prices'])), isMcp);
  if (price === undefined && Object.keys(prices).length === 0)
    throw usageFault(`Say what it costs: --price '$0.01', or --prices FILE.`);
  return {
    sold: isMcp ? mcpOf(words, flags) : await httpOf(words, flags, around),
    price,
    prices,
    payTo: payToOf(flags, facilitator),
    network: networkOf(flags['network'], facilitator),
    facilitator,
    host: String(flags['host'] ?? '127.0.0.1'),
    port: readWhole('--port', flags['port'], 4021, 65_535),
    baseUrl: urlOf('--base-url', flags['baseUrl']),
    folder: resolve(around.folder, String(flags['data'] ?? '.agentpay/sell')),
    timeoutMs: readWhole('--timeout', flags['timeout'], 60, 3600) * 1000,
    json: flags['json'] === true,
  };
}

/**
 * `-- node server.js --price '$0.01'`: what ends the command of the server is read as ours when it is a flag of ours, unless a second
 * `--` ends that command.
 */
function trailing(
  args: readonly string[],
  given: Called['flags'],
): { words: string[]; flags: Called['flags'] } {
  const words = [...args];
  const flags: Record<string, unknown> = { ...given };
  if (words.at(-1) === '--') return { words: words.slice(0, -1), flags };
  for (;;) {
    const [name = '', value = ''] = words.slice(-2);
    if (words.length < 3 || !VALUE_FLAGS.some((flag) => name === `--${flag}`)) return { words, flags };
    const camel = name.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    if (flags[camel] === undefined) flags[camel] = value;
    words.splice(-2);
  }
}

function mcpOf([command, ...args]: readonly string[], flags: Called['flags']): Sold {
  if (flags['upstream'] !== undefined) throw usageFault('--upstream is for HTTP APIs, not with --mcp.');
  if (command === undefined)
    throw usageFault('Say how the MCP server is started: agentpay sell --mcp -- node server.js');
  return { kind: 'mcp', command, args };
}

async function httpOf(
  words: readonly string[],
  flags: Called['flags'],
  { env, folder }: CommandContext,
): Promise<Sold> {
  const [file, extra] = words;
  if (extra !== undefined)
    throw usageFault(`agentpay sell takes one OpenAPI document, not "${extra}" as well.`);
  const document = file === undefined ? undefined : await readDocument(resolve(folder, file));
  const upstream = urlOf('--upstream', flags['upstream']) ?? document?.server;
  if (upstream === undefined)
    throw usageFault(
      'Say where the API is: --upstream http://127.0.0.1:8000 (the document names no server).',
    );
  return { kind: 'http', upstream, headers: headersOf(flags['upstreamHeader'], env), document };
}

function headersOf(lines: unknown, env: CommandContext['env']): Record<string, string> {
  const entries = ((lines ?? []) as readonly string[]).map((line) => {
    // A value may come from the environment, so that keys stay out of the list of processes.
    const [, name, value = ''] = /^([\w!#$%&'*+.^`|~-]+):\s*([\x20-\x7e]*)$/.exec(line) ?? [];
    if (name === undefined) throw usageFault('--upstream-header must be like "X-Api-Key: $UPSTREAM_KEY".');
    const [, variable] = /^\$(\w+)$/.exec(value) ?? [];
    if (variable === undefined) return [name.toLowerCase(), value] as const;
    const found = env[variable];
    if (found === undefined) throw usageFault(`--upstream-header names ${variable}, which is not set.`);
    return [name.toLowerCase(), found] as const;
  });
  return Object.fromEntries(entries);
}

function payToOf(flags: Called['flags'], facilitator: string | undefined): string | undefined {
  const given = flags['payTo'];
  if (given === undefined) {
    if (facilitator === undefined) return undefined;
    throw usageFault('Say who is paid: --pay-to 0x…');
  }
  if (addressSchema.safeParse(given).success) return String(given);
  throw usageFault(`--pay-to must be an address, not "${String(given)}".`);
}

function networkOf(given: unknown, facilitator: string | undefined): Network {
  const name = String(given ?? (facilitator === undefined ? 'local' : 'base-sepolia'));
  const network = findNetwork(name === 'local' ? 'base-sepolia' : name);
  if (!network) throw usageFault(`--network must be local, base-sepolia or base, not "${name}".`);
  if (name !== 'local' && facilitator === undefined)
    throw usageFault(`Say who settles payments on ${network.title}: --facilitator https://…`);
  return network;
}

function urlOf(flag: string, given: unknown): string | undefined {
  if (given === undefined) return undefined;
  const text = String(given);
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw usageFault(`${flag} must be a URL that begins with http:// or https://, not "${text}".`);
}

function priceOf(text: string): string {
  try {
    parsePrice(text);
    return text;
  } catch {
    throw usageFault(
      `--price must be a price such as '$0.01', not "${text}". In a shell, put it in single quotes.`,
    );
  }
}
