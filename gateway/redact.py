"""Takes out of a text what must not be read by others: keys, addresses of servers and of people, phone numbers."""

from __future__ import annotations

import re

_KEYS = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[\w.~+/=-]{6,}"
    r"|\b(?:sk|pk|rk|gsk|xai|key|ghp|hf)[-_][\w*-]{8,}"
    r"|\bAIza[\w*-]{10,}"
    r"|\b(?:api[-_ ]?key|token|secret|password)\b['\"]?\s*[:=]\s*['\"]?[^\s'\",}]{4,}"
)
_URLS = re.compile(r"(?i)\b(?:https?|wss?|rediss?)://[^\s'\"<>)\]}]+")
_HOSTS = re.compile(
    r"(?i)\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|dev|cloud|local|internal)(?::\d+)?(?:/[^\s'\"<>)\]}]*)?"
)
_EMAILS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_PHONES = re.compile(r"(?<![\w.:-])\+?\d(?:[ ().-]{0,2}\d){8,14}(?![\w:])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def personal(text: str) -> str:
    """``text`` without e-mail addresses and phone numbers."""
    if "@" in text:
        text = _EMAILS.sub("[email]", text)
    return _PHONES.sub("[phone]", text)


def secrets(text: str) -> str:
    """``text`` without keys and without the addresses of servers."""
    text = _KEYS.sub("[key]", text)
    return _HOSTS.sub("[host]", _URLS.sub("[url]", text))


def provider_message(text: str, limit: int = 300) -> str:
    """What a provider said of an error, fit to be shown: one line, clean, at most ``limit`` characters."""
    text = _CONTROL.sub(" ", text[: 4 * limit]).strip()
    text = personal(secrets(text))
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int = 200) -> str:
    """A caller's text as it may stand in a log line: no control characters, bounded, nothing personal."""
    return personal(_CONTROL.sub(" ", text[:limit]))
