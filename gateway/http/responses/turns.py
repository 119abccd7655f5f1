"""``input`` and ``instructions`` as a chat's messages.

A chat has one message for an answer's text and all of its calls, and its results are texts: what else a function gave
follows in a user's message, once all results of that turn are there. Reasoning is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.contract import InvalidRequest

Json = dict[str, Any]


def messages(body: Mapping[str, Any]) -> list[Json]:
    """The messages of a request that needs no provider of its own (``native``); raises InvalidRequest naming the place
    of what makes no sense."""
    given = body.get("input")
    if given is None:
        raise InvalidRequest("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    turns = _Turns()
    if body.get("instructions"):
        turns.made.append({"role": "system", "content": body["instructions"]})
    items: Sequence[Json] = [{"role": "user", "content": given}] if isinstance(given, str) else given
    for place, item in enumerate(items):
        turns.take(f"input[{place}]", item)
    turns.show()
    return turns.made


class _Turns:
    """Messages under way, and what functions gave that is no text."""

    def __init__(self) -> None:
        self.made: list[Json] = []
        self._shown: list[Json] = []
        self._called: set[str] = set()

    def take(self, path: str, item: Json) -> None:
        """Take in the next item."""
        kind = item.get("type") or "message"
        if kind == "function_call_output":
            self._result(path, item)
            return
        if kind == "reasoning":
            return
        self.show()
        if kind == "function_call":
            self._call(item)
        elif item["role"] == "assistant":
            self._answer(_text(item["content"]))
        else:
            self.made.append({"role": item["role"], "content": _content(path, item)})

    def show(self) -> None:
        """Add what functions gave that is no text."""
        if self._shown:
            self.made.append({"role": "user", "content": self._shown})
            self._shown = []

    def _answer(self, text: str) -> None:
        last = self.made[-1] if self.made else {}
        if "tool_calls" in last:  # nothing may stand between calls and their results
            last["content"] = f"{last['content']}\n{text}" if last["content"] else text
        elif text:
            self.made.append({"role": "assistant", "content": text})

    def _call(self, item: Json) -> None:
        if not self.made or self.made[-1]["role"] != "assistant":
            self.made.append({"role": "assistant", "content": None})
        call = {
            "id": item["call_id"],
            "type": "function",
            "function": {"name": item["name"], "arguments": item["arguments"]},
        }
        if item.get("provider_specific_fields"):
            call["provider_specific_fields"] = item["provider_specific_fields"]
        self.made[-1].setdefault("tool_calls", []).append(call)
        self._called.add(item["call_id"])

    def _result(self, path: str, item: Json) -> None:
        name, output = item["call_id"], item["output"]
        if name not in self._called:
            message = f"No tool call found for function call output with call_id {name}."
            raise InvalidRequest(message, param=f"{path}.call_id")
        if not isinstance(output, str):
            parts = [_part(f"{path}.output[{place}]", part) for place, part in enumerate(output)]
            others = [part for part in parts if part["type"] != "text"]
            if others:
                self._shown += [{"type": "text", "text": f"What the call {name} gave:"}, *others]
            texts = [part["text"] for part in parts if part["type"] == "text"]
            output = "\n".join(texts or (["See below."] if others else []))
        self.made.append({"role": "tool", "tool_call_id": name, "content": output})


def _text(content: str | Sequence[Mapping[str, Any]]) -> str:
    """An earlier answer's text; a refusal is one."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or part.get("refusal") or "" for part in content)


def _content(path: str, item: Mapping[str, Any]) -> str | list[Json]:
    content = item["content"]
    if isinstance(content, str):
        return content
    parts = [_part(f"{path}.content[{place}]", part) for place, part in enumerate(content)]
    for place, part in enumerate(parts):
        if part["type"] != "text" and item["role"] != "user":
            message = f"A message of the role '{item['role']}' holds text only."
            raise InvalidRequest(message, param=f"{path}.content[{place}].type")
    return str(parts[0]["text"]) if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _part(path: str, part: Mapping[str, Any]) -> Json:
    if part["type"] == "input_text":
        return {"type": "text", "text": part["text"]}
    if part["type"] == "input_image":
        return {"type": "image_url", "image_url": _image(path, part)}
    file = {key: part[key] for key in ("file_data", "file_id", "filename") if part.get(key)}
    if "file_data" not in file and "file_id" not in file:
        raise InvalidRequest("A file needs 'file_data' or 'file_id'.", param=f"{path}.file_data")
    return {"type": "file", "file": file}


def _image(path: str, part: Mapping[str, Any]) -> Json:
    if not part.get("image_url"):
        raise InvalidRequest("An image needs 'image_url'.", param=f"{path}.image_url")
    detail = part.get("detail")
    image = {"url": part["image_url"]}
    if detail:
        image["detail"] = "high" if detail == "original" else detail  # the most that a chat has
    return image
