"""Known digests and signatures: EIP-712, EIP-3009, EIP-55. The TypeScript packages are held against the same vectors."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ADDRESS, KEY

from agentpay import InvalidRequest
from agentpay._generated.networks import NETWORKS
from agentpay.local import LocalAccount, authorization_digest, checksum_address, domain_separator, keccak256

VECTORS = json.loads((Path(__file__).parent / "vectors" / "signing.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["eip3009"], ids=[vector["network"] for vector in VECTORS["eip3009"]])
def test_a_transfer_is_signed_as_everybody_else_signs_it(vector: dict[str, Any]) -> None:
    network = next(one for one in NETWORKS if one.name == vector["network"])
    domain = domain_separator(network.token_name, network.token_version, network.chain_id, network.asset)
    digest = authorization_digest(domain, VECTORS["authorization"])
    signature = LocalAccount(VECTORS["key"]).sign_digest(digest)
    assert ["0x" + domain.hex(), "0x" + digest.hex(), signature] == [vector[name] for name in ("separator", "digest", "signature")]


def test_an_account_has_the_address_of_its_key_and_does_not_show_the_key() -> None:
    account = LocalAccount(KEY)
    assert account.address == ADDRESS == checksum_address(ADDRESS.lower())
    assert repr(account) == f"LocalAccount({ADDRESS})"
    assert KEY[2:] not in str(vars(account))


@pytest.mark.parametrize("key", ["", "0x12", KEY[2:], KEY + "0", "0x" + "zz" * 32, "0x" + "00" * 32, "0x" + "ff" * 32])
def test_what_is_no_private_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        LocalAccount(key)
    assert not key or key not in str(refused.value)


def test_keccak() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
