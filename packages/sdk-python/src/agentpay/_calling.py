"""A call of the API: one request, sent again where that is safe."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from uuid import uuid4

from . import _wire
from ._exchange import Failure, Flow, Reply, Send, Sleep
from ._generated import CREDENTIALS
from ._operation import Operation
from .errors import AgentPayError, InvalidRequest, OutcomeUnknown, RateLimited, api_error

T = TypeVar("T")

MAX_RESPONSE_BYTES = 4 * 1024 * 1024
MAX_WAIT = 30.0
"""Longest time that is waited for a retry, in seconds; who is told to wait longer is told so by the error."""
_PASSING = (502, 503, 504)
_ACCEPTED = {"page": "text/html, application/json", "stream": "text/event-stream, application/json"}


@dataclass(frozen=True)
class Settings:
    """What every call needs."""

    url: str
    keys: Mapping[str, str]
    timeout: float
    max_retries: int
    user_agent: str


def read_keys(api_key: str | None, keys: Mapping[str, str] | None) -> dict[str, str]:
    """Keys by kind. That of `api_key` is known by how it begins."""
    held = dict(keys or {})
    unknown = [kind for kind in held if kind not in CREDENTIALS]
    if unknown:
        raise InvalidRequest(f"There is no key of the kind {unknown[0]}; there are {', '.join(CREDENTIALS)}.", param="keys")
    if api_key is not None:
        kinds = (kind for kind, row in CREDENTIALS.items() if any(api_key.startswith(one) for one in row.prefixes))
        held.setdefault(next(kinds, "agent"), api_key)
    return held


def call(
    settings: Settings,
    operation: Operation,
    result: type[T],
    given: Mapping[str, Any],
    *,
    idempotency_key: str | None = None,
    timeout: float | None = None,
) -> Flow[T]:
    """Calls an endpoint. One idempotency key stands over all attempts."""
    request = _request(settings, operation, given, idempotency_key, timeout)
    for attempt in range(settings.max_retries + 1):
        outcome = yield request
        wait = _wait(operation, outcome, attempt)
        if wait is None or attempt == settings.max_retries:
            break
        yield Sleep(wait)
    return _read(operation, result, outcome)


def _request(
    settings: Settings,
    operation: Operation,
    given: Mapping[str, Any],
    idempotency_key: str | None,
    timeout: float | None,
) -> Send:
    params, query, body = _wire.encode(operation, given)
    missing = [name for name in operation.params if not params.get(name)]
    if missing:
        raise InvalidRequest(f"{missing[0]} is needed.", param=missing[0])
    path = re.sub(r"\{(\w+)\}", lambda match: quote(params[match[1]], safe=""), operation.path)
    headers = {
        "accept": _ACCEPTED.get(operation.kind, "application/json"),
        "user-agent": settings.user_agent,
        **_credential(settings.keys, operation),
    }
    if operation.idempotent:
        headers["idempotency-key"] = idempotency_key or f"py-{uuid4()}"
    if operation.has_body:
        headers["content-type"] = "application/json"
    return Send(
        method=operation.method,
        url=settings.url.rstrip("/") + path + (f"?{urlencode(query)}" if query else ""),
        headers=headers,
        content=json.dumps(body).encode() if operation.has_body else None,
        timeout=timeout or settings.timeout,
        max_bytes=MAX_RESPONSE_BYTES,
    )


def _credential(keys: Mapping[str, str], operation: Operation) -> dict[str, str]:
    for kind in operation.auth:
        key = keys.get(kind)
        if key is not None:
            row = CREDENTIALS[kind]
            return {row.header: f"{row.scheme} {key}" if row.scheme else key}
    return {}


def _wait(operation: Operation, outcome: Reply | Failure | None, attempt: int) -> float | None:
    """Seconds until the same is sent again; None when it must not be, or need not."""
    backoff: float = 0.25 * 2.0**attempt
    if not isinstance(outcome, Reply):
        return backoff if operation.repeatable or (outcome is not None and not outcome.sent) else None
    asked = retry_after(outcome)
    if asked is not None and asked > MAX_WAIT:
        return None
    told = max(asked or 0.0, backoff)
    if outcome.status == 429:
        return told
    if outcome.status in _PASSING and operation.repeatable:
        return told
    # Another attempt of the same call is still under way.
    return told if outcome.status == 409 and operation.idempotent and asked is not None else None


def retry_after(reply: Reply) -> float | None:
    """What `Retry-After` says, in seconds."""
    written = reply.headers.get("retry-after", "")
    return float(written) if re.fullmatch(r"\d{1,9}", written) else None


def _read(operation: Operation, result: type[T], outcome: Reply | Failure | None) -> T:
    if not isinstance(outcome, Reply):
        raise _unknown(operation) from (outcome.error if outcome else None)
    is_success = 200 <= outcome.status < 300 or (operation.kind == "redirect" and outcome.status in (302, 303))
    try:
        wire = _value(operation, outcome) if is_success else _wire.read_json(outcome.content)
        if is_success:
            decoded: T = _wire.decode(result, wire)
            return decoded
    except ValueError as cause:
        raise _unknown(operation, outcome) from cause
    error = api_error(outcome.status, wire, retry_after(outcome))
    raise error or _unknown(operation, outcome)


def _value(operation: Operation, reply: Reply) -> Any:
    """A success of each kind of endpoint as the object that its definition declares."""
    if operation.kind == "redirect":
        return {"location": reply.headers.get("location")}
    if operation.kind == "binary":
        return {"bytes": base64.b64encode(reply.content).decode()}
    is_json = "json" in reply.headers.get("content-type", "")
    if operation.kind == "text":
        return {"text": reply.content.decode()}
    if operation.kind == "stream":
        lines = reply.content.decode().split("\n")
        return {"events": [_wire.read_json(line[6:].encode()) for line in lines if line.startswith("data: ")]}
    return {"html": reply.content.decode()} if operation.kind == "page" and not is_json else _wire.read_json(reply.content)


def _unknown(operation: Operation, reply: Reply | None = None) -> AgentPayError:
    if reply is not None and reply.status == 429:
        return RateLimited("Too many requests.", status=429, retry_after=retry_after(reply))
    return OutcomeUnknown(
        f"The API gave no usable response to {operation.id}.",
        hint="Repeat the call with the same idempotency key, or read what became of it.",
        status=reply.status if reply else None,
        request_id=reply.headers.get("x-request-id") if reply else None,
    )
