import {
  escrowTypedData,
  payerAgnosticHash,
  paymentInfoHash,
  PERMIT2_COLLECTOR,
  RECEIVER_REFUND_COLLECTOR,
  type PaymentInfo,
} from './AuthCapture.js';
import { addressWord, authorizationFields, hashWords, typedDataDigest, uint256Word } from './Eip712.js';
import { domainSeparator, type Authorization, type TokenDomain } from './Eip3009.js';
import { bytesToHex, hexToBytes, keccak256 } from './Hex.js';
import { permit2Separator } from './Permit2.js';

const RECEIVE_TYPE = keccak256(
  'ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)',
);
const TOKEN_PERMISSIONS = 'TokenPermissions(address token,uint256 amount)';
const TOKEN_PERMISSIONS_TYPE = keccak256(TOKEN_PERMISSIONS);
const PERMIT_TRANSFER_TYPE = keccak256(
  `PermitTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)${TOKEN_PERMISSIONS}`,
);

/** The digest that the payer signs by EIP-3009: that of `escrowTypedData`. */
export function hashEscrowConsent(domain: TokenDomain, info: PaymentInfo): Uint8Array {
  return hashReceipt(domain, escrowTypedData(domain, info).message);
}

/** The digest that the payer signs by Permit2: that of `escrowPermitTypedData`. */
export function hashEscrowPermit(chainId: number, info: PaymentInfo): Uint8Array {
  const permitted = hashWords(TOKEN_PERMISSIONS_TYPE, addressWord(info.token), uint256Word(info.maxAmount));
  const struct = hashWords(
    PERMIT_TRANSFER_TYPE,
    permitted,
    addressWord(PERMIT2_COLLECTOR),
    hexToBytes(payerAgnosticHash(chainId, info)),
    uint256Word(BigInt(info.preApprovalExpiry)),
  );
  return typedDataDigest(permit2Separator(chainId), struct);
}

/** A refund out of the receiver's own balance: what it gives back, and what is left to refund after it. */
export interface ReceiverRefund {
  readonly amount: bigint;
  readonly left: bigint;
}

/** What the receiver of a payment signs by EIP-3009, so that `ReceiverRefundCollector` may bring one refund from them. */
export function receiverRefundTypedData(domain: TokenDomain, info: PaymentInfo, refund: ReceiverRefund) {
  return {
    domain,
    types: { ReceiveWithAuthorization: authorizationFields },
    primaryType: 'ReceiveWithAuthorization',
    message: receiverRefund(domain.chainId, info, refund),
  } as const;
}

/** The digest of {@link receiverRefundTypedData}. */
export function hashReceiverRefund(
  domain: TokenDomain,
  info: PaymentInfo,
  refund: ReceiverRefund,
): Uint8Array {
  return hashReceipt(domain, receiverRefundTypedData(domain, info, refund).message);
}

function receiverRefund(chainId: number, info: PaymentInfo, { amount, left }: ReceiverRefund): Authorization {
  const id = hexToBytes(paymentInfoHash(chainId, info));
  return {
    from: info.receiver,
    to: RECEIVER_REFUND_COLLECTOR,
    value: amount,
    validAfter: 0n,
    validBefore: BigInt(info.refundExpiry),
    nonce: bytesToHex(hashWords(id, uint256Word(amount), uint256Word(left))),
  };
}

/** The digest of a transfer that only its recipient may send (EIP-3009 ReceiveWithAuthorization). */
export function hashReceipt(domain: TokenDomain, authorization: Authorization): Uint8Array {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  const numbers = [value, validAfter, validBefore].map(uint256Word);
  const struct = hashWords(RECEIVE_TYPE, addressWord(from), addressWord(to), ...numbers, hexToBytes(nonce));
  return typedDataDigest(domainSeparator(domain), struct);
}
