// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthCaptureEscrow, PaymentInfo} from "./IAuthCaptureEscrow.sol";
import {IERC20} from "./IERC20.sol";
import {ITokenCollector} from "./ITokenCollector.sol";
import {TokenStore} from "./TokenStore.sol";

/// The escrow of the Commerce Payments Protocol with the interface, errors and rules of version 1.1, for local chains, where the
/// audited contract is absent. It may be placed at its address by code alone.
contract AuthCaptureEscrow is IAuthCaptureEscrow {
    struct PaymentState {
        bool hasCollectedPayment;
        uint120 capturableAmount;
        uint120 refundableAmount;
    }

    bytes32 public constant PAYMENT_INFO_TYPEHASH = keccak256(
        "PaymentInfo(address operator,address payer,address receiver,address token,uint120 maxAmount,"
        "uint48 preApprovalExpiry,uint48 authorizationExpiry,uint48 refundExpiry,uint16 minFeeBps,"
        "uint16 maxFeeBps,address feeReceiver,uint256 salt)"
    );
    uint256 private constant BPS = 10_000;

    mapping(bytes32 => PaymentState) public paymentState;
    bool private transient entered;

    event PaymentCharged(
        bytes32 indexed paymentInfoHash,
        PaymentInfo paymentInfo,
        uint256 amount,
        address tokenCollector,
        uint256 feeAmount,
        address feeReceiver
    );
    event PaymentAuthorized(
        bytes32 indexed paymentInfoHash, PaymentInfo paymentInfo, uint256 amount, address tokenCollector
    );
    event PaymentCaptured(bytes32 indexed paymentInfoHash, uint256 amount, uint256 feeAmount, address feeReceiver);
    event PaymentVoided(bytes32 indexed paymentInfoHash, uint256 amount);
    event PaymentReclaimed(bytes32 indexed paymentInfoHash, uint256 amount);
    event PaymentRefunded(bytes32 indexed paymentInfoHash, uint256 amount, address tokenCollector);
    event TokenStoreCreated(address indexed operator, address tokenStore);

    error Reentrancy();
    error InvalidSender(address sender, address expected);
    error ZeroAmount();
    error AmountOverflow(uint256 amount, uint256 limit);
    error ExceedsMaxAmount(uint256 amount, uint256 maxAmount);
    error AfterPreApprovalExpiry(uint48 timestamp, uint48 expiry);
    error InvalidExpiries(uint48 preApproval, uint48 authorization, uint48 refund);
    error FeeBpsOverflow(uint16 feeBps);
    error InvalidFeeBpsRange(uint16 minFeeBps, uint16 maxFeeBps);
    error FeeAmountOutOfRange(uint256 feeAmount, uint256 minFeeAmount, uint256 maxFeeAmount);
    error ZeroFeeReceiver();
    error InvalidFeeReceiver(address attempted, address expected);
    error InvalidCollectorForOperation();
    error TokenCollectionFailed();
    error PaymentAlreadyCollected(bytes32 paymentInfoHash);
    error AfterAuthorizationExpiry(uint48 timestamp, uint48 expiry);
    error InsufficientAuthorization(bytes32 paymentInfoHash, uint256 authorizedAmount, uint256 requestedAmount);
    error ZeroAuthorization(bytes32 paymentInfoHash);
    error BeforeAuthorizationExpiry(uint48 timestamp, uint48 expiry);
    error AfterRefundExpiry(uint48 timestamp, uint48 expiry);
    error RefundExceedsCapture(uint256 refund, uint256 captured);

    modifier nonReentrant() {
        if (entered) revert Reentrancy();
        entered = true;
        _;
        entered = false;
    }

    modifier onlySender(address expected) {
        if (msg.sender != expected) revert InvalidSender(msg.sender, expected);
        _;
    }

    modifier validAmount(uint256 amount) {
        if (amount == 0) revert ZeroAmount();
        if (amount > type(uint120).max) revert AmountOverflow(amount, type(uint120).max);
        _;
    }

    function authorize(PaymentInfo calldata info, uint256 amount, address tokenCollector, bytes calldata collectorData)
        external
        nonReentrant
        onlySender(info.operator)
        validAmount(amount)
    {
        bytes32 id = _begin(info, amount);
        paymentState[id] = PaymentState(true, uint120(amount), 0);
        emit PaymentAuthorized(id, info, amount, tokenCollector);
        _collect(info, amount, tokenCollector, collectorData, ITokenCollector.CollectorType.Payment);
    }

    function charge(
        PaymentInfo calldata info,
        uint256 amount,
        address tokenCollector,
        bytes calldata collectorData,
        uint256 feeAmount,
        address feeReceiver
    ) external nonReentrant onlySender(info.operator) validAmount(amount) {
        bytes32 id = _begin(info, amount);
        _checkFee(info, amount, feeAmount, feeReceiver);
        paymentState[id] = PaymentState(true, 0, uint120(amount));
        emit PaymentCharged(id, info, amount, tokenCollector, feeAmount, feeReceiver);
        _collect(info, amount, tokenCollector, collectorData, ITokenCollector.CollectorType.Payment);
        _distribute(info, amount, feeAmount, feeReceiver);
    }

    function capture(PaymentInfo calldata info, uint256 amount, uint256 feeAmount, address feeReceiver)
        external
        nonReentrant
        onlySender(info.operator)
        validAmount(amount)
    {
        _checkFee(info, amount, feeAmount, feeReceiver);
        if (block.timestamp >= info.authorizationExpiry) {
            revert AfterAuthorizationExpiry(uint48(block.timestamp), info.authorizationExpiry);
        }
        bytes32 id = getHash(info);
        PaymentState memory state = paymentState[id];
        if (state.capturableAmount < amount) revert InsufficientAuthorization(id, state.capturableAmount, amount);
        state.capturableAmount -= uint120(amount);
        state.refundableAmount += uint120(amount);
        paymentState[id] = state;
        emit PaymentCaptured(id, amount, feeAmount, feeReceiver);
        _distribute(info, amount, feeAmount, feeReceiver);
    }

    function void(PaymentInfo calldata info) external nonReentrant onlySender(info.operator) {
        (bytes32 id, uint256 amount) = _release(info);
        emit PaymentVoided(id, amount);
        _send(info, info.payer, amount);
    }

    function reclaim(PaymentInfo calldata info) external nonReentrant onlySender(info.payer) {
        if (block.timestamp < info.authorizationExpiry) {
            revert BeforeAuthorizationExpiry(uint48(block.timestamp), info.authorizationExpiry);
        }
        (bytes32 id, uint256 amount) = _release(info);
        emit PaymentReclaimed(id, amount);
        _send(info, info.payer, amount);
    }

    function refund(PaymentInfo calldata info, uint256 amount, address tokenCollector, bytes calldata collectorData)
        external
        nonReentrant
        onlySender(info.operator)
        validAmount(amount)
    {
        if (block.timestamp >= info.refundExpiry) {
            revert AfterRefundExpiry(uint48(block.timestamp), info.refundExpiry);
        }
        bytes32 id = getHash(info);
        uint120 captured = paymentState[id].refundableAmount;
        if (captured < amount) revert RefundExceedsCapture(amount, captured);
        paymentState[id].refundableAmount = captured - uint120(amount);
        emit PaymentRefunded(id, amount, tokenCollector);
        _collect(info, amount, tokenCollector, collectorData, ITokenCollector.CollectorType.Refund);
        _send(info, info.payer, amount);
    }

    function getHash(PaymentInfo calldata info) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), keccak256(abi.encode(PAYMENT_INFO_TYPEHASH, info))));
    }

    function getTokenStore(address operator) public view returns (address) {
        bytes32 code = keccak256(type(TokenStore).creationCode);
        bytes32 salt = bytes32(bytes20(operator));
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, code)))));
    }

    // inside

    function _begin(PaymentInfo calldata info, uint256 amount) private view returns (bytes32 id) {
        if (amount > info.maxAmount) revert ExceedsMaxAmount(amount, info.maxAmount);
        if (block.timestamp >= info.preApprovalExpiry) {
            revert AfterPreApprovalExpiry(uint48(block.timestamp), info.preApprovalExpiry);
        }
        if (info.preApprovalExpiry > info.authorizationExpiry || info.authorizationExpiry > info.refundExpiry) {
            revert InvalidExpiries(info.preApprovalExpiry, info.authorizationExpiry, info.refundExpiry);
        }
        if (info.maxFeeBps > BPS) revert FeeBpsOverflow(info.maxFeeBps);
        if (info.minFeeBps > info.maxFeeBps) revert InvalidFeeBpsRange(info.minFeeBps, info.maxFeeBps);
        id = getHash(info);
        if (paymentState[id].hasCollectedPayment) revert PaymentAlreadyCollected(id);
    }

    function _checkFee(PaymentInfo calldata info, uint256 amount, uint256 feeAmount, address feeReceiver) private pure {
        uint256 least = amount * info.minFeeBps / BPS;
        uint256 most = amount * info.maxFeeBps / BPS;
        if (feeAmount < least || feeAmount > most) revert FeeAmountOutOfRange(feeAmount, least, most);
        if (feeReceiver == address(0) && feeAmount > 0) revert ZeroFeeReceiver();
        if (info.feeReceiver != address(0) && info.feeReceiver != feeReceiver) {
            revert InvalidFeeReceiver(feeReceiver, info.feeReceiver);
        }
    }

    function _release(PaymentInfo calldata info) private returns (bytes32 id, uint256 amount) {
        id = getHash(info);
        amount = paymentState[id].capturableAmount;
        if (amount == 0) revert ZeroAuthorization(id);
        paymentState[id].capturableAmount = 0;
    }

    function _collect(
        PaymentInfo calldata info,
        uint256 amount,
        address collector,
        bytes calldata data,
        ITokenCollector.CollectorType wanted
    ) private {
        if (ITokenCollector(collector).collectorType() != wanted) revert InvalidCollectorForOperation();
        address store = getTokenStore(info.operator);
        uint256 before = IERC20(info.token).balanceOf(store);
        ITokenCollector(collector).collectTokens(info, store, amount, data);
        if (IERC20(info.token).balanceOf(store) != before + amount) revert TokenCollectionFailed();
    }

    function _distribute(PaymentInfo calldata info, uint256 amount, uint256 feeAmount, address feeReceiver) private {
        if (feeAmount > 0) _send(info, feeReceiver, feeAmount);
        if (amount > feeAmount) _send(info, info.receiver, amount - feeAmount);
    }

    function _send(PaymentInfo calldata info, address recipient, uint256 amount) private {
        address store = getTokenStore(info.operator);
        if (store.code.length == 0) {
            new TokenStore{salt: bytes32(bytes20(info.operator))}();
            emit TokenStoreCreated(info.operator, store);
        }
        TokenStore(store).sendTokens(info.token, recipient, amount);
    }
}
