import { baseSepolia } from '@agentpay/primitives';
import {
  AGREEMENT_OPERATOR,
  AUTH_CAPTURE_ESCROW,
  captureTypedData,
  ERC3009_COLLECTOR,
  escrowTypedData,
  paymentInfoHash,
  saltOf,
  voidTypedData,
  type CaptureOrder,
  type PaymentInfo,
  type SaltBinding,
} from '@agentpay/protocol';
import { agreementOperator, authCaptureEscrow } from '@agentpay/solidity';
import { encodeFunctionData, toHex, type Abi, type Address, type Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { startContractBed, type ContractBed } from './contractBed.js';

const { chainId, usdc } = baseSepolia;

export const operatorAbi = agreementOperator.abi as Abi;
export const escrowAbi = authCaptureEscrow.abi as Abi;
export const domain = { ...usdc.eip712, chainId, verifyingContract: usdc.address };

/** A payment with everything that is needed to move it. */
export interface Escrowed {
  readonly info: PaymentInfo;
  readonly binding: SaltBinding;
  readonly id: Hex;
  readonly payer: PrivateKeyAccount;
}

export interface EscrowState {
  readonly collected: boolean;
  readonly capturable: bigint;
  readonly refundable: bigint;
}

/** The escrow on a local chain, with a receiver and the authorizer that acts for them. */
export interface EscrowBed extends ContractBed {
  readonly receiver: PrivateKeyAccount;
  readonly authorizer: PrivateKeyAccount;
  /** Seconds of the latest block. */
  now(): Promise<number>;
  /** Makes the next blocks so many seconds later. */
  skip(seconds: number): Promise<void>;
  /** A payment that nobody has authorized yet. */
  payment(options?: {
    payer?: PrivateKeyAccount;
    amount?: bigint;
    captureNotBefore?: number;
  }): Promise<Escrowed>;
  /** Calls the operator from an account that has nothing to do with the payment. */
  operate(functionName: string, ...args: unknown[]): Promise<{ gasUsed: bigint; refused: number }>;
  authorizeItem(payment: Escrowed): Promise<object>;
  captureItem(payment: Escrowed, order: Partial<CaptureOrder>, payerSignature?: Hex): Promise<object>;
  voidItem(payment: Escrowed): Promise<object>;
  order(payment: Escrowed, order: Partial<CaptureOrder>): Promise<CaptureOrder>;
  state(payment: Escrowed): Promise<EscrowState>;
}

export async function startEscrowBed(): Promise<EscrowBed> {
  const bed = await startContractBed();
  const receiver = privateKeyToAccount(generatePrivateKey());
  const authorizer = privateKeyToAccount(generatePrivateKey());
  const rpc = rpcOf(bed.rpcUrl);
  const now = async () =>
    Number((await rpc<{ timestamp: Hex }>('eth_getBlockByNumber', ['latest', false])).timestamp);
  let drawn = 0n;

  async function state({ id }: Escrowed): Promise<EscrowState> {
    const call = {
      address: AUTH_CAPTURE_ESCROW as Address,
      abi: escrowAbi,
      functionName: 'paymentState',
      args: [id],
    };
    const [collected, capturable, refundable] = (await bed.read(call)) as [boolean, bigint, bigint];
    return { collected, capturable, refundable };
  }

  async function order(payment: Escrowed, wanted: Partial<CaptureOrder>): Promise<CaptureOrder> {
    const { capturable, refundable } = await state(payment);
    return {
      paymentInfoHash: payment.id,
      amount: capturable,
      feeAmount: 0n,
      feeReceiver: payment.info.feeReceiver,
      expectedCapturableAmount: capturable,
      expectedRefundableAmount: refundable,
      ...wanted,
    };
  }

  return {
    ...bed,
    receiver,
    authorizer,
    now,
    async skip(seconds) {
      await rpc('evm_increaseTime', [seconds]);
      await rpc('evm_mine', []);
    },
    async payment({ payer, amount = 1_000_000n, captureNotBefore = 0 } = {}) {
      const from = payer ?? (await bed.payer(amount));
      const binding = {
        receiverAuthorizer: authorizer.address,
        saltNonce: toHex((drawn += 1n), { size: 32 }),
        captureNotBefore,
      };
      const start = await now();
      const info: PaymentInfo = {
        operator: AGREEMENT_OPERATOR,
        payer: from.address,
        receiver: receiver.address,
        token: usdc.address,
        maxAmount: amount,
        preApprovalExpiry: start + 600,
        authorizationExpiry: start + 3_600,
        refundExpiry: start + 7_200,
        minFeeBps: 0,
        maxFeeBps: 500,
        feeReceiver: bed.stranger,
        salt: saltOf(AGREEMENT_OPERATOR, binding),
      };
      return { info, binding, id: paymentInfoHash(chainId, info), payer: from };
    },
    async operate(functionName, ...args) {
      const data = encodeFunctionData({ abi: operatorAbi, functionName, args });
      const { status, gasUsed, logs } = await bed.sendData(AGREEMENT_OPERATOR, data, 60_000_000n);
      if (status !== 'success') throw new Error(`${functionName} reverted.`);
      return {
        gasUsed,
        refused: logs.filter(({ address }) => address === AGREEMENT_OPERATOR.toLowerCase()).length,
      };
    },
    async authorizeItem({ info, payer }) {
      const collectorData = await payer.signTypedData(escrowTypedData(domain, info));
      return { info, tokenCollector: ERC3009_COLLECTOR, collectorData };
    },
    async captureItem(payment, wanted, payerSignature = '0x') {
      const message = await order(payment, wanted);
      const authorizerSignature = await authorizer.signTypedData(
        captureTypedData(chainId, AGREEMENT_OPERATOR, message),
      );
      return {
        ...message,
        info: payment.info,
        binding: payment.binding,
        authorizerSignature,
        payerSignature,
      };
    },
    async voidItem({ info, binding, id }) {
      const authorizerSignature = await authorizer.signTypedData(
        voidTypedData(chainId, AGREEMENT_OPERATOR, id),
      );
      return { info, binding, authorizerSignature };
    },
    order,
    state,
  };
}

function rpcOf(url: string) {
  return async <Result>(method: string, params: readonly unknown[]): Promise<Result> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    return ((await response.json()) as { result: Result }).result;
  };
}
