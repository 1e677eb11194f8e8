"""What the generated modules are made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeVar, Union

Money = Union[Decimal, int, str]
"""Currency units, at most six decimals. A float is refused, because it cannot hold most amounts."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One endpoint."""

    id: str
    method: str
    path: str
    kind: str
    """json, page, redirect, text or stream."""
    auth: tuple[str, ...]
    """Kinds of credentials that open it, in the order in which they are looked for."""
    params: tuple[str, ...]
    query: tuple[str, ...]
    has_body: bool
    money: tuple[str, ...]
    """Fields that hold money."""
    idempotent: bool
    """It takes an idempotency key."""
    repeatable: bool
    """Sent again, it changes nothing more."""


class Caller(Protocol):
    """Carries operations out and waits for them."""

    def call(
        self,
        operation: Operation,
        result: type[T],
        given: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> T: ...

    def pages(
        self,
        operation: Operation,
        page: type[Any],
        given: Mapping[str, Any],
        *,
        items: str,
        timeout: float | None = None,
    ) -> Iterator[Any]: ...


class AsyncCaller(Protocol):
    """Carries operations out in an event loop."""

    async def call(
        self,
        operation: Operation,
        result: type[T],
        given: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> T: ...

    def pages(
        self,
        operation: Operation,
        page: type[Any],
        given: Mapping[str, Any],
        *,
        items: str,
        timeout: float | None = None,
    ) -> AsyncIterator[Any]: ...
