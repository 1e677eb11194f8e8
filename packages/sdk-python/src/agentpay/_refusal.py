"""What a second 402 says, in a sentence of our own where its code is known."""

from __future__ import annotations

import re

from ._generated.networks import FAUCET, NETWORKS, SHORT_BALANCE
from ._limits import MICRO, usdc


def describe_refusal(reason: str | None, content: bytes, payer: str | None, network: str, needed: int) -> str:
    refused = f"The seller refused the payment{f': {reason}' if reason else ''}. No other was made."
    if payer is None or reason not in SHORT_BALANCE:
        return refused
    known = next((one for one in NETWORKS if network in (one.id, one.name)), None)
    where = known.title if known else network
    held = _held(content.decode(errors="replace"), payer)
    # A seller whose figures do not hold is not quoted.
    if held is None or held >= needed:
        short = f"{payer} has less USDC on {where} than the {usdc(needed)} that it needs."
    else:
        short = f"{payer} has {usdc(held)} USDC on {where} and needs {usdc(needed)}."
    test_money = f" Test money: {FAUCET}." if known and not known.mainnet else ""
    return f"{short}{test_money} {refused}"


def _held(text: str, payer: str) -> int | None:
    """What the payer holds, as facilitators write it."""
    found = re.search(rf"\b{payer} has (\d{{1,9}})(?:\.(\d{{1,6}}))? USDC\b", text, re.IGNORECASE | re.ASCII)
    return None if found is None else int(found[1]) * MICRO + int((found[2] or "").ljust(6, "0"))
