// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentInfo} from "./IAuthCaptureEscrow.sol";
import {IERC20} from "./IERC20.sol";
import {TokenCollector} from "./TokenCollector.sol";

/// Collects refunds from the operator's own balance and allowance, with the interface of the contract at
/// 0x7a03443724d14798c4AB4622F1DAAcA761Fea486, for local chains.
contract OperatorRefundCollector is TokenCollector {
    CollectorType public constant collectorType = CollectorType.Refund;

    function collectTokens(PaymentInfo calldata info, address tokenStore, uint256 amount, bytes calldata)
        external
        onlyEscrow
    {
        require(IERC20(info.token).transferFrom(info.operator, tokenStore, amount), "transfer failed");
    }
}
