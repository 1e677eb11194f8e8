"""What a client may spend, and what it has promised. Amounts are base units of USDC, which has six decimals on every known network."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from .errors import BudgetExceeded

MICRO = 1_000_000
_DAY_MINUTES = 24 * 60


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Those that are None are none."""

    per_request: int
    total: int
    per_host: int | None = None
    """Of all requests to one host."""
    per_day: int | None = None
    """Of any 24 hours, to the minute."""


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """An amount set aside."""

    amount: int
    host: str
    at: float


@dataclass(kw_only=True)
class Budget:
    """Counts what is promised. Safe to use from several threads: requests in parallel cannot pass a limit together."""

    limits: Limits
    now: Callable[[], float] = time.time
    spent: int = 0
    hosts: dict[str, int] = field(default_factory=dict)
    minutes: dict[int, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(self, amount: int, limit: int, host: str) -> Reservation:
        """Sets the amount aside, at once. Raises BudgetExceeded: per_request, per_host, per_day or total."""
        limits, now = self.limits, self.now()
        with self.lock:
            _check("per_request", amount, limit, "that one request may cost")
            if limits.per_host is not None:
                _check("per_host", amount, limits.per_host - self.hosts.get(host, 0), f"left for {host}")
            if limits.per_day is not None:
                _check("per_day", amount, limits.per_day - self._last_day(now), "left for these 24 hours")
            _check("total", amount, limits.total - self.spent, "left of the budget")
            reservation = Reservation(amount=amount, host=host, at=now)
            self._count(reservation, amount)
            return reservation

    def release(self, reservation: Reservation) -> None:
        """Gives the amount back: only when nothing can be paid of it."""
        with self.lock:
            self._count(reservation, -reservation.amount)

    def _count(self, reservation: Reservation, amount: int) -> None:
        minute = int(reservation.at // 60)
        self.spent += amount
        self.hosts[reservation.host] = self.hosts.get(reservation.host, 0) + amount
        self.minutes[minute] = self.minutes.get(minute, 0) + amount

    def _last_day(self, now: float) -> int:
        first = int(now // 60) - _DAY_MINUTES
        # After a clock was set back, minutes that seem to come count as well.
        self.minutes = {minute: amount for minute, amount in self.minutes.items() if minute >= first}
        return sum(self.minutes.values())


def _check(reason: str, amount: int, limit: int, what: str) -> None:
    if amount > limit:
        raise BudgetExceeded(f"{usdc(amount)} USDC are above the {usdc(max(limit, 0))} {what}.", reason=reason)


def usdc(amount: int) -> str:
    return format((Decimal(amount) / MICRO).normalize(), "f")
