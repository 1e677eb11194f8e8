"""The limits of a client, and what it has promised."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from . import _calling
from ._generated.networks import NETWORKS
from ._limits import MICRO, Budget, Limits, Reservation
from ._offers import Allowed
from ._operation import Money
from .errors import BudgetExceeded, InvalidRequest

MAX_PARKED = 1000


@dataclass(frozen=True, kw_only=True)
class Paying:
    """How a client pays, and within which limits.

    `account`: a :class:`agentpay.local.LocalAccount`; without one AgentPay pays, from the wallet of the key ``ap_…``.
    `max_per_host`: of all requests to one host; `max_per_day`: of any 24 hours; without them there is no such limit.
    `networks`: names or CAIP-2 ids; default: test networks, so that real money has to be named. `hosts`: who may be paid; default: anybody.
    """

    account: Any = None
    max_per_request: Money = "1"
    max_total: Money = "10"
    max_per_host: Money | None = None
    max_per_day: Money | None = None
    networks: tuple[str, ...] | None = None
    hosts: tuple[str, ...] | None = None
    attempt_timeout: float = 60.0
    max_response_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What a response was paid with."""

    dialect: str
    amount: Decimal
    """Of USDC."""
    network: str
    pay_to: str
    transaction: str | None
    """Hash of the transfer; as the seller claims it where this program signed."""


@dataclass(frozen=True, kw_only=True)
class Purchase:
    key: str
    url: str
    header: str
    proof: str | None
    """None: AgentPay is still to be asked for it, by `demand` under `idempotency_key`."""
    payment: Payment
    reserved: Reservation
    valid_until: float
    demand: str = ""
    idempotency_key: str = ""


@dataclass(kw_only=True)
class PayingState:
    """What a client has promised, and which of its purchases have no response yet."""

    paying: Paying
    settings: _calling.Settings
    allowed: Allowed
    budget: Budget
    parked: dict[str, list[Purchase]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(self, amount: int, limit: int, host: str) -> Reservation:
        with self.lock:
            if sum(map(len, self.parked.values())) >= MAX_PARKED:
                raise BudgetExceeded("Too many purchases have no response yet.", reason="unresolved")
        return self.budget.reserve(amount, limit, host)

    def park(self, purchase: Purchase) -> None:
        with self.lock:
            self.parked.setdefault(purchase.key, []).append(purchase)

    def resume(self, key: str) -> Purchase | None:
        with self.lock:
            waiting = [one for one in self.parked.pop(key, []) if one.valid_until > time.time()]
            if waiting[1:]:
                self.parked[key] = waiting[1:]
            return waiting[0] if waiting else None


def paying_state(paying: Paying, settings: _calling.Settings) -> PayingState:
    """Checks the limits. Raises InvalidRequest."""
    named = paying.networks
    unknown = [one for one in named or () if not any(one in (network.id, network.name) for network in NETWORKS)]
    if unknown:
        raise InvalidRequest(f"Network {unknown[0]} is not known.", param="networks")
    networks = tuple(
        network
        for network in NETWORKS
        if (not network.mainnet if named is None else network.id in named or network.name in named)
    )
    allowed = Allowed(networks=networks, hosts=paying.hosts)
    limits = Limits(
        per_request=units(paying.max_per_request, "max_per_request"),
        total=units(paying.max_total, "max_total"),
        per_host=None if paying.max_per_host is None else units(paying.max_per_host, "max_per_host"),
        per_day=None if paying.max_per_day is None else units(paying.max_per_day, "max_per_day"),
    )
    return PayingState(paying=paying, settings=settings, allowed=allowed, budget=Budget(limits=limits))


def units(amount: Money, name: str) -> int:
    """Base units of an amount of USDC, exactly. Raises InvalidRequest."""
    try:
        if isinstance(amount, (float, bool)):
            raise ValueError
        exact = Decimal(amount.removeprefix("$") if isinstance(amount, str) else amount) * MICRO
        if not exact.is_finite() or exact <= 0 or exact != exact.to_integral_value():
            raise ValueError
        return int(exact)
    except (ValueError, InvalidOperation):
        raise InvalidRequest(f"{name} must be an amount above zero with at most six decimals.", param=name) from None
