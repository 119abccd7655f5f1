"""The JSON Schema of what a model is asked to fill in (draft 2020-12)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import re2
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry

from policies.common.fits import fits
from policies.common.plain import clipped, one_line

#: Keywords that hold one schema, a list of schemas, schemas by name.
ONE = (
    *("items", "additionalProperties", "contains", "not", "if", "then", "else", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
NAMED = ("properties", "$defs", "dependentSchemas")
#: What can't be followed here, or would let a model's text run a backtracking pattern.
REFUSED = ("$dynamicRef", "$dynamicAnchor", "$anchor", "$recursiveRef", "definitions", "patternProperties")
#: Checked here and not told to a provider: some of them refuse these.
UNTOLD = frozenset(
    {
        *("$schema", "$id", "$comment", "title", "default", "examples", "deprecated", "readOnly", "writeOnly"),
        *("minLength", "maxLength", "pattern", "format", "uniqueItems", "minProperties", "maxProperties"),
    }
)
#: What OpenAI's strict mode knows (its guide "Structured model outputs").
STRICT = frozenset(
    {
        *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "description", "anyOf"),
        *("$ref", "$defs", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    }
)
MOST_HOPS = 20
LONGEST_PROBLEM = 400
GONE = object()


class Schema:
    """Raises ValueError for a schema that is not valid, or refers to anything outside of itself."""

    def __init__(self, document: Any) -> None:
        if not isinstance(document, dict) or document.get("type") != "object":
            raise ValueError("the schema's 'type' must be 'object'")
        try:
            Draft202012Validator.check_schema(document)
        except SchemaError as error:
            raise ValueError(f"not a JSON Schema: {error.json_path}: {error.message}") from None
        self.root: Mapping[str, Any] = document
        self._patterns: dict[str, Any] = {}
        parts = list(_parts(document))
        for part in parts:
            self._check(part)
        self.names = frozenset(name for part in parts for name in part.get("properties", {}))
        checker = validators.extend(Draft202012Validator, {"pattern": self._pattern})
        self._validator = checker(document, registry=Registry())

    def problem(self, payload: Any) -> str | None:
        """What is wrong with ``payload``, in a line; None where it fits."""
        try:
            if fits(payload, self.root, self._resolved):
                return None
            error = best_match(self._validator.iter_errors(payload))
        except RecursionError:
            return "it is nested too deeply"
        return None if error is None else f"{error.json_path}: {one_line(error.message, LONGEST_PROBLEM)}"

    def fitted(self, payload: Any) -> Any:
        """``payload`` with what is too long clipped, what is too many left out, what lacks a part left out whole."""
        fitted = self._fit(payload, self.root)
        return {} if fitted is GONE else fitted

    def inner(self, node: Mapping[str, Any], key: str | None = None) -> Mapping[str, Any]:
        """The schema of a property or, without ``key``, of an item; an empty one where it isn't told."""
        found = node.get("items") if key is None else node.get("properties", {}).get(key)
        return self._resolved(found) if isinstance(found, dict) else {}

    def for_model(self, actions: Sequence[str]) -> tuple[dict[str, Any], bool]:
        """The schema as a provider is told it, and whether OpenAI's strict mode takes it."""
        told = _told(self.root, list(actions))
        return told, all(map(_strict, _parts(told)))

    def _fit(self, value: Any, node: Mapping[str, Any]) -> Any:
        if isinstance(value, dict):
            fitted = {key: self._fit(inner, self.inner(node, key)) for key, inner in value.items()}
            kept = {key: inner for key, inner in fitted.items() if inner is not GONE}
            return GONE if any(key not in kept for key in node.get("required", ())) else kept
        if isinstance(value, list):
            items = [item for item in (self._fit(item, self.inner(node)) for item in value) if item is not GONE]
            once = [item for index, item in enumerate(items) if item not in items[:index]]
            return once[: node.get("maxItems", len(once))]
        if isinstance(value, str):
            return _scalar(value, node)
        return value

    def _resolved(self, node: Any) -> Mapping[str, Any]:
        for _ in range(MOST_HOPS):
            if not isinstance(node, dict) or "$ref" not in node:
                return node if isinstance(node, dict) else {}
            reference = node["$ref"]
            node = self.root
            for part in reference.removeprefix("#").split("/")[1:]:
                node = node.get(part) if isinstance(node, dict) else None
            if not isinstance(node, dict):
                raise ValueError(f"'$ref' names {reference!r}, which the schema does not hold")
        raise ValueError("a '$ref' leads back to itself")

    def _check(self, part: Mapping[str, Any]) -> None:
        refused = [key for key in REFUSED if key in part]
        if refused or ("$id" in part and part is not self.root):
            raise ValueError(f"the keyword {(refused or ['$id'])[0]!r} is not supported; use '$defs' and '$ref'")
        if "$ref" in part and not part["$ref"].startswith("#/"):
            raise ValueError(f"'$ref' must begin with '#/', as nothing is fetched; it is {part['$ref']!r}")
        self._resolved(part)
        if "pattern" in part:
            try:
                self._patterns[part["pattern"]] = re2.compile(part["pattern"])
            except re2.error as error:
                raise ValueError(f"the pattern {part['pattern']!r} can't be used: {error}") from None

    def _pattern(self, _validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
        """``pattern`` by RE2, so that no text can make it slow."""
        if isinstance(instance, str) and not self._patterns[pattern].search(instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _scalar(text: str, node: Mapping[str, Any]) -> Any:
    """A text, clipped or, where the schema wants a number, the number that it writes."""
    if node.get("type") not in ("number", "integer"):
        return clipped(text, node.get("maxLength", len(text))) or GONE
    try:
        return json.loads(text)
    except ValueError:
        return GONE


def _parts(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every schema within a schema, itself first."""
    if not isinstance(node, dict):
        return
    yield node
    for key in ONE:
        yield from _parts(node.get(key))
    for key in MANY:
        for part in node.get(key, ()):
            yield from _parts(part)
    for key in NAMED:
        for part in node.get(key, {}).values():
            yield from _parts(part)


def _told(node: Any, actions: list[str]) -> Any:
    if not isinstance(node, dict):
        return node
    told = {key: value for key, value in node.items() if key not in UNTOLD}
    told |= {key: _told(told[key], actions) for key in ONE if key in told}
    told |= {key: [_told(part, actions) for part in told[key]] for key in MANY if key in told}
    told |= {key: {name: _told(part, actions) for name, part in told[key].items()} for key in NAMED if key in told}
    action = told.get("properties", {}).get("action")
    if isinstance(action, dict) and action.get("type") == "string" and not {"enum", "const"} & set(action):
        action["enum"] = actions
    return told


def _strict(part: Mapping[str, Any]) -> bool:
    if set(part) - STRICT or not {"type", "$ref", "anyOf", "enum", "const"} & set(part):
        return False
    if part.get("type") != "object":
        return "properties" not in part
    return part.get("additionalProperties") is False and set(part.get("required", ())) == set(
        part.get("properties", {})
    )
