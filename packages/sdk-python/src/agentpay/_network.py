"""Networks that money moves on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Network:
    """A chain and its USDC."""

    id: str
    """CAIP-2 id, as x402 v2 writes it."""
    name: str
    """Name in x402 v1."""
    title: str
    chain_id: int
    mainnet: bool
    asset: str
    symbol: str
    decimals: int
    token_name: str
    """EIP-712 domain name of the token contract."""
    token_version: str
    transfer: str
