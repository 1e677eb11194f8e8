"""What is sent, and what becomes of it. Flows say what to send next; a driver, sync or async, sends it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, Union

import httpx

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Send:
    """Send this request and read the whole response, within the time and the size."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    timeout: float
    max_bytes: int
    follow_redirects: bool = False


@dataclass(frozen=True)
class Sleep:
    """Wait."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A response that arrived whole."""

    status: int
    headers: httpx.Headers
    content: bytes
    url: httpx.URL
    request: httpx.Request = field(repr=False)
    redirected: bool

    def as_response(self, extensions: Mapping[str, Any] | None = None) -> httpx.Response:
        """As programs know it. The content is decoded already."""
        kept = [(name, value) for name, value in self.headers.multi_items() if name.lower() not in _ENCODING]
        return httpx.Response(
            self.status, headers=kept, content=self.content, request=self.request, extensions=dict(extensions or {})
        )


_ENCODING = ("content-encoding", "content-length", "transfer-encoding")


@dataclass(frozen=True)
class Failure:
    """No response. `sent`: the request may have arrived all the same."""

    error: Exception
    sent: bool


class TooLarge(httpx.HTTPError):
    """The response has more bytes than are read."""


Step = Union[Send, Sleep]
Flow = Generator[Step, Union[Reply, Failure, None], T]

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


def failure(error: Exception) -> Failure:
    return Failure(error, not isinstance(error, _UNSENT))


@dataclass
class Collector:
    """The bytes of a response, up to a size and a time."""

    deadline: float
    max_bytes: int
    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > self.max_bytes:
            raise TooLarge(f"The response has more than {self.max_bytes} bytes.")
        if time.monotonic() > self.deadline:
            raise httpx.ReadTimeout("The response did not end in time.")
        self.parts.append(part)


def _reply(response: httpx.Response, collector: Collector) -> Reply:
    return Reply(
        status=response.status_code,
        headers=response.headers,
        content=b"".join(collector.parts),
        url=response.url,
        request=response.request,
        redirected=len(response.history) > 0,
    )


def run(http: httpx.Client, sleep: Callable[[float], None], flow: Flow[T]) -> T:
    """Carries a flow out."""
    outcome: Reply | Failure | None = None
    while True:
        try:
            step = flow.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        if isinstance(step, Sleep):
            sleep(step.seconds)
            outcome = None
        else:
            outcome = _send(http, step)


def _send(http: httpx.Client, step: Send) -> Reply | Failure:
    collector = Collector(time.monotonic() + step.timeout, step.max_bytes)
    try:
        with http.stream(
            step.method,
            step.url,
            headers=dict(step.headers),
            content=step.content,
            timeout=step.timeout,
            follow_redirects=step.follow_redirects,
        ) as response:
            for part in response.iter_bytes():
                collector.add(part)
            return _reply(response, collector)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return failure(error)


async def run_async(http: httpx.AsyncClient, sleep: Callable[[float], Awaitable[None]], flow: Flow[T]) -> T:
    """As :func:`run`, in an event loop."""
    outcome: Reply | Failure | None = None
    while True:
        try:
            step = flow.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            if isinstance(step, Sleep):
                await sleep(step.seconds)
                outcome = None
            else:
                outcome = await _send_async(http, step)
        except asyncio.CancelledError:
            # The flow gives back or keeps what it holds.
            flow.close()
            raise


async def _send_async(http: httpx.AsyncClient, step: Send) -> Reply | Failure:
    collector = Collector(time.monotonic() + step.timeout, step.max_bytes)
    try:
        async with http.stream(
            step.method,
            step.url,
            headers=dict(step.headers),
            content=step.content,
            timeout=step.timeout,
            follow_redirects=step.follow_redirects,
        ) as response:
            async for part in response.aiter_bytes():
                collector.add(part)
            return _reply(response, collector)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return failure(error)
