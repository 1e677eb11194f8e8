import { sameHex, type Address, type Hex } from './Hex.js';

/** Selector of `transfer(address,uint256)` and topic of `Transfer(address,address,uint256)` (ERC-20). */
const TRANSFER = '0xa9059cbb';
const TRANSFER_LOG = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** A transfer of a token, in its base units. */
export interface Transfer {
  readonly token: Address;
  readonly to: Address;
  readonly amount: bigint;
}

/** The call by which the holder of a token makes the transfer. */
export function transferCall({ token, to, amount }: Transfer): { to: Address; data: Hex } {
  return { to: token, data: `${TRANSFER}${word(to)}${word(`0x${amount.toString(16)}`)}` };
}

/** Whether a call makes the transfer. What wallets append to its data, contracts do not read. */
export function isTransferCall(
  call: { readonly to: Address | null | undefined; readonly data: Hex },
  transfer: Transfer,
): boolean {
  const { to, data } = transferCall(transfer);
  return (
    call.to !== null &&
    call.to !== undefined &&
    sameHex(call.to, to) &&
    sameHex(call.data.slice(0, data.length), data)
  );
}

/** What a contract wrote of what it did. */
export interface EmittedLog {
  readonly address: Address;
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

/** Whether a log tells of the transfer, made by `from`. */
export function isTransferLog(
  { address, topics, data }: EmittedLog,
  { token, to, amount }: Transfer,
  from: Address,
): boolean {
  const expected = [
    token,
    TRANSFER_LOG,
    `0x${word(from)}`,
    `0x${word(to)}`,
    `0x${word(`0x${amount.toString(16)}`)}`,
  ];
  const found = [address, ...topics, data];
  return (
    found.length === expected.length && found.every((part, index) => sameHex(part, expected[index] as string))
  );
}

function word(hex: string): string {
  return hex.slice(2).toLowerCase().padStart(64, '0');
}
