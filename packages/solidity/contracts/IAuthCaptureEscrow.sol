// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What a payer signs: everything about a payment but the amounts that are captured of it.
struct PaymentInfo {
    address operator;
    address payer;
    address receiver;
    address token;
    uint120 maxAmount;
    uint48 preApprovalExpiry;
    uint48 authorizationExpiry;
    uint48 refundExpiry;
    uint16 minFeeBps;
    uint16 maxFeeBps;
    address feeReceiver;
    uint256 salt;
}

/// The escrow of the Commerce Payments Protocol, version 1.1, at 0xf96815976523E00e65Be8f34cA5e64b4f41EB19c.
interface IAuthCaptureEscrow {
    function authorize(PaymentInfo calldata info, uint256 amount, address tokenCollector, bytes calldata collectorData)
        external;
    function capture(PaymentInfo calldata info, uint256 amount, uint256 feeAmount, address feeReceiver) external;
    function void(PaymentInfo calldata info) external;
    function refund(PaymentInfo calldata info, uint256 amount, address tokenCollector, bytes calldata collectorData)
        external;
    function getHash(PaymentInfo calldata info) external view returns (bytes32);
    function paymentState(bytes32 paymentInfoHash)
        external
        view
        returns (bool hasCollectedPayment, uint120 capturableAmount, uint120 refundableAmount);
}
