"""How large a request is to a model, as far as that can be told without its tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

#: An image in tokens, roughly: what most models count for one in fine detail.
IMAGE_TOKENS = 2000
#: Of a file or a recording inside a request: characters of base64 for each token.
EMBEDDED_PER_TOKEN = 32
#: Characters; what is shorter counts as text.
SHORTEST_EMBEDDED = 256
MEDIA = frozenset({"image_url", "image"})
EMBEDDED = frozenset({"data", "file_data"})


class PromptSize(NamedTuple):
    """``text`` in bytes of UTF-8, names of fields included; ``other`` in tokens, of images, files and recordings."""

    text: int
    other: int

    @property
    def likely(self) -> int:
        """Tokens, at four bytes each, which is usual for prose."""
        return self.text // 4 + self.other

    @property
    def most(self) -> int:
        """More tokens than it has, unless it is made of rare characters only."""
        return -(-self.text // 2) + self.other


def prompt_size(params: Mapping[str, Any]) -> PromptSize:
    """Of a request's parameters, as a ``Call`` has them."""
    text = other = 0
    left: list[tuple[str, Any]] = list(params.items())
    while left:
        name, value = left.pop()
        if isinstance(value, str):
            tokens = _other(name, value)
            other += tokens
            text += 0 if tokens else len(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, Mapping):
            text += sum(map(len, value))
            left += [(name if key == "url" else key, inner) for key, inner in value.items()]
        elif isinstance(value, list | tuple):
            left += [(name, inner) for inner in value]
        elif value is not None:
            text += 2  # a number; a token of an embedding's input is one
    return PromptSize(text, other)


def _other(name: str, value: str) -> int:
    """The tokens of an image, a file or a recording; 0 for a text."""
    if name in MEDIA:
        return IMAGE_TOKENS
    embedded = name in EMBEDDED and len(value) >= SHORTEST_EMBEDDED
    return len(value) // EMBEDDED_PER_TOKEN if embedded else 0
