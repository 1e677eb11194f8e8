"""Known digests and signatures: EIP-712, EIP-3009, EIP-55."""

import pytest
from conftest import ADDRESS, KEY

from agentpay import InvalidRequest
from agentpay._generated.networks import NETWORKS
from agentpay.local import LocalAccount, authorization_digest, checksum_address, domain_separator, keccak256

AUTHORIZATION = {
    "from": ADDRESS,
    "to": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "value": "10000",
    "validAfter": "0",
    "validBefore": "1893456000",
    "nonce": "0x" + "11" * 32,
}
VECTORS = {
    "base": (
        "f7e41d46ba298f52df6eea0508cae3dd35cbb41d1a7cb6a6b521142b4f305200",
        "0xc8563961bf19b5416e4e6839c1f7edfe1f194bfb375c746f2f2ab2c9a7a8a6b4"
        "62907c88d358eeaa254246fae023ab5a062cbbee15e02c06069e06d1678e3f751b",
    ),
    "base-sepolia": (
        "af12c98a9a82b0f30500ece1733b91d404761baef31ae2a61565c6525d123a5d",
        "0x7b8cebf9b81ccb11162e1ec0f9b58c1b0405138bbd754b7cd06d71d03d92f882"
        "61134753f56f921d37dec70f5844cd6c3030eab84cd59aea1ac3ba2113bb7c311c",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_transfer_is_signed_as_everybody_else_signs_it(name: str) -> None:
    network = next(one for one in NETWORKS if one.name == name)
    domain = domain_separator(network.token_name, network.token_version, network.chain_id, network.asset)
    digest = authorization_digest(domain, AUTHORIZATION)
    assert (digest.hex(), LocalAccount(KEY).sign_digest(digest)) == VECTORS[name]


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
