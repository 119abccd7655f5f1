"""Gemini's replies: generateContent whole and streamed, embeddings, models."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from . import gemini_errors, vectors
from .ask import Answer, Ask, count_words
from .gemini_ask import camel
from .wire import Canned, Event, Problem, Subject, flat_text

FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tools": "STOP", "filter": "SAFETY"}
HARMS = ("HATE_SPEECH", "DANGEROUS_CONTENT", "HARASSMENT", "SEXUALLY_EXPLICIT")


class Gemini:
    """Gemini's wire format. Lines of its streams end with CRLF, and no `[DONE]` ends them."""

    name = "gemini"
    line_end = b"\r\n"

    def plain(self, ask: Ask, answer: Answer) -> Any:
        """A GenerateContentResponse; an array of them for a stream that did not ask for SSE."""
        if ask.array:
            return [event.data for event in self.events(ask, answer)]
        whole = replace(answer, pieces=[answer.text] if answer.pieces else [])
        parts = [part for part, _ in _parts(whole)]
        return _response(ask, parts, answer.words, FINISH[answer.finish])

    def events(self, ask: Ask, answer: Answer) -> Iterator[Event]:
        """One event for each piece of text or function call; the last one has the finish reason."""
        parts = list(_parts(answer))
        words = 0
        for part, count in parts[:-1]:
            words += count
            yield Event("text", _response(ask, [part], words))
        last = [part for part, _ in parts[-1:]]
        yield Event("finish", _response(ask, last, answer.words, FINISH[answer.finish]))

    def unfinished(self, events: Iterator[Event]) -> Iterator[Event]:
        """Takes the finish reason out of the last event."""
        for event in events:
            for candidate in event.data["candidates"]:
                candidate.pop("finishReason", None)
            yield event

    def error(self, status: int, message: str | None, retry_after: float | None = None) -> Problem:
        """See Wire; `retry_after` seconds become a RetryInfo detail, and no header, as Gemini has it."""
        return gemini_errors.error(status, message, retry_after)

    def canned(self, name: Canned, subject: Subject) -> Problem:
        """See Wire."""
        return gemini_errors.canned(name, subject)

    def blocked_prompt(self, ask: Ask) -> Any | None:
        """A 200 with promptFeedback and no candidates."""
        reply = _response(ask, [], 0)
        del reply["candidates"]
        return {"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": _ratings(blocked=True)}} | reply

    def headers(self, call_id: int) -> Mapping[str, str]:
        """Gemini's servers say how long they took."""
        return {"server-timing": "gfet4t7; dur=12", "vary": "Origin, X-Origin, Referer"}


def _parts(answer: Answer) -> Iterator[tuple[dict[str, Any], int]]:
    """The parts of an answer, each with its number of words."""
    for piece in answer.pieces:
        yield {"text": piece}, count_words(piece)
    for call in answer.calls:
        yield {"functionCall": {"name": call.name, "args": call.arguments}}, 1


def _response(ask: Ask, parts: list[dict[str, Any]], words: int, finish: str | None = None) -> dict[str, Any]:
    """A GenerateContentResponse; `words` of the answer so far; no parts make a content without any."""
    prompt, completion = ask.prompt_words, words * ask.n
    return {
        "candidates": [_candidate(index, parts, finish) for index in range(ask.n)],
        "usageMetadata": {
            "promptTokenCount": prompt,
            "candidatesTokenCount": completion,
            "totalTokenCount": prompt + completion,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        },
        "modelVersion": ask.shown,
        "responseId": f"double{ask.id:010d}",
    }


def _candidate(index: int, parts: list[dict[str, Any]], finish: str | None) -> dict[str, Any]:
    content: dict[str, Any] = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    candidate: dict[str, Any] = {"content": content}
    if finish is not None:
        candidate["finishReason"] = finish
    if finish == "SAFETY":
        candidate["safetyRatings"] = _ratings(blocked=True)
    return candidate | {"index": index}


def _ratings(*, blocked: bool) -> list[dict[str, Any]]:
    ratings: list[dict[str, Any]] = [
        {"category": f"HARM_CATEGORY_{harm}", "probability": "NEGLIGIBLE"} for harm in HARMS
    ]
    if blocked:
        ratings[1] |= {"probability": "HIGH", "blocked": True}
    return ratings


def embed(body: dict[str, Any]) -> dict[str, Any]:
    """A reply of `:embedContent`."""
    return {"embedding": _embedding(body)}


def embed_batch(body: dict[str, Any]) -> dict[str, Any]:
    """A reply of `:batchEmbedContents`. Raises ValueError without requests."""
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests:
        raise ValueError("* BatchEmbedContentsRequest.requests: at least one request is required\n")
    return {"embeddings": [_embedding(one) for one in requests]}


def _embedding(given: Any) -> dict[str, Any]:
    request = camel(given)
    content = request.get("content")
    if not isinstance(content, dict):
        raise ValueError("* EmbedContentRequest.content: content is not specified\n")
    size = request.get("outputDimensionality") or vectors.DIMENSIONS
    return {"values": vectors.unit(flat_text(content.get("parts")), size)}


def models() -> dict[str, Any]:
    """A reply of GET /models."""
    names = ("gemini-2.0-flash", "gemini-2.5-flash", "gemini-embedding-001")
    return {"models": [{"name": f"models/{name}", "version": "001", "displayName": name} for name in names]}
