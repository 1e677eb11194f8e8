// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthCaptureEscrow, PaymentInfo} from "./IAuthCaptureEscrow.sol";
import {IERC1271} from "./IERC1271.sol";

/// The operator of escrowed payments (x402 scheme `auth-capture`, Commerce Payments 1.1).
///
/// Anybody may submit; obeyed is only the receiver authorizer, whose address the payer's one signature binds through the salt, and
/// only for the balances that it names: what was carried out once can't be carried out again. So many settlements share one
/// transaction, and no payment depends on the account that sends. The single calls revert when refused; of many, those that are refused
/// are left out. The contract has no owner, no storage and no money, and moves none but by the calls of the escrow.
///
/// An agreement binds a time before which nothing is captured, the end of its challenge window, unless the payer agrees by a signature.
contract AgreementOperator {
    /// What the payer's salt binds. `saltNonce` of an agreement is the hash of its document; of any other payment a random number.
    struct Binding {
        address receiverAuthorizer;
        uint256 saltNonce;
        /// Unix seconds; 0: not an agreement, captured at any time.
        uint48 captureNotBefore;
    }

    struct Authorize {
        PaymentInfo info;
        address tokenCollector;
        bytes collectorData;
    }

    struct Capture {
        PaymentInfo info;
        Binding binding;
        uint256 amount;
        uint256 feeAmount;
        address feeReceiver;
        uint256 expectedCapturableAmount;
        uint256 expectedRefundableAmount;
        bytes authorizerSignature;
        /// Needed before `captureNotBefore` only.
        bytes payerSignature;
    }

    struct Void {
        PaymentInfo info;
        Binding binding;
        bytes authorizerSignature;
    }

    struct Refund {
        PaymentInfo info;
        Binding binding;
        uint256 amount;
        address tokenCollector;
        bytes collectorData;
        uint256 expectedCapturableAmount;
        uint256 expectedRefundableAmount;
        bytes authorizerSignature;
    }

    IAuthCaptureEscrow public constant ESCROW = IAuthCaptureEscrow(0xf96815976523E00e65Be8f34cA5e64b4f41EB19c);
    address public constant ERC3009_COLLECTOR = 0x8612dfdc421f80336cd14E8EF9cb1E765dB5ab88;
    address public constant PERMIT2_COLLECTOR = 0xD69831Aed5bfe262067ec4c751f4F830EcdD446e;

    bytes32 public constant CAPTURE_TYPEHASH = keccak256(
        "Capture(bytes32 paymentInfoHash,uint256 amount,uint256 feeAmount,address feeReceiver,"
        "uint256 expectedCapturableAmount,uint256 expectedRefundableAmount)"
    );
    bytes32 public constant EARLY_CAPTURE_TYPEHASH = keccak256(
        "EarlyCapture(bytes32 paymentInfoHash,uint256 amount,uint256 feeAmount,address feeReceiver,"
        "uint256 expectedCapturableAmount,uint256 expectedRefundableAmount)"
    );
    bytes32 public constant VOID_TYPEHASH = keccak256("Void(bytes32 paymentInfoHash)");
    bytes32 public constant REFUND_TYPEHASH = keccak256(
        "Refund(bytes32 paymentInfoHash,uint256 amount,address tokenCollector,"
        "uint256 expectedCapturableAmount,uint256 expectedRefundableAmount)"
    );
    bytes32 public constant SALT_BINDING_TYPEHASH =
        keccak256("x402AuthCaptureSaltBinding(address receiverAuthorizer,address policy,uint256 saltNonce)");
    bytes32 public constant AGREEMENT_TYPEHASH = keccak256("Agreement(uint256 document,uint48 captureNotBefore)");
    bytes32 private constant PAYMENT_INFO_TYPEHASH = keccak256(
        "PaymentInfo(address operator,address payer,address receiver,address token,uint120 maxAmount,"
        "uint48 preApprovalExpiry,uint48 authorizationExpiry,uint48 refundExpiry,uint16 minFeeBps,"
        "uint16 maxFeeBps,address feeReceiver,uint256 salt)"
    );
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// One of many was not carried out; the others were. `reason` is the revert data of the escrow or an error of this contract.
    event Refused(bytes32 indexed paymentInfoHash, bytes reason);

    error NotFullAmount();
    error EscrowFailed();
    error UnknownCollector(address collector);
    error SaltNotBound();
    error InvalidAuthorizerSignature();
    error UnexpectedPaymentState(uint256 capturableAmount, uint256 refundableAmount);
    error ChallengeWindowOpen(uint48 captureNotBefore);

    /// Escrows the whole of a payment by its payer's signature: the escrow's own entry point, open to everybody.
    function authorize(PaymentInfo calldata info, uint256 amount, address tokenCollector, bytes calldata collectorData)
        external
    {
        if (amount != info.maxAmount) revert NotFullAmount();
        _orRevert(_authorize(info, tokenCollector, collectorData));
    }

    /// Pays out of a hold what its receiver authorizer signed for.
    function capture(Capture calldata item) external {
        _orRevert(_capture(item, hashOf(item.info), DOMAIN_SEPARATOR()));
    }

    /// Gives the rest of a hold back to its payer.
    function void(Void calldata item) external {
        _orRevert(_void(item, hashOf(item.info), DOMAIN_SEPARATOR()));
    }

    /// Gives captured money back to the payer, out of what the named collector brings.
    function refund(Refund calldata item) external {
        _orRevert(_refund(item, hashOf(item.info), DOMAIN_SEPARATOR()));
    }

    function authorizeMany(Authorize[] calldata items) external {
        for (uint256 i = 0; i < items.length; ++i) {
            Authorize calldata item = items[i];
            bytes memory fault = _authorize(item.info, item.tokenCollector, item.collectorData);
            if (fault.length > 0) emit Refused(hashOf(item.info), fault);
        }
    }

    function captureMany(Capture[] calldata items) external {
        bytes32 domain = DOMAIN_SEPARATOR();
        for (uint256 i = 0; i < items.length; ++i) {
            bytes32 id = hashOf(items[i].info);
            bytes memory fault = _capture(items[i], id, domain);
            if (fault.length > 0) emit Refused(id, fault);
        }
    }

    function voidMany(Void[] calldata items) external {
        bytes32 domain = DOMAIN_SEPARATOR();
        for (uint256 i = 0; i < items.length; ++i) {
            bytes32 id = hashOf(items[i].info);
            bytes memory fault = _void(items[i], id, domain);
            if (fault.length > 0) emit Refused(id, fault);
        }
    }

    function refundMany(Refund[] calldata items) external {
        bytes32 domain = DOMAIN_SEPARATOR();
        for (uint256 i = 0; i < items.length; ++i) {
            bytes32 id = hashOf(items[i].info);
            bytes memory fault = _refund(items[i], id, domain);
            if (fault.length > 0) emit Refused(id, fault);
        }
    }

    /// Several of the calls above in one transaction, such as capturing what was used and voiding the rest.
    function multicall(bytes[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool done, bytes memory reason) = address(this).delegatecall(calls[i]);
            if (!done) _orRevert(reason);
        }
    }

    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return keccak256(
            abi.encode(
                DOMAIN_TYPEHASH, keccak256("x402 Auth Capture Operator"), keccak256("1"), block.chainid, address(this)
            )
        );
    }

    /// The escrow's hash of a payment, worked out here: a call of the escrow would cost more.
    function hashOf(PaymentInfo calldata info) public view returns (bytes32) {
        bytes32 inner = keccak256(abi.encode(PAYMENT_INFO_TYPEHASH, info));
        return keccak256(abi.encode(block.chainid, address(ESCROW), inner));
    }

    /// The salt that a payment with this binding must have.
    function saltOf(Binding calldata binding) public view returns (uint256) {
        (address policy, uint256 nonce) = (address(0), binding.saltNonce);
        if (binding.captureNotBefore != 0) {
            policy = address(this);
            nonce = uint256(keccak256(abi.encode(AGREEMENT_TYPEHASH, binding.saltNonce, binding.captureNotBefore)));
        }
        return uint256(keccak256(abi.encode(SALT_BINDING_TYPEHASH, binding.receiverAuthorizer, policy, nonce)));
    }

    // inside

    function _authorize(PaymentInfo calldata info, address tokenCollector, bytes calldata collectorData)
        private
        returns (bytes memory fault)
    {
        if (tokenCollector != ERC3009_COLLECTOR && tokenCollector != PERMIT2_COLLECTOR) {
            return abi.encodeWithSelector(UnknownCollector.selector, tokenCollector);
        }
        try ESCROW.authorize(info, info.maxAmount, tokenCollector, collectorData) {}
        catch (bytes memory reason) {
            return _nonEmpty(reason);
        }
    }

    function _capture(Capture calldata item, bytes32 id, bytes32 domain) private returns (bytes memory fault) {
        fault = _captureFault(item, id, domain);
        if (fault.length > 0) return fault;
        try ESCROW.capture(item.info, item.amount, item.feeAmount, item.feeReceiver) {}
        catch (bytes memory reason) {
            return _nonEmpty(reason);
        }
    }

    function _void(Void calldata item, bytes32 id, bytes32 domain) private returns (bytes memory fault) {
        bytes32 digest = _digest(domain, keccak256(abi.encode(VOID_TYPEHASH, id)));
        fault = _authorizerFault(item.info, item.binding, digest, item.authorizerSignature);
        if (fault.length > 0) return fault;
        try ESCROW.void(item.info) {}
        catch (bytes memory reason) {
            return _nonEmpty(reason);
        }
    }

    function _refund(Refund calldata item, bytes32 id, bytes32 domain) private returns (bytes memory fault) {
        fault = _refundFault(item, id, domain);
        if (fault.length > 0) return fault;
        try ESCROW.refund(item.info, item.amount, item.tokenCollector, item.collectorData) {}
        catch (bytes memory reason) {
            return _nonEmpty(reason);
        }
    }

    function _captureFault(Capture calldata item, bytes32 id, bytes32 domain) private view returns (bytes memory fault) {
        bytes32 digest = _digest(domain, _captureHash(CAPTURE_TYPEHASH, item, id));
        fault = _authorizerFault(item.info, item.binding, digest, item.authorizerSignature);
        if (fault.length > 0) return fault;
        if (block.timestamp < item.binding.captureNotBefore) {
            bytes32 early = _digest(domain, _captureHash(EARLY_CAPTURE_TYPEHASH, item, id));
            if (!_signed(item.info.payer, early, item.payerSignature)) {
                return abi.encodeWithSelector(ChallengeWindowOpen.selector, item.binding.captureNotBefore);
            }
        }
        return _stateFault(id, item.expectedCapturableAmount, item.expectedRefundableAmount);
    }

    function _refundFault(Refund calldata item, bytes32 id, bytes32 domain) private view returns (bytes memory fault) {
        bytes32 structHash = keccak256(
            abi.encode(
                REFUND_TYPEHASH,
                id,
                item.amount,
                item.tokenCollector,
                item.expectedCapturableAmount,
                item.expectedRefundableAmount
            )
        );
        fault = _authorizerFault(item.info, item.binding, _digest(domain, structHash), item.authorizerSignature);
        if (fault.length > 0) return fault;
        return _stateFault(id, item.expectedCapturableAmount, item.expectedRefundableAmount);
    }

    function _captureHash(bytes32 typehash, Capture calldata item, bytes32 id) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                typehash,
                id,
                item.amount,
                item.feeAmount,
                item.feeReceiver,
                item.expectedCapturableAmount,
                item.expectedRefundableAmount
            )
        );
    }

    function _authorizerFault(
        PaymentInfo calldata info, Binding calldata binding, bytes32 digest, bytes calldata signature
    ) private view returns (bytes memory) {
        if (info.salt != saltOf(binding)) return abi.encodeWithSelector(SaltNotBound.selector);
        if (!_signed(binding.receiverAuthorizer, digest, signature)) {
            return abi.encodeWithSelector(InvalidAuthorizerSignature.selector);
        }
        return "";
    }

    function _stateFault(bytes32 id, uint256 capturable, uint256 refundable) private view returns (bytes memory) {
        (, uint120 capturableNow, uint120 refundableNow) = ESCROW.paymentState(id);
        if (capturableNow == capturable && refundableNow == refundable) return "";
        return abi.encodeWithSelector(UnexpectedPaymentState.selector, capturableNow, refundableNow);
    }

    /// A call that fails without a reason, such as for lack of gas, has failed all the same.
    function _nonEmpty(bytes memory reason) private pure returns (bytes memory) {
        return reason.length > 0 ? reason : abi.encodeWithSelector(EscrowFailed.selector);
    }

    function _orRevert(bytes memory fault) private pure {
        if (fault.length == 0) return;
        assembly ("memory-safe") {
            revert(add(fault, 32), mload(fault))
        }
    }

    function _digest(bytes32 domain, bytes32 structHash) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _signed(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (signer == address(0)) return false;
        if (signer.code.length > 0) return _signedByContract(signer, digest, signature);
        if (signature.length != 65) return false;
        (bytes32 r, bytes32 s, uint8 v) = (bytes32(signature[:32]), bytes32(signature[32:64]), uint8(signature[64]));
        return uint256(s) <= HALF_ORDER && ecrecover(digest, v, r, s) == signer;
    }

    function _signedByContract(address signer, bytes32 digest, bytes calldata signature) private view returns (bool) {
        try IERC1271(signer).isValidSignature{gas: 200_000}(digest, signature) returns (bytes4 answer) {
            return answer == IERC1271.isValidSignature.selector;
        } catch {
            return false;
        }
    }
}
