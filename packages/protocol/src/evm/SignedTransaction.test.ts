import fc from 'fast-check';
import { encodeFunctionData, erc20Abi, keccak256 as viemKeccak, recoverAddress, type Address } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { Hex } from './Hex.js';
import { readSignedTransaction } from './SignedTransaction.js';
import { isTransferCall, isTransferLog, transferCall } from './Transfer.js';

const account = privateKeyToAccount(`0x${'7'.repeat(64)}`);
const hexOf = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString('hex')}`;
const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(hexOf);
const wei = fc.bigInt({ min: 0n, max: 2n ** 96n });

describe('a signed transaction', () => {
  it('is read as its signer wrote it, hash and signature included', async () => {
    const transactions = fc.record({
      chainId: fc.integer({ min: 1, max: 2 ** 31 }),
      nonce: fc.integer({ min: 0, max: 2 ** 31 }),
      maxPriorityFeePerGas: wei,
      maxFeePerGas: wei.map((fee) => fee + 2n ** 96n),
      gas: wei,
      to: fc.option(address, { nil: undefined }),
      value: wei,
      data: fc.uint8Array({ maxLength: 300 }).map(hexOf),
      accessList: fc.array(
        fc.record({ address, storageKeys: fc.constant([`0x${'0'.repeat(64)}`] as const) }),
        { maxLength: 2 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(transactions, async (transaction) => {
        const { to, accessList, ...rest } = transaction;
        const raw = await account.signTransaction({
          type: 'eip1559',
          ...rest,
          accessList,
          ...(to && { to }),
        });
        const { hash, digest, signature, to: readTo, ...read } = readSignedTransaction(raw);
        expect(read).toEqual(rest);
        expect(readTo?.toLowerCase()).toBe(to);
        expect(hash).toBe(viemKeccak(raw));
        expect(await recoverAddress({ hash: digest, signature })).toBe(account.address);
      }),
      { numRuns: 50 },
    );
  });

  it('is refused as malformed, whatever else the bytes are', async () => {
    const raw = await account.signTransaction({
      type: 'eip1559',
      chainId: 1,
      gas: 21_000n,
      maxFeePerGas: 1n,
      to: account.address,
    });
    const legacy = await account.signTransaction({
      type: 'legacy',
      chainId: 1,
      gas: 21_000n,
      gasPrice: 1n,
      to: account.address,
    });
    const malformed = expect.objectContaining({ kind: 'payment_malformed' });
    const refused = (bytes: Hex) => expect(() => readSignedTransaction(bytes)).toThrow(malformed);
    for (const bytes of [
      '0x',
      '0x02',
      '0x02c0',
      legacy,
      `${raw}00`,
      raw.slice(0, -2),
      `0x02bfffffffffffffffff`,
    ] as Hex[])
      refused(bytes);
    const noise = fc
      .uint8Array({ maxLength: 200 })
      .map((bytes) => hexOf(Buffer.concat([Buffer.of(2), bytes])));
    fc.assert(fc.property(noise, refused), { numRuns: 500 });
  });

  it('takes linear time on lists within lists', () => {
    const deep = `0x02${'c1'.repeat(8000)}` as const;
    expect(() => readSignedTransaction(deep)).toThrow(expect.objectContaining({ kind: 'payment_malformed' }));
  });
});

describe('a transfer', () => {
  const cases = fc.record({
    token: address,
    to: address,
    amount: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  });
  const swapped = (text: Hex, index: number) =>
    `${text.slice(0, index)}${text[index] === '0' ? '1' : '0'}${text.slice(index + 1)}` as Hex;

  it('is called as the ABI of ERC-20 says, and recognised with what wallets append', () => {
    fc.assert(
      fc.property(cases, ({ token, to, amount }) => {
        const call = transferCall({ token, to, amount });
        const data = encodeFunctionData({
          abi: erc20Abi,
          args: [to as Address, amount],
          functionName: 'transfer',
        });
        expect(call).toEqual({ to: token, data });
        expect(isTransferCall({ ...call, data: `${call.data}0badc0de` }, { token, to, amount })).toBe(true);
      }),
    );
  });

  it('is no other call, and no other log', () => {
    fc.assert(
      fc.property(cases, address, fc.integer({ min: 2, max: 137 }), (transfer, from, index) => {
        const { to, data } = transferCall(transfer);
        expect(isTransferCall({ to, data: swapped(data, index) }, transfer)).toBe(false);
        expect(isTransferCall({ to: swapped(to, 2 + (index % 40)), data }, transfer)).toBe(false);
        expect(isTransferCall({ to: null, data }, transfer)).toBe(false);
        const word = (hex: string): Hex => `0x${hex.slice(2).padStart(64, '0')}`;
        const topic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
        const topics = [topic, word(from), word(transfer.to)] as Hex[];
        const log = { address: to, topics, data: word(`0x${transfer.amount.toString(16)}`) };
        const others = topics.map((text, at) => (at === index % 3 ? swapped(text, 65) : text));
        expect(isTransferLog(log, transfer, from)).toBe(true);
        expect(isTransferLog({ ...log, data: swapped(log.data, 65) }, transfer, from)).toBe(false);
        expect(isTransferLog({ ...log, topics: others }, transfer, from)).toBe(false);
        expect(isTransferLog({ ...log, topics: log.topics.slice(0, 2) }, transfer, from)).toBe(false);
        expect(isTransferLog({ ...log, address: swapped(to, 2 + (index % 40)) }, transfer, from)).toBe(false);
      }),
    );
  });
});
