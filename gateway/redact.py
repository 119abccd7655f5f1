"""Takes out of a text what must not be read by others: keys, addresses of servers and of people, phone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

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
_EMAILS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_PHONES = re.compile(
    r"(?i)(?P<kept>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|(?<![\w.+])\d{1,2}\.\d+(?![\w.]))"  # UUIDs, decimals
    r"|(?<![\w-])(?<!\d[.:])\+?\d(?:[ ().-]{0,2}\d){8,14}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?!\w|:\d)"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


_configured: set[str] = set()
SHORTEST_KEY = 8


def hide(keys: Iterable[str | None]) -> None:
    """Take these out of every text from now on, whatever they look like: the keys that are configured."""
    _configured.update(key for key in keys if key and len(key) >= SHORTEST_KEY)


def clean(text: str) -> str:
    """``text`` without keys, servers' and people's addresses, and phone numbers."""
    for key in _configured:
        if key in text:
            text = text.replace(key, "[key]")
    text = _URLS.sub("[url]", _KEYS.sub("[key]", text))
    if "@" in text:
        text = _EMAILS.sub("[email]", text)  # before the hosts, which are their second half
    return _PHONES.sub(lambda match: match["kept"] or "[phone]", _HOSTS.sub("[host]", text))


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
