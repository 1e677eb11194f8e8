import { aggregate, provesTransfer, transferCall, type Call } from '@agentpay/evm';
import { baseSepolia } from '@agentpay/primitives';
import {
  bytesToHex,
  domainSeparator,
  EXACT_PERMIT2_PROXY,
  hashAuthorization,
  hashExactPermit,
  PERMIT2,
  permit2Separator,
  unwrapSignature,
  wrapSignature,
  type Authorization,
  type Permit2Authorization,
} from '@agentpay/protocol';
import {
  hostileFactory,
  hostileWallet,
  permit2,
  smartWallet,
  smartWalletFactory,
  x402ExactPermit2Proxy,
} from '@agentpay/solidity';
import { encodeFunctionData, type Abi, type Address, type Hex } from 'viem';
import { generatePrivateKey, type PrivateKeyAccount } from 'viem/accounts';
import { startContractBed, usdcAbi, type ContractBed } from './contractBed.js';

const token = baseSepolia.usdc.address;
const payee = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';
const FAR = 4_102_444_800n;
const GAS = 3_000_000n;
const separator = domainSeparator({
  ...baseSepolia.usdc.eip712,
  chainId: baseSepolia.chainId,
  verifyingContract: token,
});
const factoryAbi = smartWalletFactory.abi as Abi;

let bed: ContractBed;
let owner: PrivateKeyAccount;
let factory: Address;
beforeAll(async () => {
  bed = await startContractBed();
  owner = await bed.payer(0n);
  factory = await bed.deploy(smartWalletFactory);
});
afterAll(() => bed.close());

/** The account that the factory deploys for the owner, with 30 base units, not deployed yet. */
async function plannedAccount(salt: bigint): Promise<{ account: Address; creation: Hex }> {
  const args = [owner.address, salt];
  const account = (await bed.read({
    address: factory,
    abi: factoryAbi,
    functionName: 'getAddress',
    args,
  })) as Address;
  await bed.fund(account, 30n);
  return { account, creation: encodeFunctionData({ abi: factoryAbi, functionName: 'createAccount', args }) };
}

/** The signature that a {@link smartWallet} of the signer takes. */
async function walletSignature(digest: Uint8Array, signer = owner): Promise<Hex> {
  return `${await signer.sign({ hash: bytesToHex(digest) })}01`;
}

const authorizationOf = (from: Address): Authorization => ({
  from,
  to: payee,
  value: 10n,
  validAfter: 0n,
  validBefore: FAR,
  nonce: generatePrivateKey(),
});

describe('a smart wallet that is not deployed', () => {
  /** What a facilitator sends for an ERC-6492 signature: deployment and transfer in one transaction. */
  function settlement(authorization: Authorization, wrapped: Hex): Call {
    const { deployment, signature } = unwrapSignature(wrapped);
    if (!deployment) throw new Error('The signature is not wrapped.');
    return aggregate([
      { to: deployment.factory, data: deployment.data },
      transferCall(token, authorization, signature),
    ]);
  }

  it('is deployed and pays in one transaction, and pays again behind the same wrapper', async () => {
    const { account, creation } = await plannedAccount(1n);
    for (const left of [20n, 10n]) {
      const authorization = authorizationOf(account);
      const signature = await walletSignature(hashAuthorization(separator, authorization));
      const { to, data } = settlement(authorization, wrapSignature({ factory, data: creation }, signature));
      const { logs } = await bed.sendData(to, data, GAS);
      expect(provesTransfer(logs, token, authorization)).toBe(true);
      expect(await bed.usdc(account)).toBe(left);
    }
  });

  it('is deployed and does not pay by a signature of somebody else', async () => {
    const { account, creation } = await plannedAccount(2n);
    const authorization = authorizationOf(account);
    const foreign = await walletSignature(hashAuthorization(separator, authorization), await bed.payer(0n));
    const { to, data } = settlement(authorization, wrapSignature({ factory, data: creation }, foreign));
    const { logs, status } = await bed.sendData(to, data, GAS);
    // The bad member of the batch fails alone.
    expect([status, provesTransfer(logs, token, authorization)]).toEqual(['success', false]);
    expect(await bed.usdc(account)).toBe(30n);
  });

  it('cannot pay without its deployment', async () => {
    const { account } = await plannedAccount(3n);
    const authorization = authorizationOf(account);
    const { to, data } = transferCall(
      token,
      authorization,
      await walletSignature(hashAuthorization(separator, authorization)),
    );
    expect((await bed.sendData(to, data, GAS)).status).toBe('reverted');
  });
});

describe('a deployed smart wallet', () => {
  it('pays by Permit2 with an ERC-1271 signature of its owner, and of nobody else', async () => {
    const { account } = await plannedAccount(4n);
    await bed.send({
      account: owner,
      address: factory,
      abi: factoryAbi,
      functionName: 'createAccount',
      args: [owner.address, 4n],
    });
    const approval = encodeFunctionData({ abi: usdcAbi, functionName: 'approve', args: [PERMIT2, 30n] });
    const wallet = {
      address: account,
      abi: smartWallet.abi as Abi,
      functionName: 'execute',
      args: [token, approval],
    };
    expect(await bed.refusal({ ...wallet, account: bed.stranger })).toBe(
      'SmartWallet: caller is not the owner',
    );
    await bed.send({ ...wallet, account: owner });

    const witness = { to: payee, validAfter: 0n } as const;
    const permitted = { token, amount: 10n };
    const permit: Permit2Authorization = {
      from: account,
      permitted,
      spender: EXACT_PERMIT2_PROXY,
      nonce: 1n,
      deadline: FAR,
      witness,
    };
    const digest = hashExactPermit(permit2Separator(baseSepolia.chainId), permit);
    const settle = (signature: Hex) => ({
      account: bed.stranger,
      address: EXACT_PERMIT2_PROXY as Address,
      abi: [...x402ExactPermit2Proxy.abi, ...permit2.abi] as Abi,
      functionName: 'settle',
      args: [permit, account, witness, signature],
    });
    // The owner's plain signature is not the wallet's.
    for (const bad of [
      await walletSignature(digest, await bed.payer(0n)),
      await owner.sign({ hash: bytesToHex(digest) }),
    ]) {
      expect(await bed.refusal(settle(bad))).toBe('InvalidContractSignature');
    }
    await bed.send(settle(await walletSignature(digest)));
    expect(await bed.usdc(account)).toBe(20n);
  });

  it('hands on why a call of its owner failed', async () => {
    const { account } = await plannedAccount(5n);
    await bed.send({
      account: owner,
      address: factory,
      abi: factoryAbi,
      functionName: 'createAccount',
      args: [owner.address, 5n],
    });
    const approval = encodeFunctionData({
      abi: usdcAbi,
      functionName: 'approve',
      args: [`0x${'00'.repeat(20)}`, 1n],
    });
    const call = {
      account: owner,
      address: account,
      abi: smartWallet.abi as Abi,
      functionName: 'execute',
      args: [token, approval],
    };
    expect(await bed.refusal(call)).toBe('ERC20: approve to the zero address');
  });
});

describe('the hostile contracts', () => {
  it('agree to every signature, or burn all gas they are given', async () => {
    const hostile = await bed.deploy(hostileFactory);
    const factoryCall = {
      account: bed.stranger,
      address: hostile,
      abi: hostileFactory.abi as Abi,
      args: [1n],
    };
    const wallet = (await bed.read({ ...factoryCall, functionName: 'getAddress' })) as Address;
    await bed.send({ ...factoryCall, functionName: 'createAccount' });

    const walletCall = { address: wallet, abi: hostileWallet.abi as Abi };
    const asked = { functionName: 'isValidSignature', args: [generatePrivateKey(), '0x'] };
    expect(await bed.read({ ...walletCall, ...asked })).toBe('0x1626ba7e');
    await bed.send({ ...walletCall, account: bed.stranger, functionName: 'setBurning', args: [true] });

    const question = encodeFunctionData({ abi: walletCall.abi, ...asked });
    const burnGas = encodeFunctionData({ abi: factoryCall.abi, functionName: 'burnGas' });
    for (const [to, data] of [
      [wallet, question],
      [hostile, burnGas],
    ] as const) {
      const { status, gasUsed } = await bed.sendData(to, data, 200_000n);
      expect([status, gasUsed]).toEqual(['reverted', 200_000n]);
    }
  });
});
