"""What a model may do. Every outcome is a text, a refusal too: code, reason, message and hint tell what to do about it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping

import httpx

from agentpay import AgentPayError, AsyncAgentPay, InvalidRequest, Paying, payment_of
from agentpay.local import LocalAccount

MAX_SHOWN = 256 * 1024
"""Longest response that is shown to a model, in bytes."""


def client_from(env: Mapping[str, str], *, url: str, max_per_request: str, max_total: str) -> AsyncAgentPay:
    """A client with the keys of the environment, which stand in no configuration file."""
    private_key = env.get("AGENTPAY_PRIVATE_KEY")
    account = LocalAccount(private_key) if private_key else None
    paying = Paying(account=account, max_per_request=max_per_request, max_total=max_total)
    return AsyncAgentPay(url, api_key=env.get("AGENTPAY_API_KEY"), paying=paying)


class Functions:
    """The functions over one client, so that all of them spend from the same limits."""

    def __init__(self, client: AsyncAgentPay) -> None:
        self._client = client

    async def fetch(self, url: str, max_amount: str = "") -> str:
        """Fetches a URL and pays when the server asks for payment, at most max_amount dollars and never above the operator's limits."""
        return await _told(self._fetch(url, max_amount))

    async def balance(self, wallet_id: str) -> str:
        """Reads what a wallet holds."""
        return await _told(self._balance(wallet_id))

    async def pay(self, from_wallet_id: str, to: str, amount: str, idempotency_key: str) -> str:
        """Pays from a wallet, to a wallet or an external payee. Repeat a call with the same idempotency_key: it pays once."""
        return await _told(self._pay(from_wallet_id, to, amount, idempotency_key))

    async def _fetch(self, url: str, max_amount: str) -> dict[str, object]:
        response = await self._client.fetch(url, max_amount=max_amount or None)
        payment = payment_of(response)
        shown = response.text if len(response.content) <= MAX_SHOWN else None
        paid = {"amount": str(payment.amount), "transaction": payment.transaction} if payment else None
        return {"status": response.status_code, "body": shown, "payment": paid}

    async def _balance(self, wallet_id: str) -> dict[str, object]:
        wallet = await self._client.wallets.balance(wallet_id=wallet_id)
        return {"balance": str(wallet.balance), "available": str(wallet.available), "currency": wallet.currency}

    async def _pay(self, from_wallet_id: str, to: str, amount: str, idempotency_key: str) -> dict[str, object]:
        if not idempotency_key:
            raise InvalidRequest("idempotency_key is needed.", param="idempotency_key")
        is_wallet = to.startswith("wallet_")
        payment = await self._client.payments.create(
            from_wallet_id=from_wallet_id,
            to_wallet_id=to if is_wallet else None,
            to_external=None if is_wallet else to,
            amount=amount,
            idempotency_key=idempotency_key,
        )
        return {"id": payment.id, "status": payment.status, "amount": str(payment.amount), "fee": str(payment.fee)}


async def _told(work: Awaitable[dict[str, object]]) -> str:
    try:
        return json.dumps(await work)
    except AgentPayError as error:
        told = {"code": error.code, "reason": error.reason, "message": str(error), "hint": error.hint}
        return json.dumps({"error": {**told, "request_id": error.request_id}})
    except httpx.HTTPError as error:
        return json.dumps({"error": {"code": "unavailable", "message": f"No response: {type(error).__name__}"}})
