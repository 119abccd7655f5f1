"""The knowledge base of a serving process: opens the index once there is one, asks it in time, tells how it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from importlib import import_module
from importlib.util import find_spec

from gateway.contract import Passage, Unavailable
from gateway.retrieval import lance
from gateway.retrieval.embedders import AnyEmbedder, Models, matching
from gateway.retrieval.local_embedder import LocalEmbedder
from gateway.retrieval.search import search
from gateway.retrieval.store import Store, StoreError
from gateway.retrieval.types import Active, EmbedderError
from gateway.settings.schema import KnowledgeBase

Open = Callable[[KnowledgeBase], Awaitable[Store | None]]
Log = Callable[..., None]
#: To open an index takes its libraries in, and the embeddings' model; of this the storage itself has ``seconds``.
OPEN_SECONDS = 30.0
#: After so many failures in a row it is left alone for ``refresh_seconds``, so that callers don't wait in vain.
FAILURES = 3


class ServedKnowledge:
    """``contract.Knowledge`` over an index. An index that comes to be, or changes, is seen after ``refresh_seconds``;
    nothing heavy is taken in before there is one."""

    def __init__(
        self,
        settings: KnowledgeBase,
        models: Models,
        log: Log,
        *,
        open_store: Open = lance.opened_for_reading,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.models = models
        #: What is wrong, in words; empty where nothing is.
        self.failure = self.trouble = ""
        self._log = log
        self._open_store = open_store
        self._clock = clock
        self._there = False
        self._checked: float | None = None
        self._store: Store | None = None
        self._opening: asyncio.Task[Store | None] | None = None
        self._embedder: AnyEmbedder | None = None
        self._embeds: Active | None = None
        self._switching = asyncio.Lock()
        self._failures = 0
        self._rests_until = 0.0
        #: Until then it is searched by words alone, since the last search by meaning failed.
        self._words_until = 0.0

    @property
    def there(self) -> bool:
        """Whether there is an index; of an object storage that is believed until it was looked at. Looks at most once
        in ``refresh_seconds``, at a folder's entry and nothing more."""
        now = self._clock()
        if self._checked is None or now - self._checked >= self.settings.refresh_seconds:
            self._checked = now
            self._there = lance.may_be_there(self.settings.store)
        return self._there

    async def search(
        self, query: str, *, limit: int, categories: Collection[str] = (), threshold: float | None = None
    ) -> Sequence[Passage]:
        """See ``contract.Knowledge``."""
        store = await self.store()
        if store is None:
            return ()
        try:
            embedder = None if self._clock() < self._words_until else await self._matching(store)
            async with asyncio.timeout(self.settings.seconds):
                found = await search(
                    store,
                    embedder,
                    query,
                    limit=limit,
                    categories=categories,
                    threshold=self.settings.threshold if threshold is None else threshold,
                    dense_weight=self.settings.dense_weight,
                )
        except TimeoutError:
            raise self._failed(f"a search took over {self.settings.seconds:g} s") from None
        except StoreError as error:
            self._store = None  # it is opened anew, as it may be another one by now
            raise self._failed(str(error)) from None
        except Exception as error:  # of whatever kind a library's is: the assistant goes on without
            self._store = None
            raise self._failed(f"a search failed ({type(error).__name__})") from error
        self._went_well(found.trouble, by_words=embedder is None)
        return found.passages

    async def store(self) -> Store | None:
        """The open index, or None where there is none; raises Unavailable."""
        if self._clock() < self._rests_until:
            raise _unavailable(self._rests_until - self._clock())
        if not self.there:
            return None
        if self._store is not None:
            return self._store
        if self._opening is None:
            self._opening = asyncio.create_task(self._opened())
            self._opening.add_done_callback(self._no_longer_opening)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                return await asyncio.shield(self._opening)
        except TimeoutError:
            raise self._failed("the index can't be opened in time", rests=True) from None
        except StoreError as error:
            raise self._failed(str(error), rests=True) from None
        except Exception as error:
            raise self._failed(f"the index can't be opened ({type(error).__name__})", rests=True) from error

    async def embedder(self) -> AnyEmbedder | None:
        """What the index is asked with now; None for text only. Raises Unavailable."""
        store = await self.store()
        try:
            return None if store is None else await self._matching(store)
        except (StoreError, TimeoutError) as error:
            raise self._failed(str(error) or "the index does not answer in time") from None
        except Exception as error:
            raise self._failed(f"the embeddings can't be told ({type(error).__name__})") from error

    async def aclose(self) -> None:
        """Let go of the index and the embeddings."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        for held in (self._store, self._embedder):
            if held is not None:
                await held.aclose()
        self._store = self._embedder = None

    async def _opened(self) -> Store | None:
        if find_spec("lancedb") is not None:  # it takes seconds, in which others want to be served
            await asyncio.to_thread(import_module, "gateway.retrieval.lance_store")
        async with asyncio.timeout(self.settings.seconds):
            store = await self._open_store(self.settings)
        if store is None:
            self._there = False
            return None
        await self._matching(store)
        self._store = store
        self._log("info", "knowledge_opened", embeddings=self._embedder.name if self._embedder else None)
        return store

    def _no_longer_opening(self, task: asyncio.Task[Store | None]) -> None:
        self._opening = None
        if not task.cancelled():
            task.exception()  # whoever waited for it has it; asyncio would tell of it once more

    async def _matching(self, store: Store) -> AnyEmbedder | None:
        """The embedder of the index's own embeddings."""
        async with asyncio.timeout(self.settings.seconds):
            active = await store.look()
        if active == self._embeds:
            return self._embedder
        async with self._switching:
            if active != self._embeds:
                await self._switch(active)
        return self._embedder

    async def _switch(self, active: Active | None) -> None:
        unwanted = active is None or self.settings.embeddings == "none"
        made = None if unwanted or active is None else matching(active.model, active.dimension, self.models)
        if isinstance(made, LocalEmbedder):
            try:
                await made.embed(["warm"])
            except EmbedderError as error:
                self._log("warning", "knowledge_embeddings", detail=str(error))
        self._embedder, self._embeds = made, active  # searches under way still use the old one

    def _failed(self, words: str, *, rests: bool = False) -> Unavailable:
        self._failures += 1
        if words != self.failure:
            self._log("error", "knowledge_failed", detail=words)
        self.failure = words
        if rests or self._failures >= FAILURES:
            self._rests_until = self._clock() + self.settings.refresh_seconds
        return _unavailable(self.settings.refresh_seconds)

    def _went_well(self, trouble: str, *, by_words: bool) -> None:
        self._failures, self.failure = 0, ""
        if by_words and self._clock() < self._words_until:
            return
        if trouble:  # else every question would wait for embeddings that don't come
            self._words_until = self._clock() + self.settings.refresh_seconds
        if trouble and trouble != self.trouble:
            self._log("warning", "knowledge_trouble", detail=trouble)
        self.trouble = trouble


def _unavailable(seconds: float) -> Unavailable:
    message = "The knowledge base can't be read at the moment; GET /rag/health says why."
    return Unavailable(message, code="knowledge_unavailable", retry_after=seconds)
