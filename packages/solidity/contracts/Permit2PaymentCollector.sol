// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PaymentInfo} from "./IAuthCaptureEscrow.sol";
import {Permit2} from "./Permit2.sol";
import {TokenCollector} from "./TokenCollector.sol";

/// Collects by a signature transfer of Permit2, with the interface of the contract at 0xD69831Aed5bfe262067ec4c751f4F830EcdD446e,
/// for local chains. Signatures that are wrapped by ERC-6492 are not unpacked.
contract Permit2PaymentCollector is TokenCollector {
    CollectorType public constant collectorType = CollectorType.Payment;
    Permit2 private constant PERMIT2 = Permit2(0x000000000022D473030F116dDEE9F6B43aC78BA3);

    function collectTokens(PaymentInfo calldata info, address tokenStore, uint256 amount, bytes calldata signature)
        external
        onlyEscrow
    {
        Permit2.PermitTransferFrom memory permit = Permit2.PermitTransferFrom(
            Permit2.TokenPermissions(info.token, info.maxAmount), uint256(_payerAgnosticHash(info)), info.preApprovalExpiry
        );
        PERMIT2.permitTransferFrom(permit, Permit2.SignatureTransferDetails(tokenStore, amount), info.payer, signature);
    }
}
