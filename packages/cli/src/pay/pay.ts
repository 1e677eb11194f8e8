import { createWriteStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { findNetwork, formatDecimal, paymentNetworks, systemClock } from '@agentpay/primitives';
import {
  fromBase64,
  fromBase64url,
  mpp,
  PAYMENT_RECEIPT_JWS,
  readBytes,
  sameHex,
  x402v1,
  x402v2,
} from '@agentpay/protocol';
import { createClient, paymentOf, PaymentError, type ClientEvent, type PaymentMade } from '@agentpay/sdk';
import { CommandFault, type Called } from '@agentpay/http/commands';
import { jsonText } from '../print.js';
import { homeFolder, payingKey } from '../wallet/WalletFile.js';
import { readPayRequest, type PaidFetch } from './payRequest.js';
import { purchaseFiles } from './purchaseFiles.js';

/** Longest body that is shown within JSON. */
const MAX_SHOWN = 16 * 1024 * 1024;
/** What has been bought in all is no limit of this command: `--max` and `--max-per-day` are. */
const NO_TOTAL = '$1000000000';

/** `agentpay pay`. @returns the exit code. @throws CommandFault */
export async function pay(called: Called): Promise<number> {
  const { flags, around } = called;
  const { print, note } = around;
  const request = readPayRequest(called);
  const response = await fetchPaid(request, flags['wallet'], around);
  const payment = paymentOf(response);
  if (flags['json']) print(jsonText(await jsonOf(response, payment)));
  else {
    if (flags['include']) print(`${response.status} ${response.statusText}\n${headerLines(response)}\n`);
    await writeBody(response, flags['output'] as string | undefined, around);
    if (payment) note(paidSentence(payment));
    if (response.status >= 400) note(`The seller responded with ${response.status}.`);
  }
  return response.status < 400 ? 0 : 1;
}

async function fetchPaid(
  request: PaidFetch,
  wallet: unknown,
  { env, note }: Called['around'],
): Promise<Response> {
  const { url, method, headers, body, max, maxPerDay, networks, facilitator, timeoutMs } = request;
  const { address, privateKey } = payingKey(env, wallet);
  const client = createClient({
    privateKey,
    budget: { perRequest: max, total: NO_TOTAL, ...(maxPerDay !== undefined && { perDay: maxPerDay }) },
    ...(networks && { allow: { networks } }),
    facilitator,
    attemptTimeoutMs: timeoutMs,
    onEvent: (event) => noteWaiting(event, note),
    journal: purchaseFiles(join(homeFolder(env), 'purchases', address.toLowerCase()), systemClock),
  });
  try {
    return await client.fetch(url, { method, headers, ...(body && { body: new Uint8Array(body) }) });
  } catch (error) {
    throw faultOf(error, url);
  }
}

/** On long work somebody wants to know that it goes on. */
function noteWaiting(event: ClientEvent, note: (line: string) => void): void {
  if (event.type !== 'waiting') return;
  const why = event.status === undefined ? 'gives no response' : `responds with ${event.status}`;
  note(`The seller ${why}: the same payment goes out again in ${(event.waitMs / 1000).toFixed(1)} s.`);
}

function faultOf(error: unknown, url: string): unknown {
  if (error instanceof PaymentError) {
    const { kind, message, reason, hint, payment, settlement } = error;
    const advice = ADVICE[kind] ?? (kind === 'payment_refused' && /test money/i.test(message) ? FUND : '');
    const details = {
      reason,
      hint,
      ...(payment && { payment: shown(payment) }),
      ...(settlement && { settlement }),
    };
    return new CommandFault(kind, `${message}${advice && ` ${advice}`}`, { details, cause: error });
  }
  const isNetwork = error instanceof TypeError || (error as Error).name === 'TimeoutError';
  if (!isNetwork) return error;
  const { cause } = error as Error;
  const why = (cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message;
  return new CommandFault('unavailable', `${url} gives no response: ${why}. Nothing was paid.`, {
    cause: error,
  });
}

const FUND = 'On a local chain: agentpay wallet fund.';
const ADVICE: Readonly<Record<string, string>> = {
  payment_unresolved: 'Run the same command again: it sends the same payment and signs no other.',
  budget_exceeded: 'Raise --max to pay it.',
  offer_not_acceptable: 'Networks with real money have to be named: --network base.',
};

async function jsonOf(response: Response, payment: PaymentMade | undefined): Promise<object> {
  const bytes = await readBytes(response.body, MAX_SHOWN, AbortSignal.timeout(600_000)).catch(
    () => undefined,
  );
  const text = bytes && textIn(bytes);
  return {
    ok: response.status < 400,
    status: response.status,
    headers: Object.fromEntries(response.headers),
    ...(text === undefined && bytes && { body_base64: Buffer.from(bytes).toString('base64') }),
    ...(text !== undefined && { body: text }),
    ...(!bytes && { body: null, note: `The body is longer than ${MAX_SHOWN} bytes, or broke off.` }),
    payment: payment ? shown(payment) : null,
    receipts: receiptsIn(response.headers),
  };
}

function textIn(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What the seller says of the payment, as it says it; a signed receipt is for whoever wants to check it. */
function receiptsIn(headers: Headers): Record<string, unknown> {
  const settled = headers.get(x402v2.PAYMENT_RESPONSE) ?? headers.get(x402v1.X_PAYMENT_RESPONSE);
  const receipt = headers.get(mpp.PAYMENT_RECEIPT);
  const signed = headers.get(PAYMENT_RECEIPT_JWS);
  return {
    ...(settled !== null && { x402: orText(() => fromBase64(settled), settled) }),
    ...(receipt !== null && { mpp: orText(() => fromBase64url(receipt), receipt) }),
    ...(signed !== null && { signed }),
  };
}

function orText(read: () => unknown, text: string): unknown {
  try {
    return read();
  } catch {
    return text;
  }
}

/** The network of a payment, and its amount in units of the asset where that is the one known there. */
function moneyOf({ network: id, asset, amount }: PaymentMade) {
  const network = paymentNetworks.find((known) => known.id === id);
  if (!network || !sameHex(network.asset.address, asset)) return { title: network?.title ?? id };
  const { symbol, decimals } = network.asset;
  return { title: network.title, money: { decimal: formatDecimal(amount, decimals), symbol } };
}

function shown(payment: PaymentMade): object {
  const explorer = findNetwork(payment.network)?.explorer;
  return {
    ...payment,
    amount: String(payment.amount),
    ...moneyOf(payment).money,
    ...(explorer !== undefined &&
      payment.transaction && { explorer: `${explorer}/tx/${payment.transaction}` }),
  };
}

function paidSentence(payment: PaymentMade): string {
  const { amount, asset, payTo, dialect, transaction } = payment;
  const { title, money } = moneyOf(payment);
  const what = money ? `${money.decimal} ${money.symbol}` : `${amount} base units of ${asset}`;
  const proof = transaction === undefined ? '' : `, transaction ${transaction}`;
  return `Paid ${what} on ${title} to ${payTo} (${dialect})${proof}.`;
}

function headerLines(response: Response): string {
  return [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
}

async function writeBody(
  response: Response,
  file: string | undefined,
  { folder, write }: Called['around'],
): Promise<void> {
  if (!response.body) return;
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  if (file !== undefined) return void (await finished(body.pipe(createWriteStream(resolve(folder, file)))));
  let last: Uint8Array | undefined;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    await write(chunk);
    last = chunk;
  }
  // So that what follows on a terminal begins on a line of its own.
  if (process.stdout.isTTY && last?.at(-1) !== 0x0a) await write(Buffer.from('\n'));
}
