"""Fetching what costs money. One proof for one request; what was promised counts as spent."""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx

from . import _calling
from ._budget import PayingState, Payment, Purchase, units
from ._challenges import from_base64, to_base64
from ._exchange import Failure, Flow, Reply, Send, Sleep
from ._generated import OPERATIONS
from ._generated.pay import PaymentsCreateResponse
from ._limits import MICRO, Reservation
from ._offers import Demand, Offer, check_transfer, read_amount, read_offers, refuse
from ._operation import Money
from ._refusal import describe_refusal
from .errors import ApiError, BudgetExceeded, OfferNotAcceptable, PaymentRefused, PaymentUnresolved, ServerError

_MAX_ATTEMPTS = 6
_SKEW = 300
"""How far the clock of the chain may be behind, in seconds."""


PAYMENT = "agentpay.payment"
"""Extension of a paid httpx.Response that holds its :class:`Payment`."""


def fetch(
    state: PayingState,
    method: str,
    url: str,
    headers: Mapping[str, str] | None,
    content: bytes,
    max_amount: Money | None,
) -> Flow[httpx.Response]:
    """Sends a request; a 402 is paid for, once, and the request sent again with the proof."""
    method = method.upper()
    most = state.budget.limits.per_request
    limit = most if max_amount is None else min(units(max_amount, "max_amount"), most)
    own = dict(headers or {})
    request = _sending(state, method, url, own, content)
    purchase = state.resume(_fingerprint(method, url, content))
    if purchase is None:
        accept = {"accept-payment": "evm/charge"} if state.paying.account else {}
        outcome = yield replace(request, headers={**own, **accept}, follow_redirects=True)
        if not isinstance(outcome, Reply):
            raise outcome.error if outcome else RuntimeError("no outcome")
        if outcome.status != 402:
            return outcome.as_response()
        chosen = _choose(state, request, outcome, limit)
        if chosen is None:
            return outcome.as_response()
        purchase = chosen
    return (yield from _deliver(state, request, purchase))


def _sending(state: PayingState, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Send:
    return Send(
        method=method,
        url=url,
        headers=headers,
        content=content or None,
        timeout=state.paying.attempt_timeout,
        max_bytes=state.paying.max_response_bytes,
    )


def _fingerprint(method: str, url: str, content: bytes) -> str:
    return hashlib.sha256(f"{method} {url}\n".encode() + content).hexdigest()


def _choose(state: PayingState, request: Send, reply: Reply, limit: int) -> Purchase | None:
    """Reserves the money and makes the proof; None when nothing known is asked for."""
    if state.paying.account is None:
        if "payment-required" not in reply.headers:
            return None
        _check_place(state, request, reply)
        return _by_agentpay(state, request, reply, limit)
    demand = Demand(
        url=str(reply.url),
        has_authorization=any(name.lower() == "authorization" for name in request.headers),
        content=request.content or b"",
        reply=reply,
        now=time.time(),
    )
    offers, refusals = read_offers(demand, state.allowed)
    if not offers and not refusals:
        return None
    _check_place(state, request, reply)
    own = state.paying.account.address.lower()
    exceeded: BudgetExceeded | None = None
    for offer in offers:
        if offer.pay_to.lower() == own:
            refusals.append(refuse("recipient", "The payer would pay itself."))
            continue
        try:
            reserved = state.reserve(offer.amount, limit, _host(reply.url))
        except BudgetExceeded as error:
            exceeded = exceeded or error
            continue
        return _signed(state, request, reply, offer, reserved)
    raise exceeded or refusals[0]


def _check_place(state: PayingState, request: Send, reply: Reply) -> None:
    """Only the origin that was asked is paid."""
    asked = httpx.URL(request.url)
    if _origin(asked) != _origin(reply.url):
        raise refuse("redirected_elsewhere", f"{reply.url.host} asks for money unasked.")
    if reply.redirected and request.method not in ("GET", "HEAD"):
        raise refuse("redirected", f"The {request.method} request was redirected to where payment is asked for.")
    hosts = state.allowed.hosts
    host = _host(reply.url)
    if hosts is not None and host not in hosts and reply.url.host not in hosts:
        raise refuse("host_not_allowed", f"Host {host} is not allowed.")


def _host(url: httpx.URL) -> str:
    """With its port, where that is not the usual one."""
    return url.host if url.port is None else f"{url.host}:{url.port}"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _signed(state: PayingState, request: Send, reply: Reply, offer: Offer, reserved: Reservation) -> Purchase:
    from .local import authorization_digest, checksum_address, domain_separator

    account, network, now = state.paying.account, offer.network, int(time.time())
    authorization = {
        "from": account.address,
        "to": checksum_address(offer.pay_to),
        "value": str(offer.amount),
        "validAfter": str(now - _SKEW),
        "validBefore": str(now + offer.lifetime),
        "nonce": "0x" + (offer.nonce or secrets.token_bytes(32)).hex(),
    }
    domain = domain_separator(network.token_name, network.token_version, network.chain_id, network.asset)
    signature = account.sign_digest(authorization_digest(domain, authorization))
    return Purchase(
        key=_fingerprint(request.method, request.url, request.content or b""),
        url=str(reply.url),
        header=offer.header,
        proof=offer.seal(authorization, signature),
        payment=_payment(offer.dialect, offer.amount, network.id, offer.pay_to),
        reserved=reserved,
        valid_until=now + offer.lifetime,
    )


def _payment(dialect: str, amount: int, network: str, pay_to: str, transaction: str | None = None) -> Payment:
    usdc = Decimal(amount) / MICRO
    return Payment(dialect=dialect, amount=usdc, network=network, pay_to=pay_to, transaction=transaction)


def _by_agentpay(state: PayingState, request: Send, reply: Reply, limit: int) -> Purchase:
    """The cheapest acceptable offer alone is shown to AgentPay, so that it can pay no other."""
    offers: list[tuple[int, Any]] = []
    refusals: list[OfferNotAcceptable] = []
    try:
        required = from_base64(reply.headers["payment-required"])
        for accepted in required["accepts"][:64]:
            try:
                if accepted["scheme"] != "exact":
                    raise refuse("unknown_scheme", f"Scheme {accepted['scheme']} is not known.")
                check_transfer(str(reply.url), state.allowed, accepted)
                offers.append((read_amount(accepted["amount"]), accepted))
            except OfferNotAcceptable as refusal:
                refusals.append(refusal)
    except (ValueError, TypeError, KeyError) as cause:
        raise refuse("malformed", "The PAYMENT-REQUIRED header is malformed.") from cause
    if not offers:
        raise refusals[0] if refusals else refuse("malformed", "The PAYMENT-REQUIRED header has no offer.")
    amount, accepted = min(offers, key=lambda offer: offer[0])
    reserved = state.reserve(amount, limit, _host(reply.url))
    return Purchase(
        key=_fingerprint(request.method, request.url, request.content or b""),
        url=str(reply.url),
        header="PAYMENT-SIGNATURE",
        proof=None,
        payment=_payment("x402v2", amount, accepted["network"], accepted["payTo"]),
        reserved=reserved,
        valid_until=math.inf,
        demand=to_base64({**required, "accepts": [accepted]}),
        idempotency_key=f"py-{uuid4()}",
    )


def _deliver(state: PayingState, request: Send, purchase: Purchase) -> Flow[httpx.Response]:
    """Sends the proof until there is a response; a purchase without one is kept for the next request for the same."""
    ended = False
    try:
        if purchase.proof is None:
            try:
                purchase = yield from _ask_agentpay(state, request, purchase)
            except _Unpaid as unpaid:
                ended = True
                raise unpaid.error from None
        reply = yield from _send_proof(request, purchase)
        # Any other failure of the server may have come before it saw the proof.
        ended = reply.status < 500 and reply.status not in (408, 425, 429) and not _is_later(reply)
        if reply.status == 402:
            reason = _reason(reply)
            raise PaymentRefused(_refusal(state, purchase, reason, reply), reason=reason, status=402)
        return reply.as_response({PAYMENT: _with_receipt(purchase.payment, reply)})
    finally:
        if not ended:
            state.park(purchase)


def _refusal(state: PayingState, purchase: Purchase, reason: str | None, reply: Reply) -> str:
    payer = state.paying.account.address if state.paying.account else None
    return describe_refusal(reason, reply.content, payer, purchase.payment.network, purchase.reserved.amount)


class _Unpaid(Exception):
    def __init__(self, error: Exception) -> None:
        self.error = error


def _ask_agentpay(state: PayingState, request: Send, purchase: Purchase) -> Flow[Purchase]:
    given = {"paymentRequired": purchase.demand, "url": purchase.url, "method": request.method}
    try:
        paid = yield from _calling.call(
            state.settings,
            OPERATIONS["pay.payments.create"],
            PaymentsCreateResponse,
            given,
            idempotency_key=purchase.idempotency_key,
            timeout=state.paying.attempt_timeout,
        )
    except ApiError as error:
        # A payment that may still go through keeps its money reserved; the same key asks for it again.
        if isinstance(error, ServerError) or error.status in (409, 429) or error.reason.endswith(("unresolved", "in_progress")):
            raise
        state.budget.release(purchase.reserved)
        raise _Unpaid(error) from error
    payment = replace(purchase.payment, transaction=paid.transaction)
    return replace(purchase, proof=paid.payment_signature, payment=payment)


def _send_proof(request: Send, purchase: Purchase) -> Flow[Reply]:
    # Redirects are not followed: a proof goes to nobody but the one who asked for it.
    proof = purchase.proof or ""
    sent = replace(request, url=purchase.url, headers={**request.headers, purchase.header: proof})
    for attempt in range(_MAX_ATTEMPTS):
        outcome = yield sent
        backoff = min(0.25 * 2.0**attempt, 8.0)
        last = attempt == _MAX_ATTEMPTS - 1
        if isinstance(outcome, Reply):
            if last or not _is_later(outcome):
                return outcome
            backoff = max(backoff, _calling.retry_after(outcome) or 0.0)
        if last or time.time() + backoff >= purchase.valid_until:
            break
        yield Sleep(backoff)
    error = outcome.error if isinstance(outcome, Failure) else None
    raise PaymentUnresolved(
        "The seller gave no response to a payment.", hint="Fetch the same again with the same client: it sends the same proof."
    ) from error


def _is_later(reply: Reply) -> bool:
    asked = _calling.retry_after(reply)
    return reply.status in (409, 429, 503) and asked is not None and asked <= _calling.MAX_WAIT


def _reason(reply: Reply) -> str | None:
    """The code that a 402 after a payment gives for its refusal, wherever its language puts it."""
    settled = _members(lambda: from_base64(reply.headers.get("payment-response") or reply.headers["x-payment-response"]))
    demand = _members(lambda: from_base64(reply.headers["payment-required"]))
    written = _members(lambda: json.loads(reply.content))
    codes = [settled.get("errorReason"), written.get("code"), demand.get("error"), written.get("error"), written.get("type")]
    code = next((one for one in codes if isinstance(one, str) and one), None)
    return None if code is None else re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", code)[:200]


def _members(read: Callable[[], Any]) -> dict[str, Any]:
    try:
        found = read()
    except (KeyError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _with_receipt(payment: Payment, reply: Reply) -> Payment:
    for name, member in (("payment-response", "transaction"), ("x-payment-response", "transaction"), ("payment-receipt", "reference")):
        try:
            transaction = from_base64(reply.headers[name]).get(member)
            if isinstance(transaction, str) and transaction:
                return replace(payment, transaction=transaction)
        except (KeyError, ValueError, AttributeError):
            continue
    return payment

