// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// An account that attacks whoever asks it: it agrees to every signature, or burns all gas it is given, as it was last told by anyone.
contract HostileWallet {
    bool public burning;

    function setBurning(bool burn) external {
        burning = burn;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        while (burning) {}
        return this.isValidSignature.selector;
    }
}
