"""What a crawl came to: plain values that the guard, the log and ``indexer status`` read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a crawl is: pages answered in this run, addresses waiting."""

    done: int
    queued: int


@dataclass(slots=True)
class CrawlReport:
    """Counts of one run. A page asked for ends in exactly one of the outcomes.

    ``new``, ``changed`` and ``unchanged`` are pages in hand (``not_modified`` counts those of the unchanged that were
    answered 304); ``redirects``, ``missing`` (never a page) and ``refused`` (not a document we keep) are none;
    ``suspect`` are pages that were answered 404 once and keep their copy, ``gone`` those deleted; ``failed`` counts by
    reason and touches no copy. ``skipped`` counts addresses that were not asked for, by reason, with one ``examples``
    sentence each. ``complete`` is False when the run was cut short; the next one continues it.
    """

    fetched: int = 0
    not_modified: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    redirects: int = 0
    missing: int = 0
    refused: int = 0
    suspect: int = 0
    gone: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    start_page_ok: bool = False
    robots_ok: bool = False
    complete: bool = False
    duration_s: float = 0.0
    problems: list[str] = field(default_factory=list)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """The report that ``dataclasses.asdict`` took apart; unknown keys are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in facts.items() if name in known})

    @property
    def failures(self) -> int:
        """Pages that could not be fetched."""
        return sum(self.failed.values())

    def skip(self, reason: str, example: str) -> None:
        """Count an address that is not asked for; the first of each reason is kept as its example."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        self.examples.setdefault(reason, example)

    def unskip(self, reason: str) -> None:
        """Take one count back."""
        self.skipped[reason] -= 1
        if not self.skipped[reason]:
            del self.skipped[reason], self.examples[reason]

    def fail(self, reason: str, example: str) -> None:
        """Count a page that could not be fetched."""
        self.failed[reason] = self.failed.get(reason, 0) + 1
        self.examples.setdefault(reason, example)

    def summary(self) -> str:
        """One line for the log."""
        parts = [
            f"{self.fetched} answers in {self.duration_s:.1f} s",
            f"{self.new} new, {self.changed} changed, {self.unchanged} unchanged ({self.not_modified} not modified)",
        ]
        optional = (
            ("gone", self.gone), ("not found once", self.suspect), ("broken links", self.missing),
            ("redirects", self.redirects), ("other files", self.refused),
        )  # fmt: skip
        parts += [f"{count} {name}" for name, count in optional if count]
        if self.failed:
            parts.append(f"failed: {counted(self.failed)}")
        if self.skipped:
            parts.append(f"skipped: {counted(self.skipped)}")
        return "; ".join(parts) + ("" if self.complete else "; cut short")


def counted(reasons: Mapping[str, int]) -> str:
    """Reasons with their counts, the most frequent first."""
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {why}" for why, count in ranked)
