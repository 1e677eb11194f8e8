"""The clients."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, TypeVar

import httpx

from . import _calling, _exchange, _paying
from ._budget import Paying, Payment, paying_state
from ._generated import Api, AsyncApi
from ._limits import MICRO
from ._operation import Money, Operation
from ._version import VERSION
from .errors import InvalidRequest

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:3100"


def _settings(
    url: str, api_key: str | None, keys: Mapping[str, str] | None, timeout: float, max_retries: int
) -> _calling.Settings:
    if httpx.URL(url).scheme not in ("http", "https"):
        raise InvalidRequest("url must begin with http:// or https://.", param="url")
    return _calling.Settings(
        url=url,
        keys=_calling.read_keys(api_key, keys),
        timeout=timeout,
        max_retries=max_retries,
        user_agent=f"agentpay-python/{VERSION}",
    )


def payment_of(response: httpx.Response) -> Payment | None:
    """What a response was paid with; None when it was free."""
    payment: Payment | None = response.extensions.get(_paying.PAYMENT)
    return payment


class _Caller:
    def __init__(self, settings: _calling.Settings, http: httpx.Client, sleep: Callable[[float], None]) -> None:
        self._settings = settings
        self.http = http
        self.sleep = sleep

    def call(
        self,
        operation: Operation,
        result: type[T],
        given: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> T:
        flow = _calling.call(
            self._settings, operation, result, given, idempotency_key=idempotency_key, timeout=timeout
        )
        return _exchange.run(self.http, self.sleep, flow)

    def pages(
        self,
        operation: Operation,
        page: type[Any],
        given: Mapping[str, Any],
        *,
        items: str,
        timeout: float | None = None,
    ) -> Iterator[Any]:
        cursor: str | None = ""
        while cursor is not None:
            found = self.call(operation, page, {**given, "cursor": cursor}, timeout=timeout)
            yield from getattr(found, items)
            cursor = found.next_cursor


class _AsyncCaller:
    def __init__(
        self, settings: _calling.Settings, http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._settings = settings
        self.http = http
        self.sleep = sleep

    async def call(
        self,
        operation: Operation,
        result: type[T],
        given: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> T:
        flow = _calling.call(
            self._settings, operation, result, given, idempotency_key=idempotency_key, timeout=timeout
        )
        return await _exchange.run_async(self.http, self.sleep, flow)

    async def pages(
        self,
        operation: Operation,
        page: type[Any],
        given: Mapping[str, Any],
        *,
        items: str,
        timeout: float | None = None,
    ) -> AsyncIterator[Any]:
        cursor: str | None = ""
        while cursor is not None:
            found = await self.call(operation, page, {**given, "cursor": cursor}, timeout=timeout)
            for item in getattr(found, items):
                yield item
            cursor = found.next_cursor


class AgentPay(Api):
    """The AgentPay API, and a ``fetch`` that pays. Safe to use from several threads.

    :param api_key: a key of any kind, told by how it begins
    :param keys: keys by kind, such as ``{"gateway": "gw_live_…"}``, for a client that uses several
    :param timeout: seconds that one attempt of a call may take
    :param max_retries: how often a call is sent again where that is safe, under the same idempotency key
    :param paying: how ``fetch`` pays, and within which limits
    :param http: an httpx client of your own; it must not add credentials of its own
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        keys: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        paying: Paying | None = None,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        settings = _settings(url, api_key, keys, timeout, max_retries)
        self._state = paying_state(paying or Paying(), settings)
        self._owned = http is None
        self._http = _Caller(settings, http or httpx.Client(), sleep)
        super().__init__(self._http)

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        max_amount: Money | None = None,
    ) -> httpx.Response:
        """Sends a request and pays when the server asks for payment, at most `max_amount` USDC and within the client's limits.

        Raises PaymentError (BudgetExceeded and OfferNotAcceptable: nothing was paid; PaymentRefused; PaymentUnresolved: fetch the
        same again), ApiError where AgentPay pays and refuses, and httpx.HTTPError when there was no response before payment.
        """
        flow = _paying.fetch(self._state, method, url, headers, content, max_amount)
        return _exchange.run(self._http.http, self._http.sleep, flow)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, max_amount: Money | None = None) -> httpx.Response:
        """A GET by :meth:`fetch`."""
        return self.fetch(url, headers=headers, max_amount=max_amount)

    def spent(self) -> Decimal:
        """USDC that was promised by this client, whatever became of it."""
        return Decimal(self._state.budget.spent) / MICRO

    def close(self) -> None:
        """Closes the connections, unless the httpx client is the caller's."""
        if self._owned:
            self._http.http.close()

    def __enter__(self) -> AgentPay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncAgentPay(AsyncApi):
    """As :class:`AgentPay`, in an event loop of asyncio."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        keys: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        max_retries: int = 2,
        paying: Paying | None = None,
        http: httpx.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        settings = _settings(url, api_key, keys, timeout, max_retries)
        self._state = paying_state(paying or Paying(), settings)
        self._owned = http is None
        self._http = _AsyncCaller(settings, http or httpx.AsyncClient(), sleep)
        super().__init__(self._http)

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        max_amount: Money | None = None,
    ) -> httpx.Response:
        """As :meth:`AgentPay.fetch`."""
        flow = _paying.fetch(self._state, method, url, headers, content, max_amount)
        return await _exchange.run_async(self._http.http, self._http.sleep, flow)

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None, max_amount: Money | None = None) -> httpx.Response:
        """A GET by :meth:`fetch`."""
        return await self.fetch(url, headers=headers, max_amount=max_amount)

    def spent(self) -> Decimal:
        """USDC that was promised by this client, whatever became of it."""
        return Decimal(self._state.budget.spent) / MICRO

    async def close(self) -> None:
        """Closes the connections, unless the httpx client is the caller's."""
        if self._owned:
            await self._http.http.aclose()

    async def __aenter__(self) -> AsyncAgentPay:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
