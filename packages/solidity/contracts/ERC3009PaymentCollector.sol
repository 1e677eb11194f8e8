// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentInfo} from "./IAuthCaptureEscrow.sol";
import {IERC20} from "./IERC20.sol";
import {TokenCollector} from "./TokenCollector.sol";

/// Collects by `receiveWithAuthorization`, with the interface of the contract at 0x8612dfdc421f80336cd14E8EF9cb1E765dB5ab88, for
/// local chains. Signatures that are wrapped by ERC-6492 are not unpacked.
contract ERC3009PaymentCollector is TokenCollector {
    CollectorType public constant collectorType = CollectorType.Payment;

    function collectTokens(PaymentInfo calldata info, address tokenStore, uint256 amount, bytes calldata signature)
        external
        onlyEscrow
    {
        IERC20 token = IERC20(info.token);
        token.receiveWithAuthorization(
            info.payer, address(this), info.maxAmount, 0, info.preApprovalExpiry, _payerAgnosticHash(info), signature
        );
        if (info.maxAmount > amount) require(token.transfer(info.payer, info.maxAmount - amount), "transfer failed");
        require(token.transfer(tokenStore, amount), "transfer failed");
    }
}
