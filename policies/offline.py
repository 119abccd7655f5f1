"""With no model to be reached, the assistant says so, and what is known without one: facts that the context holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from gateway.contract import Call, Chunk, Configured, Files, Policy, RateLimited, Services, Unavailable
from policies.common.data import facts
from policies.common.excerpt import excerpt
from policies.common.grounds import Grounds
from policies.common.markdown import literal
from policies.common.wording import Template

Text = Annotated[str, Field(pattern=r"\S", max_length=500)]


class OfflineFile(Configured):
    """``config/offline.yaml``. ``lines`` are templates (policies/common/wording.py), of which the first ``max_lines``
    that say something follow the ``answer``, under the ``heading``."""

    answer: Text
    heading: Text
    max_lines: Annotated[int, Field(ge=0, le=50)] = 12
    lines: list[Text]


class OfflineOptions(Configured):
    """``file`` is a file of the configuration folder."""

    file: str = "offline.yaml"


class Offline(Policy):
    """Response, of questions only: where no model answers, the configured words and what the context says. A reply
    that has begun and breaks is passed on, and so is every error that is about the request."""

    Options: ClassVar[type[BaseModel]] = OfflineOptions
    # Nearer to the caller than the memory, so that these words are not remembered as an answer.
    after: ClassVar[tuple[str, ...]] = ("actions", "private_topics")

    def __init__(self, options: OfflineOptions, services: Services) -> None:
        file = services.files.yaml(options.file, OfflineFile)
        self._answer, self._heading = file.answer.strip(), file.heading.strip()
        self._most = file.max_lines
        self._lines = list(_templates(services.files, options.file, file.lines))
        self._paths = frozenset().union(*(line.paths for line in self._lines))

    def response(self, call: Call, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The chunks as they come, or one in their place; a caller's own messages are answered without."""
        return chunks if call.question is None else self._answered(call.question.context, chunks)

    async def _answered(self, context: Mapping[str, Any], chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        begun = down = False
        try:
            async for chunk in chunks:
                begun = True
                yield chunk
        except (Unavailable, RateLimited):
            if begun:
                raise
            down = True
        if down:
            yield Chunk.saying(self._said(facts(context)), {"degraded": True}, finish="stop")

    def _said(self, known: Mapping[str, Any]) -> str:
        """Markdown: the answer and, where there are any, what is known as a list."""
        items = [f"- {literal(line)}" for line in islice(self._known(known), self._most)]
        return "\n\n".join([self._answer, self._heading, "\n".join(items)] if items else [self._answer])

    def _known(self, known: Mapping[str, Any]) -> Iterator[str]:
        """The lines that say something, without those with a number that is nowhere in the context."""
        brief = excerpt(known, self._paths)
        grounds = Grounds(brief)
        return (text for line in self._lines for text in line.lines(brief) if grounds.knows(text))


def _templates(files: Files, name: str, lines: list[str]) -> Iterator[Template]:
    nothing = Grounds()
    for index, line in enumerate(lines):
        try:
            template = Template(line)
            if template.lines({}):
                raise ValueError(f"{line!r} says something where the context says nothing")
            if any(nothing.text(text) is None for text in template.literals):
                raise ValueError(f"{line!r} holds a number of its own, which no context would hold")
        except ValueError as error:
            raise files.wrong(name, ("lines", index), str(error)) from None
        yield template
