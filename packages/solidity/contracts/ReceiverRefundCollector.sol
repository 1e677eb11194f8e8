// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthCaptureEscrow, PaymentInfo} from "./IAuthCaptureEscrow.sol";
import {IERC20} from "./IERC20.sol";
import {TokenCollector} from "./TokenCollector.sol";

/// Collects refunds from the receiver of the payment by an EIP-3009 signature of theirs, so that neither the operator nor anybody
/// else has to hold money for refunds. The nonce of that signature is the hash of payment, amount and what is left to refund after
/// it: one signature is good for one refund.
contract ReceiverRefundCollector is TokenCollector {
    CollectorType public constant collectorType = CollectorType.Refund;

    function collectTokens(PaymentInfo calldata info, address tokenStore, uint256 amount, bytes calldata signature)
        external
        onlyEscrow
    {
        bytes32 paymentInfoHash = ESCROW.getHash(info);
        (,, uint120 left) = ESCROW.paymentState(paymentInfoHash);
        IERC20 token = IERC20(info.token);
        token.receiveWithAuthorization(
            info.receiver,
            address(this),
            amount,
            0,
            info.refundExpiry,
            keccak256(abi.encode(paymentInfoHash, amount, left)),
            signature
        );
        require(token.transfer(tokenStore, amount), "transfer failed");
    }
}
