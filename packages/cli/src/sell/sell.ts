import { listen, stopSignals } from '@agentpay/http';
import { DevFault, startLocalMoney } from '@agentpay/dev';
import type { PaywallOptions } from '@agentpay/paywall';
import { systemClock, systemRandom } from '@agentpay/primitives';
import { CommandFault, portFault, type Called, type CommandContext } from '@agentpay/http/commands';
import { join } from 'node:path';
import { localStack, SELL_FILE } from '../localStack.js';
import { programIn } from '../print.js';
import { addUp, earnedText, paymentBook, paymentLine } from './PaymentBook.js';
import { sellHttp } from './sellHttp.js';
import { ownAddress, sellerKeys } from './sellerKeys.js';
import { readSellOptions, type SellOptions } from './SellOptions.js';
import type { Shop } from './Shop.js';

/** What requests under way still get once the shop closes, and once more told. */
const GRACE_MS = 10_000;
const HURRY_MS = 500;

/** `agentpay sell`: sells until it is told to stop. @returns the exit code. @throws CommandFault */
export async function sell(called: Called): Promise<number> {
  const options = await readSellOptions(called);
  const { around } = called;
  const stop = stopSignals();
  const money = await moneyOf(options, around);
  try {
    return await open(options, { ...money, stop, around });
  } finally {
    await money.close();
  }
}

interface Money {
  readonly facilitator: string;
  readonly isLocal: boolean;
  readonly gaveUp: Promise<string>;
  close(): Promise<void>;
}

/** The facilitator that settles: the one that was named, that of a local stack in this folder, or one that is started now. */
async function moneyOf(
  { facilitator, folder }: SellOptions,
  { note, folder: working }: CommandContext,
): Promise<Money> {
  const never = { gaveUp: new Promise<string>(() => undefined), close: async () => undefined };
  if (facilitator !== undefined) return { facilitator, isLocal: false, ...never };
  const running = localStack(working);
  if (running) return { facilitator: running.facilitator.url, isLocal: true, ...never };
  note('Starting a local chain and a facilitator for test money …');
  let giveUp: (why: string) => void = () => undefined;
  const gaveUp = new Promise<string>((resolve) => (giveUp = resolve));
  const local = await startLocalMoney({
    folder: join(folder, 'local'),
    describeIn: join(working, SELL_FILE),
    clock: systemClock,
    random: systemRandom,
    onGiveUp: ({ message }) => giveUp(message),
  }).catch((cause: unknown) => {
    if (!(cause instanceof DevFault)) throw cause;
    throw new CommandFault('local_chain_unavailable', cause.message, { cause });
  });
  return { facilitator: local.facilitator, isLocal: true, gaveUp, close: local.close };
}

interface Opening extends Money {
  readonly around: CommandContext;
  readonly stop: ReturnType<typeof stopSignals>;
}

async function open(options: SellOptions, opening: Opening): Promise<number> {
  const { facilitator, isLocal, gaveUp, stop, around } = opening;
  const { print, note } = around;
  const { sold, folder, network, json, host, port } = options;
  const own = options.payTo === undefined ? ownAddress(folder, systemRandom) : undefined;
  const payTo = options.payTo ?? (own?.address as string);
  const book = paymentBook(folder, systemClock);
  const selling: PaywallOptions = {
    payTo,
    network: network.id,
    facilitator,
    logger: false,
    onError: ({ what, error }) => note(error instanceof Error ? `${what}: ${error.message}` : what),
    ...sellerKeys(folder, systemRandom),
    ...(options.baseUrl !== undefined && { baseUrl: options.baseUrl }),
    onSettled(event) {
      const booked = book.add(event);
      if (json) print(JSON.stringify({ event: 'paid', ...booked }));
      else note(paymentLine(booked));
    },
  };
  const shopOptions = { ...options, selling, log: note };
  const shop =
    sold.kind === 'http'
      ? sellHttp(sold, shopOptions)
      : await (await import('./sellMcp.js')).sellMcp(sold, shopOptions);
  try {
    await shop.ready().catch((cause: unknown) => {
      throw new CommandFault('facilitator_unavailable', (cause as Error).message, { cause });
    });
    const listening = await listen(shop.handle, { host, port, clock: systemClock, refuse: refusal }).catch(
      (cause: unknown) => {
        throw portFault(cause);
      },
    );
    await announce(shop, options, {
      url: listening.url,
      payTo,
      keyFile: own?.file,
      facilitator,
      isLocal,
      around,
    });
    const why = await Promise.race([stop.first, gaveUp, shop.ended ?? new Promise<string>(() => undefined)]);
    stop.onAgain(() => void listening.close(HURRY_MS));
    await listening.close(GRACE_MS);
    if (typeof why !== 'string') return 0;
    throw new CommandFault('ended', why);
  } finally {
    await shop.close();
    note(`Earned so far: ${earnedText(await addUp(folder))}.`);
  }
}

const refusal: Parameters<typeof listen>[1]['refuse'] = (kind, message) => ({
  status: kind === 'headers_too_large' ? 431 : kind === 'request_timeout' ? 408 : 400,
  headers: { 'Content-Type': 'application/problem+json' },
  body: JSON.stringify({
    type: 'about:blank',
    title: kind.replaceAll('_', ' '),
    code: kind,
    detail: message,
  }),
});

interface Opened {
  readonly around: CommandContext;
  readonly url: string;
  readonly payTo: string;
  readonly keyFile: string | undefined;
  readonly facilitator: string;
  readonly isLocal: boolean;
}

/** What is sold, to whom the money goes, and who settles it. */
async function announce(
  shop: Shop,
  { network, folder, json, sold }: SellOptions,
  opened: Opened,
): Promise<void> {
  const { url, payTo, keyFile, facilitator, isLocal, around } = opened;
  const { print, note } = around;
  const earned = await addUp(folder);
  const chain = isLocal ? 'the local chain (test money)' : network.title;
  if (json) {
    const at = `${url}${shop.path === '/' ? '' : shop.path}`;
    return print(
      JSON.stringify({
        event: 'selling',
        url: at,
        sells: shop.listed,
        pay_to: payTo,
        network: network.id,
        facilitator,
      }),
    );
  }
  const width = Math.min(60, Math.max(...shop.listed.map(({ name }) => name.length)));
  const shown = shop.listed.slice(0, 30);
  const more = shop.listed.length - shown.length;
  const what = sold.kind === 'http' ? sold.upstream : [sold.command, ...sold.args].join(' ');
  print(`Selling ${what} on ${url}${shop.path === '/' ? '' : shop.path}`);
  for (const { name, price } of shown) print(`  ${name.padEnd(width)}  ${price}`);
  if (more > 0) print(`  and ${more} more`);
  print(`  paid to      ${payTo}${keyFile === undefined ? '' : ` (its key is in ${keyFile})`}`);
  print(`  on           ${chain}`);
  print(`  settled by   ${facilitator}`);
  print(`  earned       ${earnedText(earned)} so far`);
  print(
    `  found by     ${url}${sold.kind === 'http' ? '/openapi.json, ' : ''}/.well-known/x402 and /llms.txt`,
  );
  if (isLocal && sold.kind === 'http') note(tryIt(url, shop, programIn(around.env)));
}

function tryIt(url: string, { listed }: Shop, program: string): string {
  const path = listed.find(
    ({ name, price }) => /^(GET )?\/[^:*]*$/.test(name) && price.startsWith('$'),
  )?.name;
  const at = url + (path?.replace(/^GET /, '') ?? '/');
  const lines = ['wallet create', 'wallet fund', `pay ${at}`].map((words) => `\n  ${program} ${words}`);
  return `Buy something, in this folder:${lines.join('')}`;
}
