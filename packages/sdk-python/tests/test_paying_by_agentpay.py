"""A fetch for which AgentPay pays, by `POST /v1/pay`: what is asked of it, and what becomes of the limits."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from test_paying import OFFER

from agentpay import (
    AgentPay,
    BudgetExceeded,
    OfferNotAcceptable,
    OutcomeUnknown,
    PaymentRefused,
    PaymentRequired,
    Paying,
    payment_of,
)

PAID = {
    "paymentSignature": "c2lnbmVk",
    "transaction": "0xab",
    "transactionId": "tx_01kb3x9v7f5m2q8r4t6w0y1z3e",
    "network": "eip155:84532",
    "amount": "0.01",
    "payer": "0x1",
}


def required(*offers: Any) -> str:
    return base64.b64encode(json.dumps({"x402Version": 2, "resource": {"url": "x"}, "accepts": offers}).encode()).decode()


class World:
    """A seller and AgentPay."""

    def __init__(self, pay: Callable[[int], httpx.Response], offers: tuple[Any, ...] = (OFFER,), refuses: bool = False) -> None:
        self.asked: list[httpx.Request] = []
        self.proofs: list[str] = []
        self.pay, self.offers, self.refuses = pay, offers, refuses

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "pay.test":
            assert request.headers["x-api-key"] == "ap_key"
            self.asked.append(request)
            return self.pay(len(self.asked))
        assert "x-api-key" not in request.headers
        proof = request.headers.get("payment-signature")
        if proof:
            self.proofs.append(proof)
        if proof is None or self.refuses:
            return httpx.Response(402, headers={"payment-required": required(*self.offers)})
        return httpx.Response(200, json={"sky": "blue"})

    def client(self, **limits: Any) -> AgentPay:
        http = httpx.Client(transport=httpx.MockTransport(self.handle))
        paying = Paying(**limits)
        return AgentPay("https://pay.test", api_key="ap_key", paying=paying, http=http, sleep=lambda _: None)


def refusal(status: int, code: str) -> httpx.Response:
    told = {"code": code, "reason": code, "message": "No.", "hint": "Ask.", "request_id": "req_1"}
    return httpx.Response(status, json={"error": told, "code": code})


def paid(_: int = 0) -> httpx.Response:
    return httpx.Response(200, json=PAID)


def test_agentpay_is_shown_the_cheapest_acceptable_offer_alone() -> None:
    dear, foreign = {**OFFER, "amount": "50000"}, {**OFFER, "network": "eip155:1", "amount": "1"}
    world = World(paid, (dear, foreign, OFFER))
    client = world.client()
    response = client.fetch("https://shop.test/x")
    assert response.json() == {"sky": "blue"}
    body = json.loads(world.asked[0].content)
    assert json.loads(base64.b64decode(body["paymentRequired"]))["accepts"] == [OFFER]
    assert (body["url"], body["method"], world.proofs) == ("https://shop.test/x", "GET", ["c2lnbmVk"])
    payment = payment_of(response)
    assert payment and (payment.amount, payment.transaction) == (Decimal("0.01"), "0xab")
    assert client.spent() == Decimal("0.01")


def test_nothing_above_a_limit_is_asked_for() -> None:
    world = World(paid)
    with pytest.raises(BudgetExceeded):
        world.client(max_per_request="0.005").fetch("https://shop.test/x")
    with pytest.raises(OfferNotAcceptable):
        world.client(hosts=("other.test",)).fetch("https://shop.test/x")
    assert not world.asked


def test_a_payment_that_was_refused_costs_nothing() -> None:
    world = World(lambda _: refusal(402, "policy_denied"))
    client = world.client(max_total="0.01")
    for _ in range(2):
        with pytest.raises(PaymentRequired) as refused:
            client.fetch("https://shop.test/x")
        assert refused.value.reason == "policy_denied"
    assert client.spent() == 0
    assert len({request.headers["idempotency-key"] for request in world.asked}) == 2


def test_a_payment_whose_outcome_is_unknown_is_asked_for_again_by_the_same_key() -> None:
    world = World(lambda times: paid() if times > 3 else httpx.Response(502))
    client = world.client(max_total="0.01")
    with pytest.raises(OutcomeUnknown):
        client.fetch("https://shop.test/x")
    assert client.spent() == Decimal("0.01")
    assert client.fetch("https://shop.test/x").status_code == 200
    assert len({request.headers["idempotency-key"] for request in world.asked}) == 1
    assert (len(world.asked), client.spent()) == (4, Decimal("0.01"))


def test_a_seller_that_asks_again_is_not_paid_again() -> None:
    world = World(paid, refuses=True)
    with pytest.raises(PaymentRefused):
        world.client().fetch("https://shop.test/x")
    assert (len(world.asked), len(world.proofs)) == (1, 1)
