"""Signs payments with a key of this program. Needs the extra ``agentpay[local]``."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

try:
    from Cryptodome.Hash import keccak
    from ecdsa import SECP256k1, SigningKey
    from ecdsa.util import sigdecode_strings, sigencode_strings_canonize
except ImportError as missing:  # pragma: no cover
    raise ImportError('Signing with a key of your own needs: pip install "agentpay[local]"') from missing

from .errors import InvalidRequest


def keccak256(data: bytes) -> bytes:
    return bytes(keccak.new(digest_bits=256, data=data).digest())


class LocalAccount:
    """A private key in memory. Printing it shows the address only."""

    def __init__(self, private_key: str) -> None:
        """:param private_key: 0x and 64 hex digits"""
        try:
            if len(private_key) != 66 or not private_key.startswith("0x"):
                raise ValueError
            self._key: Any = SigningKey.from_string(bytes.fromhex(private_key[2:]), curve=SECP256k1)
        except (ValueError, AssertionError, TypeError):
            raise InvalidRequest("A private key is 0x and 64 hex digits.", param="private_key") from None
        except Exception:  # ecdsa's own error of a number that is no key; its message must not be shown
            raise InvalidRequest("This number is no private key.", param="private_key") from None
        public = self._key.get_verifying_key().to_string()
        self.address = checksum_address("0x" + keccak256(public)[12:].hex())

    def __repr__(self) -> str:
        return f"LocalAccount({self.address})"

    def sign_digest(self, digest: bytes) -> str:
        """r, s and v in hex; deterministic (RFC 6979), s in its lower half."""
        r, s = sigdecode_strings(
            self._key.sign_digest_deterministic(digest, hashfunc=sha256, sigencode=sigencode_strings_canonize), SECP256k1.order
        )
        order = SECP256k1.order
        public = self._key.get_verifying_key().pubkey.point
        inverse = pow(s, -1, order)
        nonce_point = SECP256k1.generator * (int.from_bytes(digest, "big") * inverse % order) + public * (r * inverse % order)
        v = 27 + (int(nonce_point.y()) & 1)
        return f"0x{r:064x}{s:064x}{v:02x}"


def checksum_address(address: str) -> str:
    """EIP-55."""
    digits = address[2:].lower()
    digest = keccak256(digits.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) >= 8 else c for c, d in zip(digits, digest))


_DOMAIN = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_AUTHORIZATION = b"WithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
_PERMIT = keccak256(b"Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")


def domain_separator(name: str, version: str, chain_id: int, contract: str) -> bytes:
    """EIP-712."""
    words = [_DOMAIN, keccak256(name.encode()), keccak256(version.encode()), _word(chain_id), _address(contract)]
    return keccak256(b"".join(words))


def authorization_digest(domain: bytes, authorization: dict[str, str], kind: str = "Transfer") -> bytes:
    """What the payer of an EIP-3009 TransferWithAuthorization signs, or of a ReceiveWithAuthorization (`kind` "Receive")."""
    type_hash = keccak256(kind.encode() + _AUTHORIZATION)
    numbers = [_word(int(authorization[name])) for name in ("value", "validAfter", "validBefore")]
    nonce = bytes.fromhex(authorization["nonce"][2:])
    words = [type_hash, _address(authorization["from"]), _address(authorization["to"]), *numbers, nonce]
    return keccak256(b"\x19\x01" + domain + keccak256(b"".join(words)))


def permit_digest(domain: bytes, permit: Mapping[str, str]) -> bytes:
    """What the owner of an EIP-2612 Permit signs."""
    numbers = [_word(int(permit[name])) for name in ("value", "nonce", "deadline")]
    words = [_PERMIT, _address(permit["owner"]), _address(permit["spender"]), *numbers]
    return keccak256(b"\x19\x01" + domain + keccak256(b"".join(words)))


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _address(address: str) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\0")
