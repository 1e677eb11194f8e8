"""The calls of the package and those of the API's definitions, name by name."""

import inspect
import json
import os
import re

import pytest

from agentpay import AgentPay, AsyncAgentPay
from agentpay._generated import OPERATIONS


def snake(name: str) -> str:
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


@pytest.mark.parametrize("make", [AgentPay, AsyncAgentPay])
def test_every_endpoint_is_a_method_under_its_name_and_nothing_else_is(make: type) -> None:
    client = make()
    expected = set(json.loads(os.environ["ENDPOINTS"]))
    assert len(expected) > 150
    named = set()
    for id in expected:
        family, noun, verb = map(snake, id.split("."))
        holder = client if family == "runtime" else getattr(client, family)
        assert callable(getattr(getattr(holder, noun), verb)), id
        named.add((family, noun, verb))
    found = set()
    families = {family for family, _, _ in named}
    for family in families:
        holder = client if family == "runtime" else getattr(client, family)
        for noun, calls in vars(holder).items():
            # Beside the nouns of the runtime API stand the other families.
            if not noun.startswith("_") and not (family == "runtime" and noun in families):
                methods = inspect.getmembers(calls, inspect.ismethod)
                found |= {(family, noun, name) for name, _ in methods if not name.startswith(("_", "iterate"))}
    assert found == named
    assert set(OPERATIONS) == expected
