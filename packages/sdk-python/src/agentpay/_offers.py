"""What a 402 offers, held against what may be paid. Amounts are base units of USDC, which has six decimals on every known network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from ._challenges import expiry, from_base64, read_challenges, to_base64, to_base64url
from ._exchange import Reply
from ._generated.networks import NETWORKS
from ._network import Network
from .errors import OfferNotAcceptable

MAX_LIFETIME = 600
"""Longest time that an authorization is signed for, in seconds, however long the seller asks for."""
_MARGIN = 6
_MAX_PROOF = 8 * 1024
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_AMOUNT = re.compile(r"[1-9]\d{0,77}")


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What may be paid."""

    networks: tuple[Network, ...]
    hosts: tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One way to pay that is acceptable but for its price."""

    dialect: str
    network: Network
    amount: int
    pay_to: str
    lifetime: int
    """Seconds from now for which the authorization is wanted."""
    nonce: bytes | None
    """Of the authorization, where the offer fixes it."""
    header: str
    seal: Callable[[dict[str, str], str], str]
    """The value of that header, from the authorization and its signature."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """A 402, and what of its request it depends on."""

    url: str
    has_authorization: bool
    content: bytes
    reply: Reply
    now: float


def refuse(reason: str, why: str) -> OfferNotAcceptable:
    return OfferNotAcceptable(why, reason=reason)


def read_offers(demand: Demand, allowed: Allowed) -> tuple[list[Offer], list[OfferNotAcceptable]]:
    """The acceptable offers, best first, and why the others are not acceptable. Both empty: nothing known is asked for."""
    offers: list[Offer] = []
    refusals: list[OfferNotAcceptable] = []
    for read in (_x402_v2, _mpp, _x402_v1):
        found: list[Offer] = []
        try:
            entries = list(read(demand, allowed))
        except (ValueError, TypeError, KeyError, AttributeError) as cause:
            refusals.append(refuse("malformed", f"The offer cannot be read: {cause}."))
            continue
        for entry in entries:
            try:
                found.append(entry())
            except OfferNotAcceptable as refusal:
                refusals.append(refusal)
            except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as cause:
                refusals.append(refuse("malformed", f"The offer cannot be read: {cause}."))
        offers.extend(sorted(found, key=lambda offer: offer.amount))
    return offers, refusals


Read = Callable[[], Offer]


def _x402_v2(demand: Demand, allowed: Allowed) -> Iterator[Read]:
    written = demand.reply.headers.get("payment-required")
    if written is None:
        return
    required = from_base64(written)
    if required.get("x402Version") != 2:
        raise ValueError("PAYMENT-REQUIRED has another version")
    rest = {name: required[name] for name in ("resource",) if required.get(name) is not None}
    extensions = {"extensions": required["extensions"]} if required.get("extensions") is not None else {}
    for accepted in required["accepts"][:64]:

        def read(accepted: Any = accepted) -> Offer:
            def seal(authorization: dict[str, str], signature: str) -> str:
                payload = {"signature": signature, "authorization": authorization}
                proof = {"x402Version": 2, "payload": payload, **rest, "accepted": accepted}
                whole = to_base64({**proof, **extensions})
                return whole if len(whole) <= _MAX_PROOF else to_base64(proof)

            _exact(accepted)
            return _offer(demand, allowed, accepted, "x402v2", accepted["amount"], "PAYMENT-SIGNATURE", seal)

        yield read


def _x402_v1(demand: Demand, allowed: Allowed) -> Iterator[Read]:
    try:
        body = json.loads(demand.reply.content)
    except (ValueError, RecursionError):
        return
    if not isinstance(body, dict) or body.get("x402Version") != 1 or not isinstance(body.get("accepts"), list):
        return
    for accepted in body["accepts"][:64]:

        def read(accepted: Any = accepted) -> Offer:
            def seal(authorization: dict[str, str], signature: str) -> str:
                payload = {"signature": signature, "authorization": authorization}
                return to_base64({"x402Version": 1, "scheme": "exact", "network": accepted["network"], "payload": payload})

            _exact(accepted)
            return _offer(demand, allowed, accepted, "x402v1", accepted["maxAmountRequired"], "X-PAYMENT", seal)

        yield read


def _mpp(demand: Demand, allowed: Allowed) -> Iterator[Read]:
    for challenge in read_challenges(demand.reply.headers.get("www-authenticate", "")):

        def read(challenge: dict[str, str] = challenge) -> Offer:
            return _charge(demand, allowed, challenge)

        yield read


def _charge(demand: Demand, allowed: Allowed, challenge: dict[str, str]) -> Offer:
    from .local import keccak256

    header = challenge.get("header", "Authorization")
    if header not in ("Authorization", "Payment-Authorization"):
        raise refuse("unknown_header", "The challenge asks for its proof in an unknown header.")
    if header == "Authorization" and demand.has_authorization:
        raise refuse("authorization_taken", "The request has an Authorization of its own.")
    if (challenge["method"], challenge["intent"]) != ("evm", "charge"):
        raise refuse("unknown_scheme", f"Payment method {challenge['method']}/{challenge['intent']} is not known.")
    request = from_base64(challenge["request"])
    details = request["methodDetails"]
    if "authorization" not in (details.get("credentialTypes") or []):
        raise refuse("unknown_transfer_method", "Only authorizations are signed.")
    digest = "sha-256=:" + base64.b64encode(hashlib.sha256(demand.content).digest()).decode() + ":"
    if challenge.get("digest") not in (None, digest, digest.replace(":", "")):
        raise refuse("digest_mismatch", "The challenge is for another request body.")
    left = int(expiry(challenge, demand.now + 300) - demand.now)
    if left < _MARGIN:
        raise refuse("expired", "The challenge has expired.")
    chain_id = int(details["chainId"])

    def seal(authorization: dict[str, str], signature: str) -> str:
        payload = {"type": "authorization", **authorization, "signature": signature}
        source = f"did:pkh:eip155:{chain_id}:{authorization['from']}"
        return "Payment " + to_base64url({"challenge": challenge, "payload": payload, "source": source})

    asked = {
        "network": f"eip155:{chain_id}",
        "asset": request["currency"],
        "payTo": request["recipient"],
        "maxTimeoutSeconds": left,
    }
    offer = _offer(demand, allowed, asked, "mpp", request["amount"], header, seal)
    if details.get("decimals", offer.network.decimals) != offer.network.decimals:
        raise refuse("unit_mismatch", f"The asset has {offer.network.decimals} decimals.")
    nonce = keccak256((challenge["id"] + challenge["realm"]).encode())
    return replace(offer, nonce=nonce)


def _exact(accepted: Mapping[str, Any]) -> None:
    if accepted["scheme"] != "exact":
        raise refuse("unknown_scheme", f"Scheme {accepted['scheme']} is not known.")


def _offer(
    demand: Demand,
    allowed: Allowed,
    asked: Mapping[str, Any],
    dialect: str,
    amount: Any,
    header: str,
    seal: Callable[[dict[str, str], str], str],
) -> Offer:
    network = check_transfer(demand.url, allowed, asked)
    lifetime = asked["maxTimeoutSeconds"]
    if not isinstance(lifetime, int) or lifetime < 1:
        raise refuse("malformed", "The offer does not say how long it may be paid.")
    return Offer(
        dialect=dialect,
        network=network,
        amount=read_amount(amount),
        pay_to=str(asked["payTo"]),
        lifetime=min(lifetime, MAX_LIFETIME),
        nonce=None,
        header=header,
        seal=seal,
    )


def read_amount(text: Any) -> int:
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text) or int(text) >= 2**256:
        raise refuse("amount", "The price is no amount above zero.")
    return int(text)


def check_transfer(url: str, allowed: Allowed, asked: Mapping[str, Any]) -> Network:
    """The network of an offer. The token's EIP-712 domain comes from the table of networks, never from the seller."""
    name = asked["network"]
    network = next((one for one in NETWORKS if name in (one.id, one.name)), None)
    if network is None:
        raise refuse("unknown_network", f"Network {name} is not known.")
    if network not in allowed.networks:
        raise refuse("network_not_allowed", f"Network {network.name} is not allowed.")
    if str(asked["asset"]).lower() != network.asset.lower() or network.transfer != "eip3009":
        raise refuse("unknown_asset", f"Asset {asked['asset']} is not known on {network.name}.")
    extra = asked.get("extra") or {}
    if (extra.get("name", network.token_name), extra.get("version", network.token_version)) != (
        network.token_name,
        network.token_version,
    ):
        raise refuse("domain_mismatch", "The seller describes another token contract.")
    if (extra.get("assetTransferMethod") or "eip3009") != "eip3009":
        raise refuse("unknown_transfer_method", "Only transfers by EIP-3009 are signed.")
    if extra.get("paymentFlow") not in (None, "authorization", "upfront"):
        raise refuse("unknown_payment_flow", "The payment flow is not known.")
    if network.mainnet and _is_cleartext(url) and allowed.hosts is None:
        raise refuse("cleartext", "Real money is paid over https only.")
    pay_to = str(asked["payTo"])
    if not _ADDRESS.fullmatch(pay_to) or int(pay_to, 16) == 0:
        raise refuse("recipient", f"{pay_to} can receive nothing.")
    return network


def _is_cleartext(url: str) -> bool:
    parsed = httpx.URL(url)
    return parsed.scheme != "https" and not re.fullmatch(r"localhost|127(\.\d+){3}|::1", parsed.host)
