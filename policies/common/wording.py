"""Short text templates over a caller's free-form context.

``{lead.name}`` stands for a value, ``{lead.name|this lead}`` for a value or what follows the bar. Where a value without
such a default is missing or blank, the whole template says nothing. ``{lead.aiInsights*}`` repeats the template for
every element of a list. ``{{`` and ``}}`` are braces. Values stand on one line and are bounded, and numbers are as the
caller wrote them: no text made here holds a number that the context and the template don't.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from policies.common.plain import MOST, clipped, in_words, one_line, pairs

PARTS = re.compile(r"\{\{|\}\}|\{[^{}]*\}|[^{}]+|[{}]")
PLACEHOLDER = re.compile(r"\{\s*([\w-]+(?:\.[\w-]+)*)\s*(\*?)\s*(?:\|([^{}]*))?\}")
#: Where a text that ends and one that begins like this meet, two numbers would become one.
ENDS_IN_NUMBER, BEGINS_WITH_NUMBER = re.compile(r"\d[.,]?\Z"), re.compile(r"[.,]?\d")
#: Of an object in a list, what it is about and what it says.
HEADINGS, BODIES = ("title", "label", "name"), ("description", "text", "summary", "detail", "message", "content")


class Nothing:
    """What a template yields that has nothing to say."""


NOTHING_SAID = Nothing()


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One value of the context: its dotted path, whether each element is meant, what stands in for it."""

    path: str
    repeats: bool
    default: str | None

    def found(self, context: Mapping[str, Any]) -> Any:
        """The value; None where there is none."""
        value: Any = context
        for key in self.path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value


class Template:
    """A parsed template. Raises ValueError, naming the place, for one that is malformed."""

    def __init__(self, text: str) -> None:
        self._parts = [_part(match, text) for match in PARTS.finditer(text)]
        placeholders = [part for part in self._parts if isinstance(part, Placeholder)]
        repeated = {part.path: part for part in placeholders if part.repeats}
        if len(repeated) > 1:
            raise ValueError(f"{text!r} repeats for {' and for '.join(sorted(repeated))}; only one can be repeated")
        self.paths = frozenset(part.path for part in placeholders)
        #: Without a value for each of these there is nothing to say.
        self._needed = tuple(part for part in placeholders if part.default is None)
        self.repeated = next(iter(repeated.values()), None)

    @property
    def literals(self) -> list[str]:
        """The template's own words, defaults included."""
        return [part if isinstance(part, str) else part.default or "" for part in self._parts]

    def lines(self, context: Mapping[str, Any]) -> list[str]:
        """What the template says of ``context``: nothing, one text or, where it repeats, one for each element."""
        if any(part.found(context) is None for part in self._needed):
            return []
        said = (self.fill(context, element) for element in elements(self.repeated, context))
        return [line for line in said if line is not None]

    def fill(self, context: Mapping[str, Any], element: str | None = None) -> str | None:
        """One text, with ``element`` for what is repeated; None where there is nothing to say."""
        said = ""
        for part in self._parts:
            text = part if isinstance(part, str) else _value(part, context, element)
            if text is None:
                return None
            apart = ENDS_IN_NUMBER.search(said, max(0, len(said) - 2)) and BEGINS_WITH_NUMBER.match(text)
            said += f" {text}" if apart else text
        return said.strip() or None


class Tree:
    """A JSON-like value whose texts are templates, parsed once.

    ``fill`` leaves out what says nothing. Where an item of a list holds a repeated placeholder, be it a text or an
    object, the item is repeated in its place. Raises ValueError, naming the place, for a malformed template.
    """

    def __init__(self, value: Any) -> None:
        self._root = _parsed(value, "")
        stray = _repeated(self._root)
        if stray:
            raise ValueError(f"{{{stray.path}*}} repeats, and stands in no list")

    @property
    def templates(self) -> list[Template]:
        """Every template of the tree."""
        return list(_templates(self._root))

    @property
    def paths(self) -> frozenset[str]:
        """The dotted paths of the context that are used."""
        return frozenset().union(*(template.paths for template in self.templates))

    def fill(self, context: Mapping[str, Any]) -> Any:
        """A new value; of an object or a list always one of that kind. Never raises."""
        said = _filled(self._root, context, None)
        return type(self._root)() if isinstance(said, Nothing) and isinstance(self._root, dict) else said


def elements(placeholder: Placeholder | None, context: Mapping[str, Any]) -> Sequence[str | None]:
    """What to repeat for: each element in words, at most ``MOST``. Without a placeholder once, with nothing."""
    if placeholder is None:
        return [None]
    value = placeholder.found(context)
    if isinstance(value, dict):
        about = _about(value)
        said: Iterable[str | None] = [about] if about else pairs(value)
    elif isinstance(value, list | tuple):
        said = (_element(item) for item in islice(value, 4 * MOST))
    else:
        said = [in_words(value)]
    return list(islice((text for text in said if text), MOST))


def _element(item: Any) -> str | None:
    return (_about(item) if isinstance(item, dict) else None) or in_words(item)


def _about(item: Mapping[str, Any]) -> str | None:
    """An object's own text: its heading, its body, or both."""
    said = [_first(item, HEADINGS), _first(item, BODIES)]
    return clipped(": ".join(text for text in said if text)) or None


def _first(item: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    texts = (one_line(item[key]) for key in keys if isinstance(item.get(key), str))
    return next((text for text in texts if text), None)


def _value(part: Placeholder, context: Mapping[str, Any], element: str | None) -> str | None:
    said = element if part.repeats else in_words(part.found(context))
    return said or part.default


def _part(match: re.Match[str], text: str) -> str | Placeholder:
    part = match.group()
    if part in ("{{", "}}"):
        return part[0]
    if part[0] not in "{}":
        return part
    place = f"at character {match.start() + 1} of {text!r}"
    found = PLACEHOLDER.fullmatch(part)
    if not found:
        raise ValueError(f"{part!r} {place} is no placeholder; write {{lead.name}}, or {{{{ and }}}} for braces")
    path, star, default = found.groups()
    if star and default is not None:
        raise ValueError(f"{part!r} {place} is repeated, so that it has no default")
    return Placeholder(path, bool(star), default)


def _parsed(value: Any, place: str) -> Any:
    if isinstance(value, str):
        try:
            return Template(value)
        except ValueError as error:
            raise ValueError(f"{place or 'the text'}: {error}") from None
    if isinstance(value, list):
        items = [_parsed(item, f"{place}[{index}]") for index, item in enumerate(value)]
        for index, item in enumerate(items):
            _repeated(item, f"{place}[{index}]")
        return items
    if isinstance(value, dict):
        return {key: _parsed(inner, f"{place}.{key}".lstrip(".")) for key, inner in value.items()}
    return value


def _repeated(node: Any, place: str = "the whole") -> Placeholder | None:
    """What ``node`` repeats for, besides the lists in it; raises ValueError where that is more than one thing."""
    if isinstance(node, Template):
        return node.repeated
    if not isinstance(node, dict):
        return None
    found = {inner.path: inner for inner in map(_repeated, node.values()) if inner}
    if len(found) > 1:
        raise ValueError(f"{place} repeats for {' and for '.join(sorted(found))}; only one can be repeated")
    return next(iter(found.values()), None)


def _templates(node: Any) -> Iterator[Template]:
    if isinstance(node, Template):
        yield node
    elif isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from _templates(inner)


def _filled(node: Any, context: Mapping[str, Any], element: str | None) -> Any:
    if isinstance(node, Template):
        said = node.fill(context, element)
        return NOTHING_SAID if said is None else said
    if isinstance(node, list):
        items = (_filled(item, context, each) for item in node for each in elements(_repeated(item), context))
        return [item for item in items if item is not NOTHING_SAID]
    if isinstance(node, dict):
        values = {key: _filled(inner, context, element) for key, inner in node.items()}
        kept = {key: value for key, value in values.items() if value is not NOTHING_SAID}
        return kept if kept or not node else NOTHING_SAID
    return node
