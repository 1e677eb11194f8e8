"""AgentPay for the NeMo Agent Toolkit."""

from .functions import Functions, client_from

__all__ = ["Functions", "client_from"]
