import type { payments } from '@agentpay/core';
import { TRANSFER, type Chain, type TransactionReceipt } from '@agentpay/evm';
import type { Address, Hex } from '@agentpay/protocol';

/** Receipts that are asked for at once. */
const AT_ONCE = 100;

/** What an account sent of a token, as its chain has it: in these transactions, and in the last twenty that it sent any in. */
export async function usdcStatement(
  chain: Chain,
  { asset, account, references }: { asset: Address; account: Address; references: readonly string[] },
): Promise<payments.RailStatement> {
  const sender: Hex = `0x${account.slice(2).toLowerCase().padStart(64, '0')}`;
  const last = await chain.transactionsWith({ address: asset, topics: [TRANSFER, sender] });
  const found = new Map<string, TransactionReceipt>();
  for (const { receipt } of last) found.set(receipt.hash, receipt);
  const others = [...new Set(references)].filter((hash) => !found.has(hash)) as Hex[];
  for (let at = 0; at < others.length; at += AT_ONCE)
    for (const receipt of await chain.receipts(others.slice(at, at + AT_ONCE)))
      if (receipt) found.set(receipt.hash, receipt);
  const sends = ({ hash, success, logs }: TransactionReceipt) =>
    logs
      .filter(
        ({ address, topics: [kind, from] }) =>
          success && isSame(address, asset) && kind === TRANSFER && from === sender,
      )
      .map(({ data }) => ({ reference: hash, amount: BigInt(data) }));
  return { movements: [...found.values()].flatMap(sends) };
}

function isSame(a: Address, b: Address): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
