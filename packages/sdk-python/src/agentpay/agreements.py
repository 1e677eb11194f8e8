"""What a buyer signs for usage agreements. Signing needs the extra ``agentpay[local]``."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ._network import Network
from .errors import InvalidRequest, OfferNotAcceptable

if TYPE_CHECKING:
    from .local import LocalAccount

_ERC3009_COLLECTOR = "0x8612dfdc421f80336cd14E8EF9cb1E765dB5ab88"
_MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
_CENT = 10_000
_CLOCK_SKEW = 300
_LONGEST_PERMIT = 7_200


def build_direct_stablecoin_agreement(
    *, account: LocalAccount, requirements: Mapping[str, Any], service_id: str, amount_cents: int
) -> dict[str, Any]:
    """Signs a direct purchase: the payment to the seller, and the permit for the fee of the platform.

    Nothing moves before the seller accepts. Signed is what was asked for and no more: this amount, in the known token of the network,
    and at most the documented fee.

    :param requirements: response of ``GET /payment-requirements`` with ``service_id`` and ``buyer_address``
    :returns: the body of ``POST /usage-agreements``
    :raises OfferNotAcceptable: with the reason; nothing was signed
    """
    if isinstance(amount_cents, bool) or not isinstance(amount_cents, int) or amount_cents < 1:
        raise InvalidRequest("The amount is a whole number of cents above zero.", param="amount_cents")
    try:
        offer = {name: requirements["payment"][name] for name in _OFFER}
        permit, spender = requirements["fee"]["permit"], str(requirements["gas_wallet_address"])
        network = _network_of(permit["domain"])
        amount, now = amount_cents * _CENT, int(time.time())
        _check_offer(account, offer, network, amount)
        # 2 % and $0.003, half a micro-unit rounded up, at least $0.10.
        fee_permit = _sign_permit(account, permit, network, spender, max((amount + 25) // 50 + 3_000, 100_000), now)
        authorization = {
            "from": account.address,
            "to": str(offer["payTo"]),
            "value": str(amount),
            "validAfter": str(now - _CLOCK_SKEW),
            "validBefore": str(now + int(offer["maxTimeoutSeconds"])),
            "nonce": "0x" + secrets.token_hex(32),
        }
    except (KeyError, TypeError, ValueError) as wrong:
        raise InvalidRequest("The requirements are not as they should be; nothing was signed.", param="requirements") from wrong
    payload = {"signature": _sign_transfer(account, "Transfer", network, authorization), "authorization": authorization}
    payment = {"x402Version": 2, "accepted": offer, "payload": payload}
    return {
        "service_id": service_id,
        "settlement_model": "direct_payment",
        "amount_cents": amount_cents,
        "buyer_wallet_address": account.address,
        "payment_header": base64.b64encode(json.dumps(payment).encode()).decode(),
        "fee_permit": fee_permit,
    }


def sign_activation(*, account: LocalAccount, activation_package: Mapping[str, Any]) -> dict[str, str]:
    """Signs what activates an agreement: the payment into the escrow, and where a fee is due its permit.

    :param activation_package: response of ``GET /usage-agreements/{agreement_id}/activation-package``
    :returns: the body of ``POST /usage-agreements/{agreement_id}/activate-escrow``; empty in the sandbox, where nothing is signed
    :raises OfferNotAcceptable: with the reason; nothing was signed
    """
    try:
        intent, fee = activation_package.get("activation_intent"), activation_package["infra_fee"]
        if intent is None:
            return {}
        network, message = _network_of(intent["domain"]), {name: str(intent["message"][name]) for name in _AUTHORIZATION}
        if intent["primaryType"] != "ReceiveWithAuthorization" or int(message["validAfter"]) != 0:
            raise _refused("intent", "The intent is none for the escrow.")
        if not _same(message["from"], account.address):
            raise _refused("payer", "The intent is of another payer.")
        if not _same(message["to"], _ERC3009_COLLECTOR):
            raise _refused("recipient", "The intent does not pay into the escrow.")
        signed = {}
        if fee["pending"] and fee.get("permit"):
            largest = int(Decimal(str(fee["amount"])) * 10**network.decimals)
            permit = fee["permit"]
            spender = str(permit["message"]["spender"])
            signed["infra_fee_permit"] = _sign_permit(account, permit, network, spender, largest, int(time.time()))
        return {"activation_signature": _sign_transfer(account, "Receive", network, message), **signed}
    except (KeyError, TypeError, ValueError, ArithmeticError) as wrong:
        raise InvalidRequest("The package is not as it should be; nothing was signed.", param="activation_package") from wrong


_OFFER = ("scheme", "network", "amount", "asset", "payTo", "maxTimeoutSeconds", "extra")
_AUTHORIZATION = ("from", "to", "value", "validAfter", "validBefore", "nonce")


def _check_offer(account: LocalAccount, offer: Mapping[str, Any], network: Network, amount: int) -> None:
    if offer["scheme"] != "exact" or offer["network"] != network.id:
        raise _refused("unknown_network", "The offer is for another way to pay.")
    if not _same(offer["asset"], network.asset) or network.transfer != "eip3009":
        raise _refused("unknown_asset", "The asset of the offer is not known.")
    if (offer["extra"]["name"], offer["extra"]["version"]) != (network.token_name, network.token_version):
        raise _refused("domain_mismatch", "The offer describes another token contract.")
    if offer["amount"] != str(amount):
        raise _refused("amount", "The offer is about another amount.")
    if int(offer["payTo"], 16) == 0 or len(offer["payTo"]) != 42 or _same(offer["payTo"], account.address):
        raise _refused("recipient", "The offer pays nobody else.")


def _sign_permit(
    account: LocalAccount, permit: Mapping[str, Any], network: Network, spender: str, largest: int, now: int
) -> str:
    from .local import domain_separator, permit_digest

    message = permit["message"]
    if permit["primaryType"] != "Permit" or _network_of(permit["domain"]) is not network:
        raise _refused("unknown_asset", "The fee is in another token.")
    if not _same(message["owner"], account.address):
        raise _refused("payer", "The permit is of another owner.")
    if not _same(message["spender"], spender) or _same(spender, _MULTICALL3) or int(spender, 16) == 0:
        raise _refused("recipient", "The permit names another spender than the gas wallet.")
    if int(message["value"]) > largest:
        raise _refused("amount", "The permit is for more than the fee.")
    if int(message["deadline"]) > now + _LONGEST_PERMIT:
        raise _refused("deadline", "The permit would last for too long.")
    domain = domain_separator(network.token_name, network.token_version, network.chain_id, network.asset)
    return account.sign_digest(permit_digest(domain, message))


def _sign_transfer(account: LocalAccount, kind: str, network: Network, authorization: dict[str, str]) -> str:
    from .local import authorization_digest, domain_separator

    domain = domain_separator(network.token_name, network.token_version, network.chain_id, network.asset)
    return account.sign_digest(authorization_digest(domain, authorization, kind))


def _network_of(domain: Mapping[str, Any]) -> Network:
    """The network whose token this is, exactly as the package's own table has it."""
    from ._generated.networks import NETWORKS

    for one in NETWORKS:
        named = (domain["name"], domain["version"], int(domain["chainId"]))
        if named == (one.token_name, one.token_version, one.chain_id) and _same(domain["verifyingContract"], one.asset):
            return one
    raise _refused("unknown_asset", "The token is not known.")


def _same(one: Any, other: str) -> bool:
    return str(one).lower() == other.lower()


def _refused(reason: str, why: str) -> OfferNotAcceptable:
    return OfferNotAcceptable(f"{why} Nothing was signed.", reason=reason)
