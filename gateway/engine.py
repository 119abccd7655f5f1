"""What is in force: one set of settings and all that was built from it, replaced as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.contract import Memory
from gateway.limits import Admission
from gateway.pipeline import Pipeline
from gateway.settings import Settings
from gateway.tokens import TokenLimits
from gateway.upstream.candidates import Candidates
from gateway.usage import Ledger

if TYPE_CHECKING:
    from gateway.lanes.catalog import Plan
    from gateway.lanes.kept import Kept
    from gateway.localmodel.supervisor import LocalModel
    from gateway.retrieval.knowledge import ServedKnowledge


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """``started`` is in seconds since 1970."""

    settings: Settings
    plan: Plan
    admission: Admission
    candidates: Candidates
    pipeline: Pipeline
    local: LocalModel | None
    memory: Memory
    kept: Kept
    knowledge: ServedKnowledge
    started: int = field(default=0)
    tokens: TokenLimits = field(default_factory=TokenLimits)
    usage: Ledger = field(default_factory=Ledger)
