"""Answers to a caller that are not a reply.

Error tree::

    GatewayError                 becomes an OpenAI-shaped error body
    ├── Refusal                  a policy stops a request
    ├── InvalidRequest     400   the caller's to mend; names the field
    ├── Unauthorized       401
    ├── Forbidden          403
    ├── NotFound           404
    ├── MethodNotAllowed   405
    ├── PayloadTooLarge    413
    ├── UnsupportedMedia   415
    ├── RateLimited        429   carries Retry-After
    ├── InternalError      500   a fault of the gateway's own
    ├── Unavailable        503   no provider answered; carries Retry-After
    └── UpstreamRejected   4xx   the provider refused this request, and any other would
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.contract.call import NOTHING


class GatewayError(Exception):
    """An answer to the caller that is not a reply.

    ``message`` says what to do and holds no secret, prompt or provider address. ``code`` is the stable
    word for it. ``retry_after`` is in seconds.
    """

    status: int = 500
    type: str = "server_error"
    code: str = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] = NOTHING,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.param = param
        self.retry_after = retry_after
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """OpenAI's error body."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


class InvalidRequest(GatewayError):
    """The request can't be understood or carried out; ``param`` names the field."""

    status, type, code = 400, "invalid_request_error", "invalid_value"


class Refusal(GatewayError):
    """Raised by a policy to stop a request; the message goes to the caller as it is."""

    status, type, code = 403, "invalid_request_error", "refused"


class Unauthorized(GatewayError):
    """No key, or not one of ours."""

    status, type, code = 401, "invalid_request_error", "invalid_api_key"


class Forbidden(GatewayError):
    """The caller is known, or local, and may still not do this."""

    status, type, code = 403, "invalid_request_error", "forbidden"


class NotFound(GatewayError):
    """No such path or model."""

    status, type, code = 404, "invalid_request_error", "not_found"


class MethodNotAllowed(GatewayError):
    """The path is right, the method is not."""

    status, type, code = 405, "invalid_request_error", "method_not_allowed"


class PayloadTooLarge(GatewayError):
    """The body is over the configured size."""

    status, type, code = 413, "invalid_request_error", "payload_too_large"


class UnsupportedMedia(GatewayError):
    """The body is not JSON, or is compressed."""

    status, type, code = 415, "invalid_request_error", "unsupported_media_type"


class RateLimited(GatewayError):
    """Over a limit of the gateway's or, where every provider says so, of the providers'."""

    status, type, code = 429, "rate_limit_error", "rate_limit_exceeded"


class InternalError(GatewayError):
    """A fault in here; the log has it under the request id."""


class Unavailable(GatewayError):
    """No provider answered."""

    status, code = 503, "no_provider_available"


class UpstreamRejected(GatewayError):
    """The provider found fault with the request itself, so that no other was asked."""

    status, type, code = 400, "invalid_request_error", "invalid_request"

    def __init__(self, message: str, *, status: int, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message, code=code, param=param)
        self.status = status
