"""AgentPay: the API, and a fetch that pays what costs money over HTTP 402."""

from ._budget import Paying, Payment
from ._client import AgentPay, AsyncAgentPay, payment_of
from ._operation import Money
from ._version import VERSION as __version__
from .agreements import build_direct_stablecoin_agreement, sign_activation
from .errors import (
    AgentPayError,
    ApiError,
    BudgetExceeded,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    OfferNotAcceptable,
    OutcomeUnknown,
    PaymentError,
    PaymentRefused,
    PaymentRequired,
    PaymentUnresolved,
    RateLimited,
    ServerError,
    Unauthorized,
)

__all__ = [
    "AgentPay",
    "AgentPayError",
    "ApiError",
    "AsyncAgentPay",
    "BudgetExceeded",
    "Conflict",
    "Forbidden",
    "InvalidRequest",
    "Money",
    "NotFound",
    "OfferNotAcceptable",
    "OutcomeUnknown",
    "Paying",
    "Payment",
    "PaymentError",
    "PaymentRefused",
    "PaymentRequired",
    "PaymentUnresolved",
    "RateLimited",
    "ServerError",
    "Unauthorized",
    "__version__",
    "build_direct_stablecoin_agreement",
    "payment_of",
    "sign_activation",
]
