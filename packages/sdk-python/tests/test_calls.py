"""Calls of the real API."""

import asyncio
from datetime import datetime
from decimal import Decimal

import httpx
import pytest
from conftest import wallet_of

from agentpay import AgentPay, AsyncAgentPay, InvalidRequest, NotFound, OutcomeUnknown, PaymentRequired, RateLimited, Unauthorized


def test_money_comes_as_decimal_and_times_as_datetime(agent: AgentPay) -> None:
    wallet = wallet_of(agent)
    paid = agent.payments.create(from_wallet_id=wallet, to_external="merchant:demo", amount=Decimal("0.1"))
    assert (paid.amount, paid.status) == (Decimal("0.1"), "completed")
    assert isinstance(paid.created_at, datetime) and paid.created_at.tzinfo is not None
    assert agent.wallets.balance(wallet_id=wallet).balance == Decimal("5") - paid.total_debited


def test_a_refusal_is_an_error_with_code_hint_and_request_id(agent: AgentPay) -> None:
    wallet = wallet_of(agent)
    with pytest.raises(PaymentRequired) as refused:
        agent.payments.create(from_wallet_id=wallet, to_external="merchant:demo", amount="1000")
    error = refused.value
    assert (error.code, error.reason, error.status) == ("AP-1001", "insufficient_funds", 402)
    assert error.hint and error.request_id
    with pytest.raises(InvalidRequest) as wrong:
        agent.wallets.balance(wallet_id="nothing")
    assert wrong.value.param == "wallet_id"
    with pytest.raises(NotFound):
        agent.wallets.balance(wallet_id="wallet_01kb3x9v7f5m2q8r4t6w0y1z3b")
    with AgentPay(str(agent._state.settings.url)) as nobody, pytest.raises(Unauthorized):
        nobody.payments.list()


def test_a_float_is_no_money(agent: AgentPay) -> None:
    with pytest.raises(InvalidRequest, match="amount"):
        agent.payments.create(from_wallet_id="wallet_x", amount=0.1)  # type: ignore[arg-type]


def test_pages_are_turned(agent: AgentPay) -> None:
    wallet = wallet_of(agent)
    made = [agent.payments.create(from_wallet_id=wallet, to_external="merchant:demo", amount="0.01").id for _ in range(5)]
    # Made at the same moment, they have no order.
    assert sorted(one.id for one in agent.payments.iterate(limit=2)) == sorted(made)
    assert [one.id for one in agent.payments.iterate(limit=2, status="failed")] == []


def test_the_async_client_does_the_same(agent: AgentPay) -> None:
    wallet = wallet_of(agent)

    async def work() -> None:
        settings = agent._state.settings
        async with AsyncAgentPay(settings.url, api_key=settings.keys["agent"]) as client:
            pay = client.payments.create
            await asyncio.gather(*(pay(from_wallet_id=wallet, to_external="merchant:demo", amount="0.01") for _ in range(5)))
            assert len([one async for one in client.payments.iterate(limit=2)]) == 5
            with pytest.raises(NotFound):
                await client.wallets.balance(wallet_id="wallet_01kb3x9v7f5m2q8r4t6w0y1z3b")

    asyncio.run(work())


class Lossy(httpx.BaseTransport):
    """Delivers requests and loses the first responses."""

    def __init__(self, losses: int) -> None:
        self.real = httpx.HTTPTransport()
        self.losses = losses
        self.keys: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("idempotency-key", ""))
        response = self.real.handle_request(request)
        if len(self.keys) <= self.losses:
            response.read()
            raise httpx.ReadError("lost", request=request)
        return response


def lossy(agent: AgentPay, losses: int) -> tuple[AgentPay, Lossy, list[float]]:
    transport, waits = Lossy(losses), list[float]()
    settings = agent._state.settings
    http = httpx.Client(transport=transport)
    return AgentPay(settings.url, api_key=settings.keys["agent"], http=http, sleep=waits.append), transport, waits


def test_a_call_whose_responses_are_lost_takes_effect_once(agent: AgentPay) -> None:
    wallet = wallet_of(agent)
    client, transport, waits = lossy(agent, 2)
    paid = client.payments.create(from_wallet_id=wallet, to_external="merchant:demo", amount=1)
    assert len(transport.keys) == 3 and len(set(transport.keys)) == 1
    assert waits == [0.25, 0.5]
    assert [one.id for one in agent.payments.list().payments] == [paid.id]


def test_what_is_not_known_is_said_and_a_repeat_by_the_same_key_gives_the_outcome(agent: AgentPay) -> None:
    wallet = wallet_of(agent)
    client, transport, _ = lossy(agent, 3)
    with pytest.raises(OutcomeUnknown):
        client.payments.create(from_wallet_id=wallet, to_external="m:1", amount=1, idempotency_key="mine")
    again = client.payments.create(from_wallet_id=wallet, to_external="m:1", amount=1, idempotency_key="mine")
    assert transport.keys == ["mine"] * 4
    assert [one.id for one in agent.payments.list().payments] == [again.id]


def test_a_call_that_must_not_be_repeated_is_not(agent: AgentPay) -> None:
    client, transport, waits = lossy(agent, 1)
    with pytest.raises(OutcomeUnknown):
        client.agents.create(name="Once")
    assert (len(transport.keys), waits) == (1, [])


def answering(*replies: httpx.Response) -> tuple[AgentPay, list[float], list[httpx.Request]]:
    waits, seen, waiting = list[float](), list[httpx.Request](), list(replies)

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return waiting.pop(0)

    http = httpx.Client(transport=httpx.MockTransport(handle))
    return AgentPay("http://api.test", api_key="gw_live_x", http=http, sleep=waits.append), waits, seen


def test_who_is_told_to_wait_waits_and_a_long_wait_is_the_callers() -> None:
    later = [httpx.Response(429, headers={"retry-after": "7"}, json={}) for _ in range(3)]
    client, waits, _ = answering(*later)
    with pytest.raises(RateLimited) as refused:
        client.gateway.listings.list()
    assert (waits, refused.value.retry_after) == ([7.0, 7.0], 7.0)
    client, waits, _ = answering(httpx.Response(429, headers={"retry-after": "3600"}, json={}))
    with pytest.raises(RateLimited):
        client.gateway.listings.list()
    assert waits == []


def test_the_key_of_the_kind_that_an_endpoint_takes_is_sent_and_no_other() -> None:
    client, _, seen = answering(*[httpx.Response(200, content=b"no JSON") for _ in range(2)])
    with pytest.raises(OutcomeUnknown):
        client.gateway.gateways.balance()
    with pytest.raises(OutcomeUnknown):
        client.payments.list()
    assert seen[0].headers["x-gateway-key"] == "gw_live_x"
    assert not {"authorization", "x-gateway-key"} & set(seen[1].headers)


def test_a_response_that_is_too_long_is_no_response() -> None:
    client, _, _ = answering(*[httpx.Response(200, content=b" " * (5 << 20)) for _ in range(3)])
    with pytest.raises(OutcomeUnknown):
        client.gateway.listings.list()


def test_unknown_fields_are_dropped_and_a_missing_one_is_no_response() -> None:
    page = {"agents": [], "total": 0, "next_cursor": None, "new": 1}
    client, _, _ = answering(httpx.Response(200, json=page), httpx.Response(200, json={}))
    assert client.gateway.listings.list().total == 0
    with pytest.raises(OutcomeUnknown):
        client.gateway.listings.list()


def test_a_stream_is_read_to_its_end() -> None:
    text = 'id: evt_1\ndata: {"type":"payment","amount":0.1}\n\n: still here\n\ndata: {"type":"approval"}\n\n'
    client, _, seen = answering(httpx.Response(200, text=text, headers={"content-type": "text/event-stream"}))
    read = client.buyer.events.stream(id="agent_x", seconds="0")
    assert [event["type"] for event in read.events] == ["payment", "approval"]
    assert seen[0].headers["accept"].startswith("text/event-stream")
