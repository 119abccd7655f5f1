"""``python -m bench.retrieval.evaluate``: how often the right document is found, and a question that none answers told.

With local embeddings and by text only, through the real readers, store and search. Exit code 1 where a promise is not
kept.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bench.retrieval import index, questions
from bench.retrieval.corpus import CORPORA, Corpus
from bench.retrieval.questions import NOT_COVERED, Question
from gateway.retrieval.local_embedder import LocalEmbedder
from gateway.retrieval.search import search
from gateway.retrieval.store import Store

#: Passages that are asked for: a right one beyond them counts as not found.
LIMIT = 10
LEAST = {"hit3": 0.9, "mrr": 0.8, "precision": 0.9, "recall": 0.9}


class Outcome(NamedTuple):
    """What a question got: the rank of the first right passage, 0 where it got none; and whether it got nothing."""

    question: Question
    rank: int
    gap: bool


class Figures(NamedTuple):
    """Shares, 0 to 1, of the covered questions; then, of the gaps told, those that are some, and of the gaps that
    there are, those told. None where there is no question that it could be of."""

    total: int
    hit1: float | None
    hit3: float | None
    mrr: float | None
    precision: float | None
    recall: float | None


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """Of any selection of questions. A right passage below the threshold is not found."""
    covered = [one for one in outcomes if one.question.right]
    ranks = [one.rank for one in covered]
    told = [not one.question.right for one in outcomes if one.gap]
    gaps = [one.gap for one in outcomes if not one.question.right]
    return Figures(
        total=len(outcomes),
        hit1=_mean([rank == 1 for rank in ranks]),
        hit3=_mean([1 <= rank <= 3 for rank in ranks]),
        mrr=_mean([1 / rank if rank else 0 for rank in ranks]),
        precision=_mean(told),
        recall=_mean(gaps),
    )


def broken(found: Figures) -> list[str]:
    """The promises that are not kept, in words."""
    values = {name: getattr(found, name) for name in LEAST}
    return [
        f"{name} is {values[name]}, promised {least}"
        for name, least in LEAST.items()
        if values[name] is None or values[name] < least
    ]


def label(source: str) -> str:
    """What the questions call a document by: its file's name without the ending."""
    return PurePosixPath(source).stem


async def asked(store: Store, embedder: LocalEmbedder | None, labelled: Sequence[Question]) -> list[Outcome]:
    """Each question through the gateway's own search, with its usual threshold."""
    outcomes = []
    for question in labelled:
        found = await search(store, embedder, question.text, limit=LIMIT)
        if found.trouble:
            raise RuntimeError(found.trouble)
        right = [label(passage.source) in question.right for passage in found.passages]
        outcomes.append(Outcome(question, right.index(True) + 1 if any(right) else 0, not right))
    return outcomes


@asynccontextmanager
async def indexed(corpus: Corpus) -> AsyncIterator[tuple[Store, LocalEmbedder]]:
    """Its index, in a folder that is removed again, and the embedder."""
    embedder = LocalEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder, "documents")
        written = corpus.write(documents)
        print(f"{corpus.name}: {written} documents to be embedded", file=sys.stderr)
        store = await index.built(documents, Path(folder, "index"), embedder)
        yield store, embedder
        await store.aclose()
    await embedder.aclose()


def table(dense: Sequence[Outcome], text: Sequence[Outcome]) -> Iterator[str]:
    """Lines: by kind, then by half and all that is promised; embeddings on the left, text only on the right."""
    names = "  hit@1  hit@3    MRR   gap-P  gap-R"
    yield f"{'':<28}with local embeddings{'':<18}text only"
    yield f"{'':<18}count{names}   {names}"
    groups = {kind: [one for one in dense if one.question.kind == kind] for kind in _kinds(dense)}
    promised = [one for one in dense if one.question.promised]
    groups["development half"] = [one for one in promised if one.question.fits]
    groups["test half"] = judged(dense)
    groups["all but oblique"] = promised
    by_text = {one.question: one for one in text}
    for name, chosen in groups.items():
        left, right = figures(chosen), figures([by_text[one.question] for one in chosen])
        yield f"{name:<18}{left.total:>5}{_cells(left)}   {_cells(right)}"


def judged(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those of the half that no coefficient was fitted on."""
    return [one for one in outcomes if one.question.promised and not one.question.fits]


def _kinds(outcomes: Sequence[Outcome]) -> list[str]:
    kinds = dict.fromkeys(one.question.kind for one in outcomes)
    return [kind for kind in kinds if kind != NOT_COVERED] + [NOT_COVERED]


def _cells(found: Figures) -> str:
    return "".join("      -" if value is None else f"{value:>7.3f}" for value in found[1:])


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


async def evaluated(corpus: Corpus) -> list[str]:
    """Print its table; what was promised of it and is not kept."""
    labelled = questions.load(corpus.questions)
    async with indexed(corpus) as (store, embedder):
        dense, text = await asked(store, embedder, labelled), await asked(store, None, labelled)
    print(f"\n{corpus.name}", *table(dense, text), sep="\n")
    if not corpus.promised:
        return []
    failed = [f"test half: {words}" for words in broken(figures(judged(dense)))]
    return failed + [f"all: {words}" for words in broken(figures([one for one in dense if one.question.promised]))]


async def main() -> int:
    """Print the tables and what is not kept; 1 where something is not."""
    failed = [words for corpus in CORPORA for words in await evaluated(corpus)]
    print("\n" + ("\n".join(failed) or "every promise is kept"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
