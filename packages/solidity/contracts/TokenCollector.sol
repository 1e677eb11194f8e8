// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthCaptureEscrow, PaymentInfo} from "./IAuthCaptureEscrow.sol";
import {ITokenCollector} from "./ITokenCollector.sol";

/// What all collectors of the escrow share: only the escrow may call them.
abstract contract TokenCollector is ITokenCollector {
    IAuthCaptureEscrow internal constant ESCROW = IAuthCaptureEscrow(0xf96815976523E00e65Be8f34cA5e64b4f41EB19c);

    error OnlyAuthCaptureEscrow();

    modifier onlyEscrow() {
        if (msg.sender != address(ESCROW)) revert OnlyAuthCaptureEscrow();
        _;
    }

    /// The hash that a payer signs as nonce: that of the payment without its payer.
    function _payerAgnosticHash(PaymentInfo memory info) internal view returns (bytes32) {
        info.payer = address(0);
        return ESCROW.getHash(info);
    }
}
