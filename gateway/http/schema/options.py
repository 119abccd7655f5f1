"""What a chat and a response have in common beside their texts."""

from __future__ import annotations

from typing import Literal, Required

from typing_extensions import TypedDict

from gateway.http.schema.fields import STRICT, Model


@STRICT
class PolicyMode(TypedDict):
    mode: Literal["score", "block"]


@STRICT
class ModerationPolicy(TypedDict, total=False):
    input: PolicyMode | None
    output: PolicyMode | None


@STRICT
class Moderation(TypedDict, total=False):
    model: Required[Model]
    policy: ModerationPolicy | None


@STRICT
class CacheOptions(TypedDict, total=False):
    mode: Literal["implicit", "explicit"] | None
    ttl: Literal["30m"] | None
