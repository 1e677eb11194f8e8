// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "./IERC20.sol";

/// Holds the escrowed tokens of one operator, for the escrow that made it.
contract TokenStore {
    address private immutable escrow = msg.sender;

    error OnlyAuthCaptureEscrow();

    function sendTokens(address token, address recipient, uint256 amount) external {
        if (msg.sender != escrow) revert OnlyAuthCaptureEscrow();
        require(IERC20(token).transfer(recipient, amount), "transfer failed");
    }
}
