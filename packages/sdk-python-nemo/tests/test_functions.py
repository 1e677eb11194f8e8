"""The functions against the real API and a real paywall."""

import asyncio
import json
import os
from collections.abc import Coroutine
from typing import Any

from agentpay import AgentPay
from agentpay_nemo import Functions, client_from

KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"


def functions(**env: str) -> Functions:
    return Functions(client_from(env, url=os.environ["AGENTPAY_URL"], max_per_request="0.05", max_total="1"))


def told(work: Coroutine[Any, Any, str]) -> Any:
    return json.loads(asyncio.run(work))


def test_a_page_that_costs_money_is_bought_within_the_limits() -> None:
    shop = os.environ["SHOP_URL"]
    bought = told(functions(AGENTPAY_PRIVATE_KEY=KEY).fetch(f"{shop}/x?price=0.02"))
    assert (bought["status"], bought["payment"]["amount"]) == (200, "0.02")
    dear = told(functions(AGENTPAY_PRIVATE_KEY=KEY).fetch(f"{shop}/x?price=0.02", "0.01"))
    assert (dear["error"]["code"], dear["error"]["reason"]) == ("budget_exceeded", "per_request")
    assert told(functions().fetch("http://127.0.0.1:1/"))["error"]["code"] == "unavailable"


def test_a_payment_is_made_once_by_its_key_and_a_refusal_is_told() -> None:
    with AgentPay(os.environ["AGENTPAY_URL"]) as anybody:
        made = anybody.agents.create(name="NeMo")
    with AgentPay(os.environ["AGENTPAY_URL"], api_key=made.api_key) as client:
        client.wallets.fund(wallet_id=made.wallet_id, amount=5, source="test_faucet")
    env = {"AGENTPAY_API_KEY": made.api_key}
    first = told(functions(**env).pay(made.wallet_id, "merchant:demo", "1", "k"))
    assert told(functions(**env).pay(made.wallet_id, "merchant:demo", "1", "k")) == first
    assert first["status"] == "completed"
    refused = told(functions(**env).pay(made.wallet_id, "merchant:demo", "1000", "l"))
    assert refused["error"]["reason"] == "insufficient_funds" and refused["error"]["hint"]
    assert told(functions(**env).pay(made.wallet_id, "m:1", "1", ""))["error"]["code"] == "invalid_request"
    assert float(told(functions(**env).balance(made.wallet_id))["balance"]) < 4
