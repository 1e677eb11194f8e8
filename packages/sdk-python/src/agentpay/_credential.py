"""How a key is presented."""

from __future__ import annotations

from typing import NamedTuple


class Credential(NamedTuple):
    header: str
    scheme: str
    """Of the header, where it has one."""
    prefixes: tuple[str, ...]
    """How keys of the kind begin."""
