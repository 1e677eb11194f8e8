// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentInfo} from "./IAuthCaptureEscrow.sol";

/// Brings tokens into an operator's store for the escrow.
interface ITokenCollector {
    enum CollectorType {
        Payment,
        Refund
    }

    function collectorType() external view returns (CollectorType);
    function collectTokens(PaymentInfo calldata info, address tokenStore, uint256 amount, bytes calldata collectorData)
        external;
}
