import { findNetwork } from '@agentpay/primitives';
import {
  fromBase64,
  isShortBalance,
  readHeld,
  writeShortBalance,
  x402v1,
  x402v2,
  type ShortBalance,
} from '@agentpay/protocol';

/** Where everybody gets USDC of test networks. */
const FAUCET = 'https://faucet.circle.com';

/** What a second 402 says, in a sentence of our own where its code is known. */
export function describeRefusal(
  reason: string | undefined,
  body: Uint8Array | undefined,
  {
    payer,
    network,
    needed,
  }: Pick<ShortBalance, 'network' | 'needed'> & { readonly payer: string | undefined },
): string {
  const refused = `The seller refused the payment${reason ? `: ${reason}` : ''}. No other was signed.`;
  if (payer === undefined || !isShortBalance(reason)) return refused;
  const held = body && readHeld(new TextDecoder().decode(body), payer);
  const testMoney = findNetwork(network)?.mainnet === false ? ` Test money: ${FAUCET}.` : '';
  // A seller whose figures do not hold is not quoted.
  const short = { payer, network, needed, held: held !== undefined && held < needed ? held : undefined };
  return `${writeShortBalance(short)}${testMoney} ${refused}`;
}

/** The code that a second 402 gives for its refusal, wherever the dialect puts it; undefined when it gives none. */
export function refusalOf({ headers }: Response, body: Uint8Array | undefined): string | undefined {
  const settlement = headers.get(x402v2.PAYMENT_RESPONSE) ?? headers.get(x402v1.X_PAYMENT_RESPONSE);
  const required = headers.get(x402v2.PAYMENT_REQUIRED);
  const settled = membersOf(() => fromBase64(settlement ?? ''));
  const demand = membersOf(() => fromBase64(required ?? ''));
  const written = membersOf(() => JSON.parse(new TextDecoder().decode(body)));
  const codes = [settled['errorReason'], written['code'], demand['error'], written['error'], written['type']];
  const code = codes.find((value) => typeof value === 'string' && value !== '') as string | undefined;
  return code?.replace(/\p{Cc}/gu, ' ').slice(0, 200);
}

function membersOf(read: () => unknown): Record<string, unknown> {
  try {
    return Object(read()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
