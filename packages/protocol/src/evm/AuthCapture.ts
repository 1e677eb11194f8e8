import { addressWord, authorizationFields, hashWords, typedDataDigest, uint256Word } from './Eip712.js';
import { domainSeparator, type TokenDomain } from './Eip3009.js';
import { PERMIT2 } from './Permit2.js';
import { bytesToHex, hexToBytes, keccak256, type Address, type Hex } from './Hex.js';

/** The escrow of the Commerce Payments Protocol 1.1, at the same address on Base and Base Sepolia. */
export const AUTH_CAPTURE_ESCROW = '0xf96815976523E00e65Be8f34cA5e64b4f41EB19c';
/** Collects what payers signed by EIP-3009. */
export const ERC3009_COLLECTOR = '0x8612dfdc421f80336cd14E8EF9cb1E765dB5ab88';
/** Collects what payers signed by Permit2. */
export const PERMIT2_COLLECTOR = '0xD69831Aed5bfe262067ec4c751f4F830EcdD446e';
/** Collects refunds from an operator's own balance. */
export const OPERATOR_REFUND_COLLECTOR = '0x7a03443724d14798c4AB4622F1DAAcA761Fea486';
/** Our operator contract (`AgreementOperator`), where the deterministic deployment proxy puts it with salt 0 on any chain. */
export const AGREEMENT_OPERATOR = '0x4cABA723F6501c3224Fa8143e751BD386C5D0a50';
/** Collects refunds from the receiver (`ReceiverRefundCollector`), deployed likewise. */
export const RECEIVER_REFUND_COLLECTOR = '0xd0C08AE6BA17069DC95AD6Fb43b52ED1397dc683';

/** What the payer's one signature binds. Times are Unix seconds, amounts base units of `token`, fees basis points. */
export interface PaymentInfo {
  /** Who may call the escrow for this payment. */
  readonly operator: Address;
  readonly payer: Address;
  readonly receiver: Address;
  readonly token: Address;
  readonly maxAmount: bigint;
  /** The hold must be made before it. */
  readonly preApprovalExpiry: number;
  /** Captures are made before it; from it on the payer may reclaim. */
  readonly authorizationExpiry: number;
  /** Refunds are made before it. */
  readonly refundExpiry: number;
  readonly minFeeBps: number;
  readonly maxFeeBps: number;
  readonly feeReceiver: Address;
  /** 32 bytes. */
  readonly salt: Hex;
}

/** What the salt of a payment commits to (x402 `auth-capture` v1.1). */
export interface SaltBinding {
  /** Whose signature captures, voids and refunds. */
  readonly receiverAuthorizer: Address;
  /** 32 bytes: drawn by the buyer, or the hash of an agreement's document. */
  readonly saltNonce: Hex;
  /** Unix seconds before which our operator contract captures an agreement with the payer's consent only; 0: any payment. */
  readonly captureNotBefore: number;
}

/** What the receiver authorizer signs to pay out of a hold. The expected balances make the signature good once. */
export interface CaptureOrder {
  readonly paymentInfoHash: Hex;
  readonly amount: bigint;
  readonly feeAmount: bigint;
  readonly feeReceiver: Address;
  readonly expectedCapturableAmount: bigint;
  readonly expectedRefundableAmount: bigint;
}

/** What the receiver authorizer signs to give captured money back. */
export interface RefundOrder {
  readonly paymentInfoHash: Hex;
  readonly amount: bigint;
  readonly tokenCollector: Address;
  readonly expectedCapturableAmount: bigint;
  readonly expectedRefundableAmount: bigint;
}

const ZERO_ADDRESS: Address = `0x${'0'.repeat(40)}`;

const PAYMENT_INFO_TYPE = keccak256(
  'PaymentInfo(address operator,address payer,address receiver,address token,uint120 maxAmount,uint48 preApprovalExpiry,' +
    'uint48 authorizationExpiry,uint48 refundExpiry,uint16 minFeeBps,uint16 maxFeeBps,address feeReceiver,uint256 salt)',
);
const SALT_BINDING_TYPE = keccak256(
  'x402AuthCaptureSaltBinding(address receiverAuthorizer,address policy,uint256 saltNonce)',
);
const AGREEMENT_TYPE = keccak256('Agreement(uint256 document,uint48 captureNotBefore)');

const captureFields = [
  { name: 'paymentInfoHash', type: 'bytes32' },
  { name: 'amount', type: 'uint256' },
  { name: 'feeAmount', type: 'uint256' },
  { name: 'feeReceiver', type: 'address' },
  { name: 'expectedCapturableAmount', type: 'uint256' },
  { name: 'expectedRefundableAmount', type: 'uint256' },
] as const;
const voidFields = [{ name: 'paymentInfoHash', type: 'bytes32' }] as const;
const refundFields = [
  { name: 'paymentInfoHash', type: 'bytes32' },
  { name: 'amount', type: 'uint256' },
  { name: 'tokenCollector', type: 'address' },
  { name: 'expectedCapturableAmount', type: 'uint256' },
  { name: 'expectedRefundableAmount', type: 'uint256' },
] as const;

/** The escrow's id of a payment, 32 bytes. */
export function paymentInfoHash(
  chainId: number,
  info: PaymentInfo,
  escrow: Address = AUTH_CAPTURE_ESCROW,
): Hex {
  return bytesToHex(hashFor(chainId, escrow, info, info.payer));
}

/** What the payer signs as the nonce of EIP-3009 or Permit2: the hash of the payment without its payer. */
export function payerAgnosticHash(
  chainId: number,
  info: PaymentInfo,
  escrow: Address = AUTH_CAPTURE_ESCROW,
): Hex {
  return bytesToHex(hashFor(chainId, escrow, info, ZERO_ADDRESS));
}

/** The salt that commits to a receiver authorizer, and to a policy contract unless it is the zero address. */
export function boundSalt(receiverAuthorizer: Address, policy: Address, saltNonce: Hex): Hex {
  return bytesToHex(
    hashWords(SALT_BINDING_TYPE, addressWord(receiverAuthorizer), addressWord(policy), hexToBytes(saltNonce)),
  );
}

/** The salt that our operator contract asks of a payment with this binding. */
export function saltOf(operator: Address, binding: SaltBinding): Hex {
  const { receiverAuthorizer, saltNonce, captureNotBefore } = binding;
  if (captureNotBefore === 0) return boundSalt(receiverAuthorizer, ZERO_ADDRESS, saltNonce);
  return boundSalt(receiverAuthorizer, operator, agreementSaltNonce(saltNonce, captureNotBefore));
}

/** The `saltNonce` of an agreement's payment, whose `policy` is the operator: the document and the end of its challenge window. */
export function agreementSaltNonce(document: Hex, captureNotBefore: number): Hex {
  return bytesToHex(hashWords(AGREEMENT_TYPE, hexToBytes(document), uint256Word(BigInt(captureNotBefore))));
}

/** The payer's consent by EIP-3009 as typed data: `domain` is that of the token. */
export function escrowTypedData(domain: TokenDomain, info: PaymentInfo) {
  return {
    domain,
    types: {
      ReceiveWithAuthorization: authorizationFields,
    },
    primaryType: 'ReceiveWithAuthorization',
    message: {
      from: info.payer,
      to: ERC3009_COLLECTOR,
      value: info.maxAmount,
      validAfter: 0n,
      validBefore: BigInt(info.preApprovalExpiry),
      nonce: payerAgnosticHash(domain.chainId, info),
    },
  } as const;
}

/** The payer's consent by Permit2 (without a witness) as typed data. */
export function escrowPermitTypedData(chainId: number, info: PaymentInfo) {
  return {
    domain: { name: 'Permit2', chainId, verifyingContract: PERMIT2 },
    types: {
      PermitTransferFrom: [
        { name: 'permitted', type: 'TokenPermissions' },
        { name: 'spender', type: 'address' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
      TokenPermissions: [
        { name: 'token', type: 'address' },
        { name: 'amount', type: 'uint256' },
      ],
    },
    primaryType: 'PermitTransferFrom',
    message: {
      permitted: { token: info.token, amount: info.maxAmount },
      spender: PERMIT2_COLLECTOR,
      nonce: BigInt(payerAgnosticHash(chainId, info)),
      deadline: BigInt(info.preApprovalExpiry),
    },
  } as const;
}

/** What the receiver authorizer signs to capture. */
export function captureTypedData(chainId: number, operator: Address, order: CaptureOrder) {
  return {
    domain: operatorDomain(chainId, operator),
    types: { Capture: captureFields },
    primaryType: 'Capture',
    message: order,
  } as const;
}

/** What the payer signs to let an agreement be captured within its challenge window. */
export function earlyCaptureTypedData(chainId: number, operator: Address, order: CaptureOrder) {
  return {
    domain: operatorDomain(chainId, operator),
    types: { EarlyCapture: captureFields },
    primaryType: 'EarlyCapture',
    message: order,
  } as const;
}

/** What the receiver authorizer signs to give the rest of a hold back. */
export function voidTypedData(chainId: number, operator: Address, id: Hex) {
  return {
    domain: operatorDomain(chainId, operator),
    types: { Void: voidFields },
    primaryType: 'Void',
    message: { paymentInfoHash: id },
  } as const;
}

/** What the receiver authorizer signs to refund. */
export function refundTypedData(chainId: number, operator: Address, order: RefundOrder) {
  return {
    domain: operatorDomain(chainId, operator),
    types: { Refund: refundFields },
    primaryType: 'Refund',
    message: order,
  } as const;
}

/** The digest of {@link captureTypedData}. */
export function hashCapture(chainId: number, operator: Address, order: CaptureOrder): Uint8Array {
  return hashOrder(chainId, operator, 'Capture', captureFields, { ...order });
}

/** The digest of {@link earlyCaptureTypedData}. */
export function hashEarlyCapture(chainId: number, operator: Address, order: CaptureOrder): Uint8Array {
  return hashOrder(chainId, operator, 'EarlyCapture', captureFields, { ...order });
}

/** The digest of {@link voidTypedData}. */
export function hashVoid(chainId: number, operator: Address, id: Hex): Uint8Array {
  return hashOrder(chainId, operator, 'Void', voidFields, { paymentInfoHash: id });
}

/** The digest of {@link refundTypedData}. */
export function hashRefund(chainId: number, operator: Address, order: RefundOrder): Uint8Array {
  return hashOrder(chainId, operator, 'Refund', refundFields, { ...order });
}

/** EIP-712 domain of all signatures that an operator obeys. */
function operatorDomain(chainId: number, operator: Address): TokenDomain {
  return { name: 'x402 Auth Capture Operator', version: '1', chainId, verifyingContract: operator };
}

function hashOrder(
  chainId: number,
  operator: Address,
  name: string,
  fields: readonly { readonly name: string; readonly type: 'bytes32' | 'uint256' | 'address' }[],
  message: Readonly<Record<string, Hex | bigint>>,
): Uint8Array {
  const type = keccak256(`${name}(${fields.map((field) => `${field.type} ${field.name}`).join()})`);
  const words = fields.map((field) => word(field.type, message[field.name] as Hex | bigint));
  return typedDataDigest(domainSeparator(operatorDomain(chainId, operator)), hashWords(type, ...words));
}

function word(type: 'bytes32' | 'uint256' | 'address', value: Hex | bigint): Uint8Array {
  if (typeof value === 'bigint') return uint256Word(value);
  return type === 'address' ? addressWord(value) : hexToBytes(value);
}

function hashFor(chainId: number, escrow: Address, info: PaymentInfo, payer: Address): Uint8Array {
  const inner = hashWords(
    PAYMENT_INFO_TYPE,
    addressWord(info.operator),
    addressWord(payer),
    addressWord(info.receiver),
    addressWord(info.token),
    uint256Word(info.maxAmount),
    uint256Word(BigInt(info.preApprovalExpiry)),
    uint256Word(BigInt(info.authorizationExpiry)),
    uint256Word(BigInt(info.refundExpiry)),
    uint256Word(BigInt(info.minFeeBps)),
    uint256Word(BigInt(info.maxFeeBps)),
    addressWord(info.feeReceiver),
    hexToBytes(info.salt),
  );
  return hashWords(uint256Word(BigInt(chainId)), addressWord(escrow), inner);
}
