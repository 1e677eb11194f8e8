// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HostileWallet} from "./HostileWallet.sol";

/// A factory that attacks whoever calls it on a payer's word (ERC-6492).
contract HostileFactory {
    /// Deploys an account that agrees to every signature.
    function createAccount(uint256 salt) external returns (address account) {
        return address(new HostileWallet{salt: bytes32(salt)}());
    }

    function getAddress(uint256 salt) external view returns (address) {
        bytes32 codeHash = keccak256(type(HostileWallet).creationCode);
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"ff", address(this), salt, codeHash)))));
    }

    /// Uses up all gas of the call; deploys nothing.
    function burnGas() external pure {
        assembly {
            invalid()
        }
    }
}
