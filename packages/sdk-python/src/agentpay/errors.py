"""Every error that the package raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class AgentPayError(Exception):
    """Something went wrong. `code`, `reason` and `hint` are for programs, the message is for people."""

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        reason: str | None = None,
        hint: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.reason = reason or self.code
        self.hint = hint
        self.request_id = request_id
        self.status = status
        """HTTP status, where the API or a seller refused."""
        self.param = param
        """The field at fault, as a dotted path."""
        self.details = dict(details or {})
        self.retry_after = retry_after
        """Seconds after which a retry makes sense."""


class ApiError(AgentPayError):
    """The API refused the call."""


class InvalidRequest(ApiError):
    """400 or 422, or found before anything was sent: the call makes no sense."""

    code = "invalid_request"


class Unauthorized(ApiError):
    """401: the key is missing or wrong."""


class PaymentRequired(ApiError):
    """402: money is missing, or a policy says no."""


class Forbidden(ApiError):
    """403."""


class NotFound(ApiError):
    """404, also for what belongs to somebody else."""


class Conflict(ApiError):
    """409: the state does not allow it, or the idempotency key was used for something else."""


class RateLimited(ApiError):
    """429."""


class ServerError(ApiError):
    """5xx: the API failed. What the call was to change is as it was."""


class OutcomeUnknown(AgentPayError):
    """There was no usable response: whether the call took effect is not known. Repeat it with the same idempotency key."""

    code = "outcome_unknown"


class PaymentError(AgentPayError):
    """Why a request that costs money has no response."""


class BudgetExceeded(PaymentError):
    """The price is above a limit; nothing was paid. `reason` is per_request, per_host, per_day, total or unresolved."""

    code = "budget_exceeded"


class OfferNotAcceptable(PaymentError):
    """Nothing that the server offers is known and allowed; nothing was paid. `reason` says why."""

    code = "offer_not_acceptable"


class PaymentRefused(PaymentError):
    """The server asked for payment again. No other proof was made."""

    code = "payment_refused"


class PaymentUnresolved(PaymentError):
    """No response came to a payment. The same request, by the same client, sends the same proof again."""

    code = "payment_unresolved"


BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: InvalidRequest,
    429: RateLimited,
}


def api_error(status: int, body: Any, retry_after: float | None) -> ApiError | None:
    """The error that a response of the API tells of; None when it is none of the API's."""
    told = body.get("error") if isinstance(body, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("code"), str):
        return None
    kind = BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    return kind(
        str(told.get("message", "")),
        code=told["code"],
        reason=told.get("reason"),
        hint=told.get("hint"),
        request_id=told.get("request_id"),
        status=status,
        param=told.get("param"),
        details=told.get("details"),
        retry_after=retry_after,
    )
