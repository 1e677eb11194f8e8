"""What the tests run against: the servers that the suite has started, by its environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import pytest

from agentpay import AgentPay

KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
"""Account 1 of every development chain."""
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@pytest.fixture(scope="session")
def api_url() -> str:
    return os.environ["AGENTPAY_URL"]


@pytest.fixture(scope="session")
def shop_url() -> str:
    """A seller that checks signatures and moves no money."""
    return os.environ["SHOP_URL"]


@pytest.fixture
def agent(api_url: str) -> Iterator[AgentPay]:
    """The client of an agent with five dollars."""
    with AgentPay(api_url) as anybody:
        made = anybody.agents.create(name="Python")
    with AgentPay(api_url, api_key=made.api_key) as client:
        client.wallets.fund(wallet_id=made.wallet_id, amount=5, source="test_faucet")
        WALLETS[client] = made.wallet_id
        yield client


WALLETS: WeakKeyDictionary[AgentPay, str] = WeakKeyDictionary()


def wallet_of(agent: AgentPay) -> str:
    return WALLETS[agent]
