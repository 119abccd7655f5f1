"""The lines between ``---`` at a document's head: YAML with its title, type, category and source."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from gateway.retrieval.readers.parsed import line
from gateway.retrieval.types import Unreadable

KEYS = ("title", "type", "category", "source")
FENCED = re.compile(r"\A---[^\S\n]*\n(.*?)(?:\A|(?<=\n))(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)
BEGUN = re.compile(r"---[^\S\n]*\n(?:title|type|category|source):")
#: Characters. More is no head of a document.
MOST = 16_384
LONGEST = 300
NULL = "tag:yaml.org,2002:null"


def cut_off(text: str) -> tuple[Mapping[str, str], str]:
    """What the front matter says of KEYS, and the text after it. Raises Unreadable where it is there and wrong."""
    text = text.replace("\r\n", "\n")
    found = FENCED.match(text[: MOST + 8])
    if found is None:
        if BEGUN.match(text):
            raise Unreadable(f"its front matter has no end within {MOST} characters")
        return {}, text
    fields = _fields(found[1])
    # What stands between two rules need not be front matter.
    return ({}, text) if fields is None else (fields, text[found.end() :])


def _fields(text: str) -> Mapping[str, str] | None:
    try:
        # Composed, not constructed: words stay as they were written, and nothing grows from aliases.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 2}" if error.problem_mark else ""
        raise Unreadable(f"its front matter is not YAML{where}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable("its front matter is not YAML") from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        return None
    return {
        key.value: words
        for key, value in root.value
        if isinstance(key, yaml.ScalarNode) and key.value in KEYS and (words := _words(key.value, value))
    }


def _words(key: str, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise Unreadable(f"its front matter's {key} is not a text")
    words = "" if node.tag == NULL else line(node.value)
    if len(words) > LONGEST:
        raise Unreadable(f"its front matter's {key} is longer than {LONGEST} characters")
    return words
