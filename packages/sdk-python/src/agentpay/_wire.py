"""JSON on the wire, and what programs see of it."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ._operation import Operation
from .errors import InvalidRequest

T = TypeVar("T")


def to_wire(value: Any) -> Any:
    """A value as JSON: decimals as text, times as RFC 3339 in UTC."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidRequest("A datetime needs a time zone.")
        return value.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): to_wire(member) for key, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [to_wire(item) for item in value]
    return value


def encode(operation: Operation, given: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
    """Path parameters, query and body of a call. What is None is left out."""
    for name in operation.money:
        if isinstance(given.get(name), float):
            raise InvalidRequest(f"{name}: give money as Decimal, int or str, not as float.", param=name)
    wire = {name: to_wire(value) for name, value in given.items() if value is not None}
    params = {name: str(wire[name]) for name in operation.params if name in wire}
    query = {name: _text(wire[name]) for name in operation.query if name in wire}
    body = {name: value for name, value in wire.items() if name not in params and name not in query}
    return params, query, body


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_json(content: bytes) -> Any:
    """JSON with numbers as int or Decimal, never as float. Raises ValueError."""
    return json.loads(content, parse_float=Decimal)


def decode(kind: Any, value: Any) -> Any:
    """A JSON value as the type says. Fields that the type does not know are dropped. Raises ValueError for another shape."""
    if kind is Any:
        return _plain(value)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        return decode(next(arm for arm in get_args(kind) if arm is not type(None)), value)
    if origin is Literal:
        # A later version of the API may know more words.
        return value
    if origin is list:
        return [decode(get_args(kind)[0], item) for item in _expect(list, value)]
    if origin is dict:
        return _plain(_expect(dict, value))
    if dataclasses.is_dataclass(kind):
        return _object(kind, _expect(dict, value))
    return _scalar(kind, value)


def _scalar(kind: Any, value: Any) -> Any:
    if kind is Decimal and isinstance(value, (int, str, Decimal)) and not isinstance(value, bool):
        return Decimal(value)
    if kind is datetime:
        return datetime.fromisoformat(_expect(str, value).replace("Z", "+00:00"))
    if kind is float and isinstance(value, (int, Decimal)):
        return value if isinstance(value, int) else float(value)
    if kind is int and isinstance(value, str):
        return int(value)
    return _expect(kind, value)


def _object(kind: Any, value: Mapping[str, Any]) -> Any:
    members: dict[str, Any] = {}
    for name, wire, hint, required in _fields(kind):
        if wire in value:
            members[name] = decode(hint, value[wire])
        elif required:
            raise ValueError(f"{wire} is missing")
    return kind(**members)


@functools.lru_cache(maxsize=None)
def _fields(kind: Any) -> tuple[tuple[str, str, Any, bool], ...]:
    hints = get_type_hints(kind)
    return tuple(
        (one.name, one.metadata.get("wire", one.name), hints[one.name], one.default is dataclasses.MISSING)
        for one in dataclasses.fields(kind)
    )


def _plain(value: Any) -> Any:
    """JSON whose meaning is not ours: numbers as programs expect them."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _expect(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind):
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value
