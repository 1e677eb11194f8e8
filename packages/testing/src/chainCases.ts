import { baseSepolia, MULTICALL3 } from '@agentpay/primitives';
import {
  authorizationTypedData,
  bytesToHex,
  domainSeparator,
  hashAuthorization,
  type Address,
  type Authorization,
  type Hex,
} from '@agentpay/protocol';
import {
  aggregate,
  authorizationStateCall,
  balanceCall,
  ChainError,
  domainSeparatorCall,
  isValidSignatureCall,
  provesTransfer,
  revertText,
  saysValidSignature,
  transferCall,
  type Call,
  type Chain,
  type TransactionReceipt,
} from '@agentpay/evm';
import { keccak256, toHex, type LocalAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';

/** A chain with Base Sepolia's id, USDC and Multicall3, on which blocks come only when the test says so. */
export interface ChainSubject {
  readonly chain: Chain;
  /** Gives an account test USDC, and ether for gas. */
  fund(account: Address, usdc: bigint): Promise<void>;
  mine(): Promise<void>;
  /** An account with code that takes signatures of 66 bytes of its owner. */
  openAccount(owner: LocalAccount): Promise<Address>;
  close(): Promise<void>;
}

const usdc = baseSepolia.usdc.address;
const domain = { ...baseSepolia.usdc.eip712, chainId: baseSepolia.chainId, verifyingContract: usdc };
const seller: Address = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const newAccount = () => privateKeyToAccount(generatePrivateKey());
let nonces = 0;

function authorizationOf(from: Address, change: Partial<Authorization> = {}): Authorization {
  const validBefore = BigInt(Math.floor(Date.now() / 1000)) + 600n;
  return {
    from,
    to: seller,
    value: 1_000n,
    validAfter: 0n,
    validBefore,
    nonce: keccak256(toHex(`chain case ${nonces++}`)),
    ...change,
  };
}

async function signedCall(account: LocalAccount, authorization: Authorization): Promise<Call> {
  return transferCall(
    usdc,
    authorization,
    await account.signTypedData(authorizationTypedData(domain, authorization)),
  );
}

interface Sending extends Call {
  readonly nonce: number;
  readonly fee?: bigint;
}

/** What every {@link Chain} does. */
export function chainCases(name: string, make: () => Promise<ChainSubject>): void {
  describe(`Chain: ${name}`, () => {
    let subject: ChainSubject;
    let chain: Chain;
    let payer: ReturnType<typeof newAccount>;
    let sender: ReturnType<typeof newAccount>;
    beforeAll(async () => {
      subject = await make();
      chain = subject.chain;
    });
    afterAll(() => subject.close());
    beforeEach(async () => {
      payer = newAccount();
      sender = newAccount();
      await subject.fund(payer.address, 10_000n);
      await subject.fund(sender.address, 0n);
    });

    async function sign({
      to,
      data,
      nonce,
      fee = 3_000_000_000n,
    }: Sending): Promise<{ raw: Hex; hash: Hex }> {
      const fees = { maxFeePerGas: fee, maxPriorityFeePerGas: fee / 2n };
      const raw = await sender.signTransaction({
        type: 'eip1559',
        chainId: 84532,
        gas: 500_000n,
        to,
        data,
        nonce,
        ...fees,
      });
      return { raw, hash: keccak256(raw) };
    }

    async function land(call: Call, nonce = 0): Promise<TransactionReceipt> {
      const { raw, hash } = await sign({ ...call, nonce });
      await chain.send(raw);
      await subject.mine();
      const [receipt] = await chain.receipts([hash]);
      if (!receipt) throw new Error('The transaction is in no block.');
      return receipt;
    }

    const balanceOf = async (account: Address) =>
      BigInt((await chain.read([balanceCall(usdc, account)]))[0]?.data ?? '0x0');

    it('is Base Sepolia with its USDC', async () => {
      expect(await chain.chainId()).toBe(84532);
      expect((await chain.read([domainSeparatorCall(usdc)]))[0]).toEqual({
        success: true,
        data: bytesToHex(domainSeparator(domain)),
      });
      expect(await chain.balance(sender.address)).toBeGreaterThan(10n ** 15n);
      expect((await chain.fees()).maxFeePerGas).toBeGreaterThan(0n);
    });

    it('numbers its blocks and tells their time', async () => {
      const before = await chain.block();
      await subject.mine();
      const after = await chain.block();
      expect(after.number).toBeGreaterThan(before.number);
      expect(Math.abs(Number(after.timestamp) - Date.now() / 1000)).toBeLessThan(60);
    });

    it('runs the calls of a batch one after another, lets one fail alone, and forgets what they did', async () => {
      const good = await signedCall(payer, authorizationOf(payer.address));
      const before = await balanceOf(seller);
      const results = await chain.read([
        good,
        balanceCall(usdc, payer.address),
        good,
        balanceCall(usdc, seller),
      ]);
      expect(results.map(({ success }) => success)).toEqual([true, true, false, true]);
      expect(BigInt(results[1]?.data ?? '0x0')).toBe(9_000n);
      expect(BigInt(results[3]?.data ?? '0x0')).toBe(before + 1_000n);
      expect(await balanceOf(payer.address)).toBe(10_000n);
    });

    it('gives success and no data for an address without code', async () => {
      expect(await chain.read([{ to: newAccount().address, data: '0x12345678' }])).toEqual([
        { success: true, data: '0x' },
      ]);
    });

    it('moves money by an authorization once, with the logs that prove it', async () => {
      const authorization = authorizationOf(payer.address);
      const call = await signedCall(payer, authorization);
      expect(await chain.authorizationUse(usdc, payer.address, authorization.nonce)).toBeUndefined();
      const first = await land(call);
      const second = await land(call, 1);
      expect([first.success, second.success]).toEqual([true, false]);
      expect(provesTransfer(first.logs, usdc, authorization)).toBe(true);
      expect(provesTransfer(second.logs, usdc, authorization)).toBe(false);
      expect(await balanceOf(payer.address)).toBe(9_000n);
      const [state] = await chain.read([authorizationStateCall(usdc, payer.address, authorization.nonce)]);
      expect(BigInt(state?.data ?? '0x0')).toBe(1n);
      expect((await chain.authorizationUse(usdc, payer.address, authorization.nonce))?.hash).toBe(first.hash);
    });

    it('moves the money of a batch, but for a member that fails', async () => {
      const members = [1_000n, 50_000n, 2_000n].map((value) => authorizationOf(payer.address, { value }));
      const receipt = await land(
        aggregate(await Promise.all(members.map((member) => signedCall(payer, member)))),
      );
      expect(receipt.success).toBe(true);
      expect(members.map((member) => provesTransfer(receipt.logs, usdc, member))).toEqual([
        true,
        false,
        true,
      ]);
      expect(await balanceOf(payer.address)).toBe(7_000n);
    });

    it('says why a transfer fails, in the words of USDC', async () => {
      const now = BigInt(Math.floor(Date.now() / 1000));
      const used = authorizationOf(payer.address);
      await land(await signedCall(payer, used));
      const calls = await Promise.all([
        signedCall(payer, used),
        signedCall(payer, authorizationOf(payer.address, { validBefore: now - 60n })),
        signedCall(payer, authorizationOf(payer.address, { validAfter: now + 600n })),
        signedCall(payer, authorizationOf(payer.address, { value: 9_001n })),
        signedCall(newAccount(), authorizationOf(payer.address)),
      ]);
      expect((await chain.read(calls)).map(revertText)).toEqual([
        'FiatTokenV2: authorization is used or canceled',
        'FiatTokenV2: authorization is expired',
        'FiatTokenV2: authorization is not yet valid',
        'ERC20: transfer amount exceeds balance',
        'FiatTokenV2: invalid signature',
      ]);
    });

    it('asks an account with code for its signature', async () => {
      const account = await subject.openAccount(payer);
      await subject.fund(account, 1_000n);
      const authorization = authorizationOf(account);
      const digest = bytesToHex(hashAuthorization(domainSeparator(domain), authorization));
      const signature: Hex = `${await payer.sign({ hash: digest })}00`;
      const foreign: Hex = `${await newAccount().sign({ hash: digest })}00`;
      const answers = await chain.read([
        isValidSignatureCall(account, digest, signature),
        isValidSignatureCall(account, digest, foreign),
      ]);
      expect(answers.map(saysValidSignature)).toEqual([true, false]);
      expect(
        (await chain.read([isValidSignatureCall(seller, digest, signature)])).map(saysValidSignature),
      ).toEqual([false]);
      const receipt = await land(transferCall(usdc, authorization, signature));
      expect(provesTransfer(receipt.logs, usdc, authorization)).toBe(true);
    });

    it('holds a transaction until a block takes it, and takes it once however often it is sent', async () => {
      const { raw, hash } = await sign({ to: MULTICALL3, data: aggregate([]).data, nonce: 0 });
      await chain.send(raw);
      await chain.send(raw);
      expect(await chain.receipts([hash])).toEqual([undefined]);
      expect(await chain.transactionCount(sender.address, 'latest')).toBe(0);
      expect(await chain.transactionCount(sender.address, 'pending')).toBe(1);
      await subject.mine();
      expect(await chain.receipts([hash, keccak256('0x')])).toEqual([
        expect.objectContaining({ hash, success: true }),
        undefined,
      ]);
      expect(await chain.transactionCount(sender.address, 'latest')).toBe(1);
    });

    it('replaces a waiting transaction for a quarter more fee, not for the same', async () => {
      const first = await sign({ to: seller, data: '0x', nonce: 0 });
      await chain.send(first.raw);
      const cheap = await sign({ to: seller, data: '0x00', nonce: 0 });
      await expect(chain.send(cheap.raw)).rejects.toMatchObject({ name: 'ChainError', kind: 'underpriced' });
      const better = await sign({ to: seller, data: '0x', nonce: 0, fee: 3_750_000_000n });
      await chain.send(better.raw);
      await subject.mine();
      expect(await chain.receipts([first.hash, better.hash])).toEqual([
        undefined,
        expect.objectContaining({ success: true }),
      ]);
    });

    it('takes transactions out of order and mines them in order', async () => {
      const [first, second] = [
        await sign({ to: seller, data: '0x', nonce: 0 }),
        await sign({ to: seller, data: '0x', nonce: 1 }),
      ];
      await chain.send(second.raw);
      await subject.mine();
      expect(await chain.receipts([second.hash])).toEqual([undefined]);
      await chain.send(first.raw);
      await subject.mine();
      expect((await chain.receipts([first.hash, second.hash])).every((receipt) => receipt?.success)).toBe(
        true,
      );
    });

    it('says when an account nonce is used', async () => {
      await land({ to: seller, data: '0x' });
      const late = await sign({ to: seller, data: '0x', nonce: 0, fee: 9_000_000_000n });
      const refusal = await chain.send(late.raw).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(ChainError);
      expect(refusal).toMatchObject({ kind: 'nonce_too_low' });
    });
  });
}
