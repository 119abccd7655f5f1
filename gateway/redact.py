"""Takes out of a text what must not be read by others: keys, addresses of servers and of people, phone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.contract import Personal
from gateway.personal import PersonalData

# Each begins where a word does, or is bounded: a hostile text must not cost more than its length.
_KEYS = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[\w.~+/=-]{6,}"
    r"|\b(?:sk|pk|rk|gsk|xai|key|ghp|hf)[-_][\w*-]{8,}"
    r"|\bAIza[\w*-]{10,}"
    r"|(?<![^\W_])(?:api[-_ ]?key(?: provided)?|token|secret|password)\b['\"]?\s*[:=]\s*['\"]?[^\s'\",}]{4,}"
)
_URLS = re.compile(r"(?i)\b(?:https?|wss?|rediss?)://[^\s'\"<>)\]}]+")
_HOSTS = re.compile(
    r"(?i)(?<![a-z0-9-])(?<![a-z0-9-]\.)(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|dev|cloud|local|internal)\b"
    r"(?::\d+)?(?:/[^\s'\"<>)\]}]*)?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


_configured: set[str] = set()
_personal: list[Personal] = [PersonalData({})]
_revisions = [0]
SHORTEST_KEY = 8


def hide(keys: Iterable[str | None]) -> None:
    """Take these out of every text from now on, whatever they look like: the keys that are configured."""
    _configured.update(key for key in keys if key and len(key) >= SHORTEST_KEY)
    _revisions[0] += 1


def configure(personal: Personal) -> None:
    """Take what ``personal`` finds out of every text from now on, each piece as its kind in brackets."""
    _personal[0] = personal
    _revisions[0] += 1


def revision() -> int:
    """Grows whenever ``hide`` or ``configure`` changes what is taken out, so that what was cleaned can be kept."""
    return _revisions[0]


def clean(text: str) -> str:
    """``text`` without keys, servers' and people's addresses, phone numbers and the configured identifiers."""
    text = _URLS.sub("[url]", _KEYS.sub("[key]", without_keys(text)))
    return _HOSTS.sub("[host]", _impersonal(text))  # an e-mail address is known before its second half is a host


def without_keys(text: str) -> str:
    """``text`` without the keys that are configured, and nothing else of ``clean``."""
    for key in _configured:
        if key in text:
            text = text.replace(key, "[key]")
    return text


def _impersonal(text: str) -> str:
    pieces, at = [], 0
    for found in _personal[0].find(text):
        pieces += [text[at : found.start], f"[{found.kind}]"]
        at = found.end
    return "".join([*pieces, text[at:]]) if pieces else text


def provider_message(text: str, limit: int = 300) -> str:
    """What a provider said of an error, fit to be shown: one line, clean, at most ``limit`` characters."""
    text = _bounded(text, limit).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int = 200) -> str:
    """A caller's text as it may stand in a log line: no control characters, bounded, nothing personal or secret."""
    return _bounded(text, limit)[:limit]


def _bounded(text: str, limit: int) -> str:
    """Cleaned before it is cut to ``limit``: half an address would not be known as one."""
    return clean(_CONTROL.sub(" ", text[: 4 * limit]))
