"""Payment challenges of `WWW-Authenticate` (RFC 9110 section 11.6.1, draft-httpauth-payment)."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import Any

MAX_ENCODED = 16 * 1024

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S)
_TOKEN68 = re.compile(r"[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))")
_SEPARATOR = re.compile(r"[\s,]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_SPACES = re.compile(r"[ \t]+")


class _Cursor:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._text)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
        return match


def read_challenges(header: str) -> list[dict[str, str]]:
    """The challenges of the scheme Payment. One that repeats a parameter is left out; reading stops where the grammar ends."""
    cursor = _Cursor(header)
    found: list[tuple[str, dict[str, str]]] = []
    broken: set[int] = set()
    cursor.take(_SEPARATOR)
    while not cursor.done:
        word = cursor.take(_TOKEN)
        if word is None:
            break
        if cursor.take(_EQUALS) is None:
            found.append((word[0], {}))
            cursor.take(_SPACES)
            cursor.take(_TOKEN68)
        else:
            quoted = cursor.take(_QUOTED)
            value = _unquote(quoted[1]) if quoted else (match[0] if (match := cursor.take(_TOKEN)) else None)
            if value is None or not found:
                break
            params = found[-1][1]
            if word[0].lower() in params:
                broken.add(len(found) - 1)
            params[word[0].lower()] = value
        cursor.take(_SEPARATOR)
    return [
        params
        for at, (scheme, params) in enumerate(found)
        if scheme.lower() == "payment" and at not in broken and all(params.get(n) for n in ("id", "realm", "method", "intent", "request"))
    ]


def _unquote(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else match[2]

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", plain, text, flags=re.S)


def from_base64(text: str) -> Any:
    """JSON in base64 of either alphabet, with or without padding. Raises ValueError."""
    if len(text) > MAX_ENCODED or not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", text):
        raise ValueError("The payment cannot be read.")
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return json.loads(base64.b64decode(plain + "=" * (-len(plain) % 4)))
    except RecursionError as cause:
        raise ValueError("The payment is nested too deeply.") from cause


def to_base64(value: Any) -> str:
    """JSON as base64, as x402 carries it in headers."""
    return base64.b64encode(_compact(value)).decode()


def to_base64url(value: Any) -> str:
    """JSON as base64url without padding, as MPP carries it."""
    return base64.urlsafe_b64encode(_compact(value)).decode().rstrip("=")


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def expiry(challenge: dict[str, str], otherwise: float) -> float:
    """When the challenge ends, in Unix seconds. Raises ValueError."""
    written = challenge.get("expires")
    if written is None:
        return otherwise
    at = datetime.fromisoformat(re.sub(r"\.\d+", "", written).upper().replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError("The challenge has no readable expiry.")
    return at.timestamp()
