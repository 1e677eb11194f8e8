// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// An account that attacks whoever asks it: it agrees to every signature, or burns all gas it is given, as it was last told by anyone.
contract HostileWallet {
    bool public burning;
    uint256 public leastGas;
    bool public burningInBlocks;

    function setBurning(bool burn) external {
        burning = burn;
    }

    /// Burns what it is given when that is less than `gas`.
    function setLeastGas(uint256 gas) external {
        leastGas = gas;
    }

    /// Burns what it is given where gas has a price, as in blocks and not in simulations.
    function setBurningInBlocks(bool burn) external {
        burningInBlocks = burn;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        bool burns = burning || gasleft() < leastGas || (burningInBlocks && tx.gasprice > 0);
        while (burns) {}
        return this.isValidSignature.selector;
    }
}
