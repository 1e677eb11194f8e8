import { findNetwork, TEST_MONEY } from '@agentpay/primitives';
import { isShortBalance, readHeld, writeShortBalance, type ShortBalance } from '@agentpay/protocol';

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
  const testMoney = findNetwork(network)?.mainnet === false ? ` Test money: ${TEST_MONEY}.` : '';
  // A seller whose figures do not hold is not quoted.
  const short = { payer, network, needed, held: held !== undefined && held < needed ? held : undefined };
  return `${writeShortBalance(short)}${testMoney} ${refused}`;
}
