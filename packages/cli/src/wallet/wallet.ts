import { formatDecimal, parsePrice, systemRandom, TEST_MONEY } from '@agentpay/primitives';
import { usageFault, type Called } from '@agentpay/http/commands';
import { jsonText } from '../print.js';
import { chainPlace, mintTestUsdc, titleOf, usdcBalance } from './money.js';
import { createWallet, payingKey, walletPath } from './WalletFile.js';

/** Most that is minted at once. */
const MOST_MINTED = 1_000_000n * 1_000_000n;

/** `agentpay wallet create`. @returns the exit code. @throws CommandFault */
export async function create({ flags, around: { env, print } }: Called): Promise<number> {
  const file = walletPath(env, flags['wallet']);
  const { address, privateKey } = createWallet(file, systemRandom);
  const shown = flags['showKey'] === true ? { private_key: privateKey } : {};
  if (flags['json']) print(jsonText({ ok: true, address, file, ...shown }));
  else {
    print(`${address} is in ${file}. Whoever has this file has the money: keep a copy in a safe place.`);
    if (flags['showKey']) print(privateKey);
  }
  return 0;
}

/** `agentpay wallet balance`. @returns the exit code. @throws CommandFault */
export async function balance({ args, flags, around }: Called): Promise<number> {
  const { print } = around;
  const place = placeOf(flags, around);
  const address = addressOf(args[0], flags, around);
  const usdc = formatDecimal(await usdcBalance(place, address));
  if (flags['json'])
    print(jsonText({ ok: true, address, network: place.network.id, local: place.isLocal, usdc }));
  else print(`${address} has ${usdc} USDC on ${titleOf(place)}.`);
  return 0;
}

/** `agentpay wallet fund`. @returns the exit code. @throws CommandFault */
export async function fund({ args, flags, around }: Called): Promise<number> {
  const { print } = around;
  const place = placeOf(flags, around);
  const address = addressOf(args[0], flags, around);
  const amount = parsePrice(String(flags['amount'] ?? '$10'));
  if (amount > MOST_MINTED) throw usageFault('--amount must be at most $1000000.');
  if (!place.isLocal) return tellWhere(address, place, { print, asJson: flags['json'] === true });
  await mintTestUsdc(place, address, amount);
  const usdc = formatDecimal(await usdcBalance(place, address));
  if (flags['json']) print(jsonText({ ok: true, address, funded: formatDecimal(amount), usdc }));
  else print(`${address} got ${formatDecimal(amount)} test USDC on the local chain and has ${usdc}.`);
  return 0;
}

/** Nothing was funded, so this is no success: exit code 1. */
function tellWhere(
  address: string,
  { network }: ReturnType<typeof placeOf>,
  { print, asJson }: Pick<Called['around'], 'print'> & { readonly asJson: boolean },
): number {
  const how = network.mainnet
    ? `USDC on ${network.title} is real money: send it to ${address}.`
    : `Get test USDC for ${address} at ${TEST_MONEY} (network: ${network.title}).`;
  const error = { code: 'fund_elsewhere', message: how, ...(!network.mainnet && { url: TEST_MONEY }) };
  if (asJson) print(jsonText({ ok: false, error }));
  else print(how);
  return 1;
}

function placeOf(flags: Called['flags'], { env, folder }: Called['around']) {
  return chainPlace(flags, { env, folder });
}

function addressOf(given: string | undefined, flags: Called['flags'], { env }: Called['around']): string {
  if (given === undefined) return payingKey(env, flags['wallet']).address;
  if (/^0x[0-9a-fA-F]{40}$/.test(given)) return given;
  throw usageFault(`"${given}" is no address: it must be 0x and 40 hex digits.`);
}
