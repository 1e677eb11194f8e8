import type { RunningFacilitator } from '@agentpay/facilitator';
import { baseSepolia } from '@agentpay/primitives';
import {
  bytesToHex,
  EXACT_PERMIT2_PROXY,
  exactPermitTypedData,
  hashExactPermit,
  PERMIT2,
  permit2Separator,
  UPTO_PERMIT2_PROXY,
  uptoPermitTypedData,
  type FacilitatorRequest,
  type Permit2Authorization,
} from '@agentpay/protocol';
import { permit2, smartWallet, smartWalletFactory } from '@agentpay/solidity';
import { eventually } from '@agentpay/testing';
import { x402ExactPermit2ProxyABI } from '@x402/evm';
import { createWalletClient, encodeFunctionData, http, type Abi, type Address, type Hex } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { usdcAbi } from './contractBed.js';
import {
  payee,
  permitFor,
  permitted,
  PRICE,
  startFacilitatorBed,
  type FacilitatorBed,
} from './facilitatorBed.js';

const token = baseSepolia.usdc.address;
const approval = [PERMIT2, 2n ** 256n - 1n] as const;
/** Gets in front of what the facilitator sends. */
const haste = {
  maxFeePerGas: 100_000_000_000n,
  maxPriorityFeePerGas: 90_000_000_000n,
  gas: 400_000n,
} as const;

let bed: FacilitatorBed;
let facilitator: RunningFacilitator;
let payer: PrivateKeyAccount;
beforeAll(async () => {
  bed = await startFacilitatorBed();
  facilitator = await bed.start({ settleTimeoutMs: 60_000 });
  payer = await bed.payer(100n * PRICE);
  await bed.send({ account: payer, address: token, abi: usdcAbi, functionName: 'approve', args: approval });
});
afterAll(() => bed.close());

async function exact(): Promise<{
  permit: Permit2Authorization;
  signature: Hex;
  request: FacilitatorRequest;
}> {
  const permit = permitFor(payer.address, EXACT_PERMIT2_PROXY);
  const signature = await payer.signTypedData(exactPermitTypedData(baseSepolia.chainId, permit));
  return { permit, signature, request: permitted('exact', permit, signature) };
}

/** Settles while somebody else's transaction gets into a block first. */
async function overtaken(request: FacilitatorRequest, account: PrivateKeyAccount, to: Address, data: Hex) {
  const pending = () =>
    bed.client.getTransactionCount({ address: bed.gasPayer.address, blockTag: 'pending' });
  const before = await pending();
  await bed.node.setIntervalMining({ interval: 0 });
  const answer = facilitator.settle(request);
  await eventually(async () => expect(await pending()).toBeGreaterThan(before));
  const wallet = createWalletClient({ account, transport: http(bed.rpcUrl) });
  const hash = await wallet.sendTransaction({ to, data, chain: null, ...haste });
  await bed.node.setIntervalMining({ interval: 1 });
  return { answer: await answer, hash };
}

it('settles both schemes, each for the amount that is due', async () => {
  const before = await bed.usdc(payee);
  expect(await facilitator.settle((await exact()).request)).toMatchObject({
    success: true,
    payer: payer.address,
  });
  const plain = permitFor(payer.address, UPTO_PERMIT2_PROXY);
  const permit = { ...plain, witness: { ...plain.witness, facilitator: bed.gasPayer.address } };
  const request = permitted(
    'upto',
    permit,
    await payer.signTypedData(uptoPermitTypedData(baseSepolia.chainId, permit)),
  );
  expect(await facilitator.verify(request)).toEqual({ isValid: true, payer: payer.address });
  const due = {
    ...request,
    paymentRequirements: { ...request.paymentRequirements, amount: '42' },
  } as FacilitatorRequest;
  expect(await facilitator.settle(due)).toMatchObject({ success: true, amount: '42' });
  expect((await bed.usdc(payee)) - before).toBe(PRICE + 42n);
});

it('takes the permit of a smart account', async () => {
  const abi = smartWalletFactory.abi as Abi;
  const factory = await bed.deploy(smartWalletFactory);
  const at = { address: factory, abi, args: [payer.address, 1n] };
  const account = (await bed.read({ ...at, functionName: 'getAddress' })) as Address;
  await bed.send({ ...at, account: bed.stranger, functionName: 'createAccount' });
  await bed.fund(account, PRICE);
  const data = encodeFunctionData({ abi: usdcAbi, functionName: 'approve', args: approval });
  const wallet = { account: payer, address: account, abi: smartWallet.abi as Abi };
  await bed.send({ ...wallet, functionName: 'execute', args: [token, data] });
  const permit = permitFor(account, EXACT_PERMIT2_PROXY);
  const digest = bytesToHex(hashExactPermit(permit2Separator(baseSepolia.chainId), permit));
  const plain = await payer.sign({ hash: digest });
  expect(await facilitator.verify(permitted('exact', permit, plain))).toMatchObject({
    invalidReason: 'invalid_permit2_signature',
  });
  expect(await facilitator.settle(permitted('exact', permit, `${plain}01`))).toMatchObject({
    success: true,
    payer: account,
  });
  expect(await bed.usdc(account)).toBe(0n);
});

it('takes a payment that somebody else brought to the proxy first for paid', async () => {
  const { permit, signature, request } = await exact();
  const stranger = await bed.payer(0n);
  const args = [permit, permit.from, permit.witness, signature];
  const data = encodeFunctionData({ abi: x402ExactPermit2ProxyABI as Abi, functionName: 'settle', args });
  const { answer, hash } = await overtaken(request, stranger, EXACT_PERMIT2_PROXY, data);
  expect(answer).toMatchObject({ success: true, transaction: hash });
});

it('does not take an earlier payment of the same amount for one whose permit the payer invalidated', async () => {
  expect(await facilitator.settle((await exact()).request)).toMatchObject({ success: true });
  const { permit, request } = await exact();
  const args = [permit.nonce >> 8n, 1n << (permit.nonce & 255n)];
  const data = encodeFunctionData({
    abi: permit2.abi as Abi,
    functionName: 'invalidateUnorderedNonces',
    args,
  });
  const { answer } = await overtaken(request, payer, PERMIT2, data);
  expect(answer).toMatchObject({ success: false, errorReason: 'permit2_invalid_nonce' });
  expect(await facilitator.verify(request)).toMatchObject({
    isValid: false,
    invalidReason: 'permit2_invalid_nonce',
  });
});
