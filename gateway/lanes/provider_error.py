"""What a provider's error reply says, in OpenAI's or Google's shape, whichever lane received it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from gateway import redact
from gateway.bounded_json import loads
from gateway.upstream.failures import Failure, classify


def provider_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The Failure that a reply with an error status stands for; ``body`` may be cut or no JSON at all."""
    error = _object(body)
    message = error.get("message")
    text = message if isinstance(message, str) else ""
    codes = {key: error[key] for key in ("code", "status", "type") if isinstance(error.get(key), str)}
    return Failure(
        classify(status, (*codes.values(), *_reasons(error)), text),
        redact.provider_message(text),
        status=status,
        code=codes.get("code") or codes.get("status"),
        param=error["param"] if isinstance(error.get("param"), str) else None,
        retry_after=_retry_after(headers, error),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        data = loads(body)
    except ValueError:
        return {}
    if isinstance(data, list) and data:  # Gemini wraps the error of a stream in a list
        data = data[0]
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, dict) else {}


def _details(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    details = error.get("details")
    return [item for item in details if isinstance(item, dict)] if isinstance(details, list) else []


def _reasons(error: Mapping[str, Any]) -> list[str]:
    """Gemini's machine-readable reasons (google.rpc.ErrorInfo)."""
    return [str(item["reason"]) for item in _details(error) if "reason" in item]


def _retry_after(headers: Mapping[str, str], error: Mapping[str, Any]) -> float | None:
    """Seconds to wait, from ``retry-after-ms``, ``Retry-After`` or Gemini's google.rpc.RetryInfo."""
    texts = [headers.get("Retry-After", "")]
    texts += [str(item["retryDelay"]).removesuffix("s") for item in _details(error) if "retryDelay" in item]
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    for text in filter(None, texts):
        try:
            return max(0.0, float(text))
        except ValueError:
            try:
                return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
            except (ValueError, TypeError, OverflowError):
                continue
    return None
