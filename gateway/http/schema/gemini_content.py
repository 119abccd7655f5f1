"""What the contents and tools of Gemini's own API hold.

Google takes every name in camelCase and in snake_case, and one value where a list of them is due; so does this. Names
that only Google's own services could honour are known here, to be refused in words.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required, TypeVar

from pydantic import AliasChoices, AliasGenerator, BeforeValidator, ConfigDict, Field, WithJsonSchema, with_config
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from gateway.http.schema.fields import Schema, Text

T = TypeVar("T")
GOOGLE = with_config(
    ConfigDict(
        extra="forbid",
        strict=True,
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(to_camel(name), name)),
    )
)


def _refused(value: Any) -> Any:
    if value is not None:
        raise ValueError("only Google's own services could do this, and this gateway asks any model")
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict | str) else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


Absent = Annotated[Any, BeforeValidator(_refused), WithJsonSchema({"type": "null"})]
Many = Annotated[list[T], BeforeValidator(_listed)]
#: Google's words are read in any case.
Word = BeforeValidator(_upper)
FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.:-]{0,127}$")]
MediaType = Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$", max_length=128)]
Signature = Annotated[str, Field(max_length=1_000_000)]


@GOOGLE
class Blob(TypedDict, total=False):
    mime_type: Required[MediaType]
    data: Required[Annotated[str, Field(min_length=1)]]
    display_name: str | None


@GOOGLE
class FileData(TypedDict, total=False):
    file_uri: Required[Annotated[str, Field(min_length=1, max_length=8192)]]
    mime_type: MediaType | None
    display_name: str | None


@GOOGLE
class FunctionCall(TypedDict, total=False):
    id: str | None
    name: Required[FunctionName]
    args: dict[str, Any] | None
    partial_args: Absent
    will_continue: Literal[False] | None


@GOOGLE
class FunctionResponse(TypedDict, total=False):
    id: str | None
    name: Required[FunctionName]
    response: dict[str, Any] | None
    parts: Absent
    scheduling: Absent
    will_continue: Literal[False] | None


@GOOGLE
class Part(TypedDict, total=False):
    """One of ``text``, ``inline_data``, ``file_data``, ``function_call`` and ``function_response``."""

    text: Text | None
    inline_data: Blob | None
    file_data: FileData | None
    function_call: FunctionCall | None
    function_response: FunctionResponse | None
    thought: bool | None
    thought_signature: Signature | None
    executable_code: Absent
    code_execution_result: Absent
    tool_call: Absent
    tool_response: Absent


@GOOGLE
class Content(TypedDict, total=False):
    parts: Many[Part] | None
    role: Literal["user", "model", "function"] | None


def _said(value: Any) -> Any:
    """A text by itself is the user's."""
    return {"role": "user", "parts": [{"text": value}]} if isinstance(value, str) else value


System = Annotated[Content, BeforeValidator(_said)]
Contents = Annotated[
    list[Annotated[Content, BeforeValidator(_said)]], BeforeValidator(_listed), Field(min_length=1, max_length=2048)
]


@GOOGLE
class FunctionDeclaration(TypedDict, total=False):
    name: Required[FunctionName]
    description: Text | None
    parameters: Schema | None
    parameters_json_schema: Schema | None
    # What a function gives back is told by its response.
    response: dict[str, Any] | None
    response_json_schema: Any
    behavior: Annotated[Literal["UNSPECIFIED", "BLOCKING"], Word] | None


@GOOGLE
class Tool(TypedDict, total=False):
    function_declarations: Annotated[Many[FunctionDeclaration], Field(max_length=128)] | None
    google_search: Absent
    google_search_retrieval: Absent
    code_execution: Absent
    url_context: Absent
    computer_use: Absent
    file_search: Absent
    google_maps: Absent
    mcp_servers: Absent


@GOOGLE
class FunctionCallingConfig(TypedDict, total=False):
    mode: Annotated[Literal["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"], Word] | None
    allowed_function_names: Many[FunctionName] | None
    stream_function_call_arguments: Literal[False] | None


@GOOGLE
class ToolConfig(TypedDict, total=False):
    function_calling_config: FunctionCallingConfig | None
    retrieval_config: Absent
    include_server_side_tool_invocations: Literal[False] | None
