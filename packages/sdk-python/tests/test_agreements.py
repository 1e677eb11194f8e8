"""What buyers sign for agreements: the same as the TypeScript SDK signs, by the same vectors."""

import base64
import copy
import json
from pathlib import Path
from typing import Any

import pytest

from agentpay import InvalidRequest, OfferNotAcceptable, build_direct_stablecoin_agreement, sign_activation
from agentpay.local import LocalAccount

VECTORS = json.loads((Path(__file__).parent / "vectors" / "agreements.json").read_text())
OTHER = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"


@pytest.fixture(autouse=True)
def then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentpay.agreements.time.time", lambda: VECTORS["now"])
    monkeypatch.setattr("agentpay.agreements.secrets.token_hex", lambda _: VECTORS["nonce"][2:])


def build(requirements: Any) -> dict[str, Any]:
    return build_direct_stablecoin_agreement(
        account=LocalAccount(VECTORS["key"]),
        requirements=requirements,
        service_id=VECTORS["agreement"]["service_id"],
        amount_cents=500,
    )


def activate(package: Any) -> dict[str, str]:
    return sign_activation(account=LocalAccount(VECTORS["key"]), activation_package=package)


def test_a_direct_purchase_is_signed_as_the_other_sdk_signs_it() -> None:
    made = build(VECTORS["requirements"])
    expected: dict[str, Any] = {**VECTORS["agreement"], "amount_cents": 500}
    header = json.loads(base64.b64decode(made.pop("payment_header")))
    assert header == json.loads(base64.b64decode(expected.pop("payment_header")))
    assert made == expected


def test_an_activation_is_signed_as_the_other_sdk_signs_it_and_its_fee_only_where_it_is_due() -> None:
    package = VECTORS["activationPackage"]
    assert activate(package) == VECTORS["activation"]
    paid = {**package, "infra_fee": {**package["infra_fee"], "pending": False}}
    assert activate(paid) == {"activation_signature": VECTORS["activation"]["activation_signature"]}
    assert activate({"activation_intent": None, "infra_fee": {"pending": False}}) == {}


@pytest.mark.parametrize(
    ("reason", "path", "value"),
    [
        ("amount", "payment.amount", "5000001"),
        ("amount", "fee.permit.message.value", "103001"),
        ("payer", "fee.permit.message.owner", OTHER),
        ("recipient", "fee.permit.message.spender", OTHER),
        ("deadline", "fee.permit.message.deadline", str(VECTORS["now"] + 7_201)),
        ("unknown_asset", "fee.permit.domain.verifyingContract", OTHER),
        ("unknown_asset", "payment.asset", OTHER),
        ("unknown_network", "payment.network", "eip155:1"),
        ("domain_mismatch", "payment.extra.name", "X"),
        ("recipient", "payment.payTo", VECTORS["requirements"]["fee"]["permit"]["message"]["owner"]),
    ],
)
def test_a_direct_purchase_that_is_altered_is_not_signed(reason: str, path: str, value: str) -> None:
    with pytest.raises(OfferNotAcceptable) as refused:
        build(altered(VECTORS["requirements"], path, value))
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("reason", "path", "value"),
    [
        ("payer", "activation_intent.message.from", OTHER),
        ("recipient", "activation_intent.message.to", OTHER),
        ("unknown_asset", "activation_intent.domain.chainId", "1"),
        ("amount", "infra_fee.permit.message.value", "100001"),
    ],
)
def test_an_activation_that_is_altered_is_not_signed(reason: str, path: str, value: str) -> None:
    with pytest.raises(OfferNotAcceptable) as refused:
        activate(altered(VECTORS["activationPackage"], path, value))
    assert refused.value.reason == reason


def test_what_is_no_response_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        build({})
    with pytest.raises(InvalidRequest):
        activate({"activation_intent": {}, "infra_fee": {}})


def altered(given: Any, path: str, value: str) -> Any:
    changed = copy.deepcopy(given)
    *where, name = path.split(".")
    inner = changed
    for step in where:
        inner = inner[step]
    inner[name] = value
    return changed
