// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TestWallet} from "./TestWallet.sol";

/// A smart account for tests that can also act: its owner calls through it, for instance to approve Permit2.
contract SmartWallet is TestWallet {
    constructor(address initialOwner) TestWallet(initialOwner) {}

    /// Calls as the account; hands on what a failed call says.
    function execute(address target, bytes calldata data) external {
        require(msg.sender == owner, "SmartWallet: caller is not the owner");
        (bool ok, bytes memory answer) = target.call(data);
        if (ok) return;
        assembly {
            revert(add(answer, 0x20), mload(answer))
        }
    }
}
