import type { RunningFacilitator } from '@agentpay/facilitator';
import { baseSepolia } from '@agentpay/primitives';
import { AGREEMENT_OPERATOR, PERMIT2, wrapSignature, type FacilitatorRequest } from '@agentpay/protocol';
import {
  hostileFactory,
  hostileWallet,
  smartWallet,
  smartWalletFactory,
  type Artifact,
} from '@agentpay/solidity';
import { eventually } from '@agentpay/testing';
import {
  encodeFunctionData,
  getAddress,
  parseSignature,
  serializeCompactSignature,
  signatureToCompactSignature,
  type Abi,
  type Address,
  type Hex,
} from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { usdcAbi } from './contractBed.js';
import { authorized, payee, PRICE, startFacilitatorBed, type FacilitatorBed } from './facilitatorBed.js';
import { heldBy, transferMethods } from './heldBy.js';

let bed: FacilitatorBed;
let owner: PrivateKeyAccount;
let factory: Address;
let hostile: Address;
let facilitator: RunningFacilitator;
let salts = 0n;
beforeAll(async () => {
  bed = await startFacilitatorBed();
  owner = await bed.payer(0n);
  factory = await bed.deploy(smartWalletFactory);
  hostile = await bed.deploy(hostileFactory);
  const escrow = { operator: AGREEMENT_OPERATOR } as const;
  facilitator = await bed.start({ factories: [factory, hostile], escrow });
});
afterAll(() => bed.close());

const ownerSigns = async (digest: Hex): Promise<Hex> => `${await owner.sign({ hash: digest })}01`;
const encode = ({ abi }: Artifact, functionName: string, args: readonly unknown[]) =>
  encodeFunctionData({ abi: abi as Abi, functionName, args });

/** An account of the owner that is not deployed yet, with so many payments in it. */
async function plannedAccount(payments: bigint) {
  const args = [owner.address, salts++];
  const abi = smartWalletFactory.abi as Abi;
  const account = (await bed.read({ address: factory, abi, functionName: 'getAddress', args })) as Address;
  await bed.fund(account, payments * PRICE);
  const data = encode(smartWalletFactory, 'createAccount', args);
  const pay = (sign = ownerSigns) =>
    authorized(account, async (digest) => wrapSignature({ factory, data }, await sign(digest)));
  return { account, data, pay };
}

/** An account whose code agrees to everything, or burns all gas once it is told to. */
async function hostileAccount(): Promise<{
  account: Address;
  pay: () => Promise<FacilitatorRequest>;
  burn: () => Promise<void>;
}> {
  const account = getAddress(await bed.deploy(hostileWallet));
  await bed.fund(account, PRICE);
  return {
    account,
    pay: () => authorized(account, async () => '0xbad0'),
    burn: () => bed.node.setStorageAt({ address: account, index: 0, value: `0x${'00'.repeat(31)}01` }),
  };
}

const sentBy = (account: Address) => bed.client.getTransactionCount({ address: account });
const refusedAs = (reason: string) => expect.objectContaining({ isValid: false, invalidReason: reason });

describe('an account that is not deployed', () => {
  it('is deployed and pays in one transaction, and pays again behind the same wrapper', async () => {
    const { account, pay } = await plannedAccount(2n);
    const before = await sentBy(bed.gasPayer.address);
    for (const left of [PRICE, 0n]) {
      const request = await pay();
      expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: account });
      const answer = await facilitator.settle(request);
      expect(answer).toMatchObject({ success: true, payer: account });
      expect(await facilitator.settle(request)).toEqual({ ...answer, repeat: true });
      expect(await bed.usdc(account)).toBe(left);
    }
    expect(await bed.client.getCode({ address: account })).toMatch(/^0x60/);
    expect((await sentBy(bed.gasPayer.address)) - before).toBe(2);
  });

  it('does not pay by a signature of somebody else', async () => {
    const stranger = await bed.payer(0n);
    const { pay } = await plannedAccount(1n);
    const request = await pay(async (digest) => `${await stranger.sign({ hash: digest })}01`);
    expect(await facilitator.verify(request)).toEqual(refusedAs('invalid_exact_evm_signature'));
  });

  it('is refused when its factory is not allowed, and taken once it stands', async () => {
    const strict = await bed.start();
    const { account, data, pay } = await plannedAccount(1n);
    const request = await pay();
    expect(await strict.verify(request)).toEqual(refusedAs('eip6492_factory_not_allowed'));
    await bed.sendData(factory, data, 3_000_000n);
    expect(await strict.verify(request)).toEqual({ isValid: true, payer: account });
    expect(await strict.settle(request)).toMatchObject({ success: true });
  });

  it('is refused when its factory burns all gas, deploys nothing, or deploys another account', async () => {
    const other = await plannedAccount(1n);
    const { account } = await plannedAccount(1n);
    const behind = (deployment: { factory: Address; data: Hex }) =>
      authorized(account, async (digest) => wrapSignature(deployment, await ownerSigns(digest)));
    const requests = await Promise.all([
      behind({ factory: hostile, data: encode(hostileFactory, 'burnGas', []) }),
      behind({ factory, data: '0x12345678' }),
      behind({ factory, data: other.data }),
    ]);
    const answers = await Promise.all(requests.map((request) => facilitator.verify(request)));
    expect(answers.map(({ invalidReason }) => invalidReason)).toEqual([
      'smart_wallet_deployment_failed',
      'smart_wallet_deployment_failed',
      'invalid_exact_evm_signature',
    ]);
  });
});

describe('an account with code', () => {
  it('pays when its code takes the signature, of any length', async () => {
    const { account, data } = await plannedAccount(1n);
    await bed.sendData(factory, data, 3_000_000n);
    expect(await facilitator.verify(await authorized(account, (hash) => owner.sign({ hash })))).toEqual(
      refusedAs('invalid_exact_evm_signature'),
    );
    const request = await authorized(account, ownerSigns);
    expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: account });
    expect(await facilitator.settle(request)).toMatchObject({ success: true, payer: account });
    expect(await bed.usdc(account)).toBe(0n);
  });

  it('cannot pay by its key when its code does not agree (EIP-7702), and can when it does', async () => {
    const account = await bed.payer(PRICE);
    const request = await authorized(account.address, (hash) => account.sign({ hash }));
    await bed.node.setCode({ address: account.address, bytecode: smartWallet.runtimeBytecode });
    expect(await facilitator.verify(request)).toEqual(refusedAs('invalid_exact_evm_signature'));
    await bed.node.setCode({ address: account.address, bytecode: hostileWallet.runtimeBytecode });
    expect(await facilitator.settle(request)).toMatchObject({ success: true, payer: account.address });
  });

  it('that burns all gas is refused, and spoils no verification beside it', async () => {
    const { pay, burn } = await hostileAccount();
    await burn();
    const key = await bed.payer(PRICE);
    const delegated = await bed.payer(PRICE);
    await bed.node.setCode({ address: delegated.address, bytecode: hostileWallet.runtimeBytecode });
    await bed.node.setStorageAt({ address: delegated.address, index: 0, value: `0x${'00'.repeat(31)}01` });
    const byKey = (account: PrivateKeyAccount) =>
      authorized(account.address, (hash) => account.sign({ hash }));
    const honest = await Promise.all([key, key, key].map(byKey));
    const requests = [await byKey(delegated), ...honest, await pay()];
    const answers = await Promise.all(requests.map((request) => facilitator.verify(request)));
    expect(answers.map(({ isValid }) => isValid)).toEqual([false, true, true, true, false]);
  });

  it('that turns hostile behind the verification burns no more than its own share, and sinks nobody', async () => {
    const { account, pay, burn } = await hostileAccount();
    const keys = await Promise.all([1, 2, 3].map(() => bed.payer(PRICE)));
    const honest = await Promise.all(
      keys.map((key) => authorized(key.address, (hash) => key.sign({ hash }))),
    );
    const before = await sentBy(bed.gasPayer.address);
    const height = await bed.client.getBlockNumber();
    await bed.node.setIntervalMining({ interval: 0 });
    const answers = Promise.all([await pay(), ...honest].map((request) => facilitator.settle(request)));
    const sent = () => bed.client.getTransactionCount({ address: bed.gasPayer.address, blockTag: 'pending' });
    await eventually(async () => expect(await sent()).toBeGreaterThanOrEqual(before + 2));
    await burn();
    await bed.node.setIntervalMining({ interval: 1 });
    const [bad, ...good] = await answers;
    expect(bad).toMatchObject({ success: false, payer: account });
    expect(good.map(({ success }) => success)).toEqual([true, true, true]);
    for (const gasUsed of await gasOfTransactionsSince(height)) expect(gasUsed).toBeLessThanOrEqual(500_000n);
  });
});

describe('a hold in the escrow', () => {
  /** Lets Permit2 move the money of an account, which may be one with code. */
  async function approve(account: Address): Promise<void> {
    await bed.node.setBalance({ address: account, value: 10n ** 18n });
    await bed.node.impersonateAccount({ address: account });
    const args = [PERMIT2, 10n ** 12n];
    await bed.send({
      account,
      address: baseSepolia.usdc.address,
      abi: usdcAbi,
      functionName: 'approve',
      args,
    });
    await bed.node.stopImpersonatingAccount({ address: account });
  }

  async function keyAccount() {
    const account = await bed.payer(PRICE);
    return { address: account.address, sign: (hash: Hex) => account.sign({ hash }) };
  }

  async function wallet() {
    const { account: address, data } = await plannedAccount(1n);
    await bed.sendData(factory, data, 3_000_000n);
    return { address, sign: ownerSigns };
  }

  const payers = { 'an account with a key': keyAccount, 'a contract wallet': wallet };
  const cases = Object.entries(payers).flatMap(([name, open]) =>
    transferMethods.map((method) => [name, method, open] as const),
  );

  it.each(cases)('is made once by %s with %s, and captured', async (_, method, open) => {
    const { address, sign } = await open();
    const stranger = await bed.payer(0n);
    const forged = await heldBy(address, method, async (hash) => `${await stranger.sign({ hash })}01`);
    if (method === 'permit2') {
      const early = await heldBy(address, method, sign);
      expect(await facilitator.verify(early.authorize)).toEqual(refusedAs('permit2_allowance_required'));
      await approve(address);
    }
    expect(await facilitator.verify(forged.authorize)).toEqual(
      refusedAs('invalid_auth_capture_evm_signature'),
    );
    const { authorize, capture } = await heldBy(address, method, sign);
    const earned = await bed.usdc(payee);
    expect(await facilitator.verify(authorize)).toEqual({ isValid: true, payer: address });
    const held = await facilitator.settle(authorize);
    expect(held).toMatchObject({ success: true, payer: address });
    expect(await facilitator.settle(authorize)).toEqual({ ...held, repeat: true });
    expect([await bed.usdc(address), (await bed.usdc(payee)) - earned]).toEqual([0n, 0n]);
    expect(await facilitator.settle(capture)).toMatchObject({ success: true, amount: PRICE.toString() });
    expect((await bed.usdc(payee)) - earned).toBe(PRICE);
  });
});

describe('an account without code', () => {
  it('pays by a compact signature (EIP-2098)', async () => {
    const account = await bed.payer(PRICE);
    const compact = (signature: Hex) =>
      serializeCompactSignature(signatureToCompactSignature(parseSignature(signature)));
    const request = await authorized(account.address, async (hash) => compact(await account.sign({ hash })));
    expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: account.address });
    expect(await facilitator.settle(request)).toMatchObject({ success: true });
    expect(await bed.usdc(account.address)).toBe(0n);
  });
});

/** Gas of everything that the gas payer sent behind this block. */
async function gasOfTransactionsSince(height: bigint): Promise<readonly bigint[]> {
  const latest = await bed.client.getBlockNumber();
  const found: bigint[] = [];
  for (let number = latest; number > height; number--) {
    const { transactions } = await bed.client.getBlock({ blockNumber: number, includeTransactions: true });
    const ours = transactions.filter(({ from }) => getAddress(from) === bed.gasPayer.address);
    for (const { hash } of ours) found.push((await bed.client.getTransactionReceipt({ hash })).gasUsed);
  }
  expect(found.length).toBeGreaterThanOrEqual(2);
  return found;
}
