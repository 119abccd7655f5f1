"""What ``input`` of ``POST /v1/responses`` may hold: messages, function calls and what came of them, field by field.

Items of tools that OpenAI runs itself are told by their type only: they go to OpenAI and to nobody else, unread.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, Required

from pydantic import Discriminator, Field, Tag
from typing_extensions import TypedDict

from gateway.http.schema.fields import LOOSE, STRICT, Text, by, shape

Id = Annotated[str, Field(min_length=1, max_length=256)]
Status = Literal["in_progress", "completed", "incomplete"]


@STRICT
class CacheBreakpoint(TypedDict):
    mode: Literal["explicit"]


@STRICT
class InputText(TypedDict):
    type: Literal["input_text"]
    text: Text
    prompt_cache_breakpoint: NotRequired[CacheBreakpoint | None]


@STRICT
class InputImage(TypedDict, total=False):
    type: Required[Literal["input_image"]]
    detail: Literal["low", "high", "auto", "original"] | None
    image_url: Annotated[str, Field(min_length=1)] | None
    file_id: Id | None
    prompt_cache_breakpoint: CacheBreakpoint | None


@STRICT
class InputFile(TypedDict, total=False):
    type: Required[Literal["input_file"]]
    detail: Literal["auto", "low", "high"] | None
    file_data: Annotated[str, Field(min_length=1)] | None
    file_id: Id | None
    file_url: Annotated[str, Field(min_length=1)] | None
    filename: str | None
    prompt_cache_breakpoint: CacheBreakpoint | None


@STRICT
class OutputText(TypedDict, total=False):
    type: Required[Literal["output_text"]]
    text: Required[Text]
    annotations: list[Any] | None
    logprobs: list[Any] | None
    # The client's ``parse`` adds it, and what it gives is sent back as it is.
    parsed: Any


@STRICT
class Refused(TypedDict):
    type: Literal["refusal"]
    refusal: Text


InputPart = Annotated[
    Annotated[InputText, Tag("<input_text>")]
    | Annotated[InputImage, Tag("<input_image>")]
    | Annotated[InputFile, Tag("<input_file>")],
    Discriminator(by("type")),
]
OutputPart = Annotated[
    Annotated[OutputText, Tag("<output_text>")]
    | Annotated[Refused, Tag("<refusal>")]
    | Annotated[InputText, Tag("<input_text>")],
    Discriminator(by("type")),
]


@STRICT
class AskingMessage(TypedDict, total=False):
    """A message of a user, or an instruction of the developer."""

    role: Required[Literal["user", "system", "developer"]]
    content: Required[
        Annotated[
            Annotated[Text, Tag("<text>")] | Annotated[list[InputPart], Tag("<list>"), Field(min_length=1)],
            Discriminator(shape),
        ]
    ]
    type: Literal["message"]
    id: Id | None
    status: Status | None
    phase: Literal["commentary", "final_answer"] | None


@STRICT
class AnsweringMessage(TypedDict, total=False):
    """An earlier answer, as it was given or in the caller's own words."""

    role: Required[Literal["assistant"]]
    content: Required[
        Annotated[
            Annotated[Text, Tag("<text>")] | Annotated[list[OutputPart], Tag("<list>")],
            Discriminator(shape),
        ]
    ]
    type: Literal["message"]
    id: Id | None
    status: Status | None
    phase: Literal["commentary", "final_answer"] | None


@STRICT
class Caller(TypedDict, total=False):
    type: Required[Literal["direct", "program"]]
    caller_id: Id


@STRICT
class FunctionCall(TypedDict, total=False):
    type: Required[Literal["function_call"]]
    call_id: Required[Id]
    name: Required[Annotated[str, Field(min_length=1, max_length=256)]]
    arguments: Required[str]
    id: Id | None
    status: Status | None
    caller: Caller | None
    namespace: str | None
    # Gemini's thought signatures ride on its tool calls and must come back with them.
    provider_specific_fields: dict[str, Any] | None
    # OpenAI's own client adds it to replies that it has parsed.
    parsed_arguments: Any


@STRICT
class FunctionCallOutput(TypedDict, total=False):
    type: Required[Literal["function_call_output"]]
    call_id: Required[Id]
    output: Required[
        Annotated[Annotated[Text, Tag("<text>")] | Annotated[list[InputPart], Tag("<list>")], Discriminator(shape)]
    ]
    id: Id | None
    status: Status | None
    caller: Caller | None
    name: str | None
    namespace: str | None


@STRICT
class ReasoningText(TypedDict):
    type: Literal["summary_text", "reasoning_text"]
    text: Text


@STRICT
class Reasoning(TypedDict, total=False):
    type: Required[Literal["reasoning"]]
    summary: Required[list[ReasoningText]]
    id: Id | None
    content: list[ReasoningText] | None
    encrypted_content: str | None
    status: Status | None


@STRICT
class ItemReference(TypedDict, total=False):
    id: Required[Id]
    type: Literal["item_reference"] | None


@LOOSE
class HostedItem(TypedDict):
    """An item of a tool that OpenAI runs."""

    type: str


def _kind(item: Any) -> str:
    """A discriminator: an item without a type is a message or, without a role, a reference."""
    if not isinstance(item, dict):
        return "<>"
    absent = "message" if "role" in item or "content" in item else "item_reference" if "id" in item else None
    return f"<{item.get('type') or absent}>"


Message = Annotated[
    Annotated[AskingMessage, Tag("<user>")]
    | Annotated[AskingMessage, Tag("<system>")]
    | Annotated[AskingMessage, Tag("<developer>")]
    | Annotated[AnsweringMessage, Tag("<assistant>")],
    Discriminator(by("role")),
]
Item = Annotated[
    Annotated[Message, Tag("<message>")]
    | Annotated[FunctionCall, Tag("<function_call>")]
    | Annotated[FunctionCallOutput, Tag("<function_call_output>")]
    | Annotated[Reasoning, Tag("<reasoning>")]
    | Annotated[ItemReference, Tag("<item_reference>")]
    | Annotated[HostedItem, Tag("<additional_tools>")]
    | Annotated[HostedItem, Tag("<apply_patch_call>")]
    | Annotated[HostedItem, Tag("<apply_patch_call_output>")]
    | Annotated[HostedItem, Tag("<code_interpreter_call>")]
    | Annotated[HostedItem, Tag("<compaction>")]
    | Annotated[HostedItem, Tag("<compaction_trigger>")]
    | Annotated[HostedItem, Tag("<computer_call>")]
    | Annotated[HostedItem, Tag("<computer_call_output>")]
    | Annotated[HostedItem, Tag("<custom_tool_call>")]
    | Annotated[HostedItem, Tag("<custom_tool_call_output>")]
    | Annotated[HostedItem, Tag("<file_search_call>")]
    | Annotated[HostedItem, Tag("<image_generation_call>")]
    | Annotated[HostedItem, Tag("<local_shell_call>")]
    | Annotated[HostedItem, Tag("<local_shell_call_output>")]
    | Annotated[HostedItem, Tag("<mcp_approval_request>")]
    | Annotated[HostedItem, Tag("<mcp_approval_response>")]
    | Annotated[HostedItem, Tag("<mcp_call>")]
    | Annotated[HostedItem, Tag("<mcp_list_tools>")]
    | Annotated[HostedItem, Tag("<program>")]
    | Annotated[HostedItem, Tag("<program_output>")]
    | Annotated[HostedItem, Tag("<shell_call>")]
    | Annotated[HostedItem, Tag("<shell_call_output>")]
    | Annotated[HostedItem, Tag("<tool_search_call>")]
    | Annotated[HostedItem, Tag("<tool_search_output>")]
    | Annotated[HostedItem, Tag("<web_search_call>")],
    Discriminator(_kind),
]
