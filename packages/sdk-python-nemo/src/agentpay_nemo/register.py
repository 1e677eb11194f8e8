"""Registers the functions with the NeMo Agent Toolkit, which finds this module by its entry point."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from nat.plugin_api import Builder, FunctionBaseConfig, FunctionInfo, register_function

from .functions import Functions, client_from

_shared: dict[tuple[str, str, str], Functions] = {}


class AgentPayConfig(FunctionBaseConfig):
    """Settings that all functions have; functions with the same settings share one client and its limits."""

    url: str = "http://127.0.0.1:3100"
    max_per_request: str = "1"
    max_total: str = "10"


class FetchConfig(AgentPayConfig, name="agentpay_fetch"):
    """Fetches what costs money."""


class BalanceConfig(AgentPayConfig, name="agentpay_balance"):
    """Reads a wallet."""


class PayConfig(AgentPayConfig, name="agentpay_pay"):
    """Pays from a wallet."""


def functions_of(config: AgentPayConfig) -> Functions:
    settings = (config.url, config.max_per_request, config.max_total)
    if settings not in _shared:
        url, max_per_request, max_total = settings
        client = client_from(os.environ, url=url, max_per_request=max_per_request, max_total=max_total)
        _shared[settings] = Functions(client)
    return _shared[settings]


def _info(function: Callable[..., Coroutine[Any, Any, str]]) -> Any:
    return FunctionInfo.from_fn(function, description=function.__doc__)


@register_function(config_type=FetchConfig)
async def agentpay_fetch(config: FetchConfig, _builder: Builder) -> AsyncIterator[Any]:
    yield _info(functions_of(config).fetch)


@register_function(config_type=BalanceConfig)
async def agentpay_balance(config: BalanceConfig, _builder: Builder) -> AsyncIterator[Any]:
    yield _info(functions_of(config).balance)


@register_function(config_type=PayConfig)
async def agentpay_pay(config: PayConfig, _builder: Builder) -> AsyncIterator[Any]:
    yield _info(functions_of(config).pay)
