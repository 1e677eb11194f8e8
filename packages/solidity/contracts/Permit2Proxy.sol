// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Permit2} from "./Permit2.sol";

interface IERC2612 {
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
}

/// What both x402 proxies share. Being the spender that the payer signs for, a proxy pays nobody but the payee of the witness.
/// For local chains, where the deployed ones are absent; it may be placed at an address by code alone.
abstract contract Permit2Proxy {
    struct EIP2612Permit {
        uint256 value;
        uint256 deadline;
        bytes32 r;
        bytes32 s;
        uint8 v;
    }

    Permit2 public constant PERMIT2 = Permit2(0x000000000022D473030F116dDEE9F6B43aC78BA3);

    bool private transient entered;

    event Settled();
    event SettledWithPermit();

    error InvalidAmount();
    error InvalidDestination();
    error InvalidOwner();
    error PaymentTooEarly();
    error Permit2612AmountMismatch();
    error ReentrancyGuardReentrantCall();

    modifier nonReentrant() {
        if (entered) revert ReentrancyGuardReentrantCall();
        entered = true;
        _;
        entered = false;
    }

    function _pay(
        Permit2.PermitTransferFrom calldata permit,
        Permit2.SignatureTransferDetails memory details,
        address owner,
        uint256 validAfter,
        bytes32 witnessHash,
        string memory witnessTypeString,
        bytes calldata signature
    ) internal {
        if (details.requestedAmount == 0) revert InvalidAmount();
        if (owner == address(0)) revert InvalidOwner();
        if (details.to == address(0)) revert InvalidDestination();
        if (block.timestamp < validAfter) revert PaymentTooEarly();
        PERMIT2.permitWitnessTransferFrom(permit, details, owner, witnessHash, witnessTypeString, signature);
    }

    /// Lets Permit2 move the token. A permit that fails stops nothing: it may have been used already, by anyone, and the allowance stand.
    function _allow(Permit2.TokenPermissions calldata permitted, address owner, EIP2612Permit calldata permit2612) internal {
        if (permit2612.value != permitted.amount) revert Permit2612AmountMismatch();
        try IERC2612(permitted.token).permit(
            owner, address(PERMIT2), permit2612.value, permit2612.deadline, permit2612.v, permit2612.r, permit2612.s
        ) {} catch {}
    }
}
