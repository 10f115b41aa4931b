"""A site's own golden questions: do its visitors find what they ask for, and did a new snapshot make it worse?

``questions.toml`` holds one ``[[question]]`` each: ``question``, optional ``lang``, ``pages`` (paths or URLs that
answer it in full), ``also`` (that help in part), or ``unanswerable = true`` when the honest answer is no result.
"""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from searchd.engine import Engine
from searchd.errors import ConfigError
from searchd.index.pages import url_path
from searchd.query import Query
from searchd.ranking.measures import hit, ndcg, paired_p, reciprocal_rank

FULL, PART = 2, 1  # grades of ``pages`` and ``also``
DEPTH = 10
_KEYS = frozenset({"question", "lang", "pages", "also", "unanswerable"})


@dataclass(frozen=True, slots=True)
class Question:
    """One golden question; ``grades`` maps URL paths to grades, empty when the site has no answer."""

    text: str
    lang: str
    grades: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one snapshot made of one question; ``refused``: it was told that nothing is relevant."""

    ndcg: float
    hit_1: float
    hit_3: float
    mrr: float
    refused: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A snapshot's outcomes, question by question; for an unanswerable one every measure is 1 when it was refused."""

    questions: tuple[Question, ...]
    outcomes: tuple[Outcome, ...]

    def mean(self, measure: str, *, answerable: bool = True) -> float:
        """Mean of a measure over the answerable (or the unanswerable) questions; 1.0 when there are none."""
        values = [
            float(getattr(outcome, measure))
            for question, outcome in zip(self.questions, self.outcomes, strict=True)
            if bool(question.grades) == answerable
        ]
        return statistics.fmean(values) if values else 1.0

    def summary(self) -> str:
        """One line for people."""
        answerable = sum(bool(question.grades) for question in self.questions)
        line = f"{answerable} questions: " + ", ".join(
            f"{name} {self.mean(field):.3f}"
            for name, field in (("hit@1", "hit_1"), ("hit@3", "hit_3"), ("nDCG@10", "ndcg"), ("MRR", "mrr"))
        )
        others = len(self.questions) - answerable
        return line + (
            f"; {others} without an answer: {self.mean('ndcg', answerable=False):.0%} refused" if others else ""
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two snapshots under the same questions: difference of mean nDCG@10 (new - old) and its p (paired)."""

    difference: float
    p: float
    worse: tuple[str, ...]  # questions that lost, most first

    def refusal(self, margin: float) -> str:
        """Why the new snapshot must not be published, "" when it may."""
        if self.difference >= -margin:
            return ""
        lost = "; ".join(self.worse[:3])
        return f"golden questions fell by {-self.difference:.3f} nDCG@10 (allowed: {margin:.3f}); worst: {lost}"


def load(path: Path) -> tuple[Question, ...]:
    """Read a questions file. Raises ConfigError that names the file, the question and what is wrong with it."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("question", [])
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error
    if not isinstance(tables, list) or not tables:
        raise ConfigError(f"{path} holds no [[question]]", "write at least one")
    return tuple(_question(path, number, table) for number, table in enumerate(tables, start=1))


def evaluate(engine: Engine, questions: Sequence[Question]) -> Report:
    """Put every question to an engine."""
    return Report(tuple(questions), tuple(_outcome(engine, question) for question in resolved(engine, questions)))


def resolved(engine: Engine, questions: Sequence[Question]) -> tuple[Question, ...]:
    """The questions with each page under the path that a snapshot knows it by; they may name another address of it."""
    first = engine.page(0).url if len(engine.index.pages) else ""
    origin = first.removesuffix(url_path(first))

    def known(path: str) -> str:
        page = engine.page_by_url(origin + path)
        return path if page is None else url_path(page.url)

    return tuple(replace(one, grades={known(path): grade for path, grade in one.grades.items()}) for one in questions)


def compare(new: Report, old: Report) -> Comparison:
    """Compare two reports of the same questions."""
    pairs = list(zip(new.questions, new.outcomes, old.outcomes, strict=True))
    after, before = [n.ndcg for _, n, _ in pairs], [o.ndcg for _, _, o in pairs]
    lost = sorted((n.ndcg - o.ndcg, question.text) for question, n, o in pairs if n.ndcg < o.ndcg)
    return Comparison(
        statistics.fmean(after) - statistics.fmean(before), paired_p(after, before), tuple(text for _, text in lost)
    )


def _outcome(engine: Engine, question: Question) -> Outcome:
    answer = engine.search(Query(question.text, limit=DEPTH, lang=question.lang))
    if not question.grades:
        honest = float(answer.nothing_relevant)
        return Outcome(honest, honest, honest, honest, answer.nothing_relevant)
    ranking = [] if answer.nothing_relevant else [url_path(found.url) for found in answer.hits]
    grades = question.grades
    return Outcome(
        ndcg(ranking, grades, DEPTH),
        hit(ranking, grades, 1),
        hit(ranking, grades, 3),
        reciprocal_rank(ranking, grades),
        answer.nothing_relevant,
    )


def _question(path: Path, number: int, table: Mapping[str, Any]) -> Question:
    place = f"{path}, question {number}"
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise ConfigError(f"{place}: unknown key {unknown[0]!r}", f"known: {', '.join(sorted(_KEYS))}")
    text = table.get("question", "")
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f"{place}: there is no question", 'question = "..."')
    grades = {url_path(page): PART for page in _pages(place, table, "also")}
    grades |= {url_path(page): FULL for page in _pages(place, table, "pages")}
    if bool(table.get("unanswerable", False)) == bool(grades):
        raise ConfigError(f"{place}: give pages that answer it, or unanswerable = true (not both)")
    return Question(text, str(table.get("lang", "")), grades)


def _pages(place: str, table: Mapping[str, Any], key: str) -> list[str]:
    pages = table.get(key, [])
    if not isinstance(pages, list) or not all(isinstance(page, str) for page in pages):
        raise ConfigError(f"{place}: {key} must be a list of paths")
    return pages
