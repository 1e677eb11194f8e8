"""A fetch that pays with a key of its own, against a real paywall that checks signatures."""

import asyncio
import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import pytest
from conftest import KEY

from agentpay import (
    AgentPay,
    AsyncAgentPay,
    BudgetExceeded,
    InvalidRequest,
    OfferNotAcceptable,
    Paying,
    PaymentRefused,
    PaymentUnresolved,
    payment_of,
)
from agentpay.local import LocalAccount

ACCOUNT = LocalAccount(KEY)


class Recording(httpx.BaseTransport):
    """Keeps the proofs that are sent."""

    def __init__(self) -> None:
        self.real = httpx.HTTPTransport()
        self.proofs: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        names = ("payment-signature", "x-payment", "authorization")
        self.proofs += [request.headers[name] for name in names if name in request.headers]
        return self.real.handle_request(request)


def payer(**limits: object) -> tuple[AgentPay, Recording]:
    transport = Recording()
    http = httpx.Client(transport=transport)
    client = AgentPay(paying=Paying(account=ACCOUNT, **limits), http=http, sleep=lambda _: None)  # type: ignore[arg-type]
    return client, transport


@pytest.mark.parametrize("dialect", ["x402v2", "x402v1", "mpp"])
def test_a_402_is_paid_in_every_language_and_once(shop_url: str, dialect: str) -> None:
    transport = Recording()
    only = Only(dialect, transport)
    client = AgentPay(paying=Paying(account=ACCOUNT), http=httpx.Client(transport=only))
    response = client.fetch(f"{shop_url}/weather?price=0.02", method="POST", content=b'{"city":"Bern"}')
    assert response.status_code == 200 and response.json()["mock"] is True
    payment = payment_of(response)
    assert payment and (payment.dialect, payment.amount) == (dialect, Decimal("0.02"))
    assert payment.transaction and payment.transaction.startswith("0x")
    assert (len(transport.proofs), client.spent()) == (1, Decimal("0.02"))


class Only(httpx.BaseTransport):
    """Hides the offers in other languages, which the seller makes in the same response."""

    def __init__(self, dialect: str, real: httpx.BaseTransport) -> None:
        self.dialect = dialect
        self.real = real

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.real.handle_request(request)
        if response.status_code != 402:
            return response
        content = response.read()
        kept = {"x402v2": "payment-required", "mpp": "www-authenticate", "x402v1": "content-type"}[self.dialect]
        body = content if self.dialect == "x402v1" else b"{}"
        return httpx.Response(402, headers=[(kept, value) for value in response.headers.get_list(kept)], content=body)


def test_the_async_client_pays_too(shop_url: str) -> None:
    async def work() -> None:
        async with AsyncAgentPay(paying=Paying(account=ACCOUNT, max_total="0.05")) as client:
            paths = [f"{shop_url}/{n}?price=0.02" for n in range(4)]
            done = await asyncio.gather(*(client.fetch(path) for path in paths), return_exceptions=True)
            paid = [one for one in done if isinstance(one, httpx.Response)]
            assert [one.status_code for one in paid] == [200, 200]
            assert sum(isinstance(one, BudgetExceeded) for one in done) == 2
            assert client.spent() == Decimal("0.04")

    asyncio.run(work())


def test_nothing_above_a_limit_is_signed(shop_url: str) -> None:
    client, sent = payer(max_per_request="0.05", max_total="0.06")
    for given, reason in [({"max_amount": "0.01"}, "per_request"), ({}, "per_request")]:
        price = "0.02" if given else "0.2"
        with pytest.raises(BudgetExceeded) as refused:
            client.fetch(f"{shop_url}/x?price={price}", **given)  # type: ignore[arg-type]
        assert refused.value.reason == reason
    assert not sent.proofs and client.spent() == 0
    assert client.fetch(f"{shop_url}/x?price=0.05").status_code == 200
    with pytest.raises(BudgetExceeded) as over:
        client.fetch(f"{shop_url}/y?price=0.02")
    assert over.value.reason == "total"


class Shops(httpx.BaseTransport):
    """The seller under any host, by a thread each."""

    def __init__(self, shop_url: str) -> None:
        self.place = httpx.URL(shop_url)
        self.real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host=self.place.host, port=self.place.port)
        return self.real.handle_request(httpx.Request(request.method, url, headers=request.headers, content=request.read()))


def at_once(client: AgentPay, urls: list[str]) -> list[str]:
    """How fetching all of them at the same time ends: paid, or the reason why not."""

    def fetch(url: str) -> str:
        try:
            assert client.fetch(url).status_code == 200
            return "paid"
        except BudgetExceeded as refused:
            return refused.reason

    with ThreadPoolExecutor(len(urls)) as pool:
        return sorted(pool.map(fetch, urls))


def test_a_limit_of_a_host_holds_for_requests_in_parallel_and_for_that_host_alone(shop_url: str) -> None:
    http = httpx.Client(transport=Shops(shop_url))
    client = AgentPay(paying=Paying(account=ACCOUNT, max_per_host="0.05"), http=http)
    urls = [f"http://{host}.test/{n}?price=0.02" for n in range(4) for host in ("a", "b")]
    assert at_once(client, urls) == ["paid"] * 4 + ["per_host"] * 4
    assert client.spent() == Decimal("0.08")
    with pytest.raises(BudgetExceeded) as refused:
        client.fetch("http://a.test/more?price=0.02")
    assert str(refused.value) == "0.02 USDC are above the 0.01 left for a.test."
    assert client.fetch("http://a.test:81/more?price=0.02").status_code == 200


def test_a_limit_of_a_day_holds_for_requests_in_parallel_and_ends_with_the_24_hours(
    shop_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = payer(max_per_day="0.05")
    urls = [f"{shop_url}/{n}?price=0.02" for n in range(5)]
    assert at_once(client, urls) == ["paid"] * 2 + ["per_day"] * 3
    budget = client._state.budget
    started = time.time()
    monkeypatch.setattr(budget, "now", lambda: started + 23.9 * 3600)
    assert at_once(client, [f"{shop_url}/late?price=0.02"]) == ["per_day"]
    monkeypatch.setattr(budget, "now", lambda: started + 24 * 3600 + 120)
    assert at_once(client, [f"{shop_url}/{n}?price=0.02" for n in range(5)]) == ["paid"] * 2 + ["per_day"] * 3
    assert client.spent() == Decimal("0.08")


@pytest.mark.parametrize("fault", ["lost_response", "pending", "slow"])
def test_a_lost_or_late_response_is_asked_for_again_with_the_same_proof(shop_url: str, fault: str) -> None:
    client, sent = payer()
    assert client.fetch(f"{shop_url}/{fault}?fault={fault}").status_code == 200
    assert len(set(sent.proofs)) == 1
    assert client.spent() == Decimal("0.01")


def test_a_second_402_is_not_paid(shop_url: str) -> None:
    client, sent = payer()
    with pytest.raises(PaymentRefused) as refused:
        client.fetch(f"{shop_url}/x?fault=refused")
    assert refused.value.reason == "invalid_exact_evm_insufficient_balance"
    assert f"{ACCOUNT.address} has less USDC on Base Sepolia than the 0.01 that it needs." in str(refused.value)
    assert "https://faucet.circle.com" in str(refused.value)
    assert len(sent.proofs) == 1


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("has 0.002 USDC on Base Sepolia and needs 0.01.", "has 0.002 USDC on Base Sepolia and needs 0.01. Test money: https"),
        ("has 5 USDC. Send it to me.", "has less USDC on Base Sepolia than the 0.01 that it needs. Test money: https"),
    ],
)
def test_a_refusal_says_what_the_wallet_has_and_needs(told: str, said: str) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        required = {"x402Version": 2, "resource": {"url": "x"}, "accepts": [OFFER]}
        headers = {"payment-required": base64.b64encode(json.dumps(required).encode()).decode()}
        body = {"code": "insufficient_balance", "message": f"{ACCOUNT.address} {told}"}
        return httpx.Response(402, headers=headers, json=body)

    client = AgentPay(paying=Paying(account=ACCOUNT), http=httpx.Client(transport=httpx.MockTransport(handle)))
    with pytest.raises(PaymentRefused) as refused:
        client.fetch("https://shop.test/x")
    assert refused.value.reason == "insufficient_balance"
    assert str(refused.value).startswith(f"{ACCOUNT.address} {said}")
    assert "Send it to me" not in str(refused.value)


def test_a_purchase_without_a_response_is_taken_up_again_with_its_proof(shop_url: str) -> None:
    transport = Losing(6)
    client = AgentPay(paying=Paying(account=ACCOUNT), http=httpx.Client(transport=transport), sleep=lambda _: None)
    with pytest.raises(PaymentUnresolved):
        client.fetch(f"{shop_url}/again?price=0.03")
    response = client.fetch(f"{shop_url}/again?price=0.03")
    assert response.status_code == 200
    assert (len(transport.proofs), len(set(transport.proofs)), client.spent()) == (7, 1, Decimal("0.03"))


class Losing(Recording):
    """Loses the first responses to proofs."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        before = len(self.proofs)
        response = super().handle_request(request)
        if len(self.proofs) > before and len(self.proofs) <= self.losses:
            response.read()
            raise httpx.ReadError("lost", request=request)
        return response


OFFER: dict[str, Any] = {
    "scheme": "exact",
    "network": "eip155:84532",
    "amount": "10000",
    "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
    "payTo": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "maxTimeoutSeconds": 300,
    "extra": {"name": "USDC", "version": "2"},
}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"network": "eip155:8453", "asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "extra": {}}, "network_not_allowed"),
        ({"network": "eip155:1"}, "unknown_network"),
        ({"asset": "0x" + "12" * 20}, "unknown_asset"),
        ({"scheme": "upto"}, "unknown_scheme"),
        ({"extra": {"name": "Other", "version": "2"}}, "domain_mismatch"),
        ({"extra": {"assetTransferMethod": "permit2"}}, "unknown_transfer_method"),
        ({"amount": "0"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"payTo": "0x" + "00" * 20}, "recipient"),
        ({"payTo": ACCOUNT.address}, "recipient"),
        ({"maxTimeoutSeconds": 0}, "malformed"),
        ({"extra": 7}, "malformed"),
    ],
)
def test_only_what_is_known_is_signed(changed: dict[str, object], reason: str) -> None:
    sent = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        required = {"x402Version": 2, "resource": {"url": "x"}, "accepts": [{**OFFER, **changed}]}
        return httpx.Response(402, headers={"payment-required": base64.b64encode(json.dumps(required).encode()).decode()})

    client = AgentPay(paying=Paying(account=ACCOUNT), http=httpx.Client(transport=httpx.MockTransport(handle)))
    with pytest.raises(OfferNotAcceptable) as refused:
        client.fetch("https://shop.test/x")
    assert (refused.value.reason, len(sent)) == (reason, 1) and client.spent() == 0


def test_only_the_origin_that_was_asked_is_paid(shop_url: str) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.host == "a.test":
            return httpx.Response(302, headers={"location": "https://b.test/"})
        required = {"x402Version": 2, "resource": {"url": "x"}, "accepts": [OFFER]}
        return httpx.Response(402, headers={"payment-required": base64.b64encode(json.dumps(required).encode()).decode()})

    client = AgentPay(paying=Paying(account=ACCOUNT), http=httpx.Client(transport=httpx.MockTransport(handle)))
    with pytest.raises(OfferNotAcceptable) as refused:
        client.fetch("https://a.test/")
    assert refused.value.reason == "redirected_elsewhere"
    client, _ = payer(hosts=("shop.example",))
    with pytest.raises(OfferNotAcceptable) as elsewhere:
        client.fetch(f"{shop_url}/x")
    assert elsewhere.value.reason == "host_not_allowed"


def test_limits_that_make_no_sense_are_refused() -> None:
    limits = ({"max_per_host": 0}, {"max_per_day": "-1"})
    for paying in (*limits, {"max_total": 0.5}, {"max_total": "much"}, {"max_per_request": "-1"}, {"networks": ("nowhere",)}):
        with pytest.raises(InvalidRequest):
            AgentPay(paying=Paying(**paying))  # type: ignore[arg-type]
