"""Judged sets in BEIR's layout: ``corpus.jsonl`` (_id, title, text), ``queries.jsonl`` (_id, text) and judgements.

Judgements are ``qrels.tsv`` or ``qrels/test.tsv`` (query, document, grade; a header is skipped). Grades of 0 and below
mean not relevant.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchd.errors import StorageError
from searchd.index.records import Article, Block, Section
from searchd.text.language import detect

SAMPLE = 400  # texts whose language is detected
MIN_SHARE = 0.05  # of documents or queries; a language below it is a guess gone wrong, not a language of the set


@dataclass(frozen=True, slots=True)
class JudgedSet:
    """One collection with its questions; only questions that have judgements are kept."""

    name: str
    documents: tuple[tuple[str, str, str], ...]  # id, title, text
    queries: dict[str, str]
    judgements: dict[str, dict[str, int]]

    def document_languages(self) -> tuple[str, ...]:
        """Languages that the documents are in, detected, most frequent first."""
        return _languages(f"{title}\n{text}" for _, title, text in self.documents)

    def query_languages(self) -> tuple[str, ...]:
        """Languages that the questions are in, detected, most frequent first."""
        return _languages(self.queries.values())

    def articles(self, languages: tuple[str, ...]) -> Iterator[Article]:
        """Each document as extraction would hand it on: one section, its id as URL, its language detected."""
        for name, title, text in self.documents:
            lang = detect(f"{title}\n{text}", languages) or languages[0]
            yield Article(name, title, (Section((), "", (Block("paragraph", text),)),), lang=lang)


def find(folder: Path) -> list[Path]:
    """The set in ``folder``, or the sets right below it, by name; StorageError when there is none."""
    if (folder / "corpus.jsonl").is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob("*/corpus.jsonl"))
    if not found:
        raise StorageError(f"{folder} holds no corpus.jsonl", "give a BEIR folder, or a folder of such")
    return found


def load(folder: Path) -> JudgedSet:
    """Read one set; StorageError when a file is missing or broken."""
    try:
        documents = tuple(
            (d["_id"], d.get("title") or "", d.get("text") or "") for d in _lines(folder / "corpus.jsonl")
        )
        queries = {q["_id"]: q["text"] for q in _lines(folder / "queries.jsonl")}
        judgements = _judgements(folder)
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise StorageError(f"{folder} is no judged set: {error}") from error
    return JudgedSet(folder.name, documents, {q: t for q, t in queries.items() if q in judgements}, judgements)


def _judgements(folder: Path) -> dict[str, dict[str, int]]:
    path = folder / "qrels.tsv"
    if not path.is_file():
        path = folder / "qrels" / "test.tsv"
    found: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, document, grade = line.split("\t")[:3]
        if grade.strip().lstrip("-").isdigit():  # else it is the header
            found.setdefault(query, {})[document] = int(grade)
    return {query: grades for query, grades in found.items() if any(grade > 0 for grade in grades.values())}


def _languages(texts: Iterable[str]) -> tuple[str, ...]:
    """Two passes: the languages that are frequent when nothing is known, then frequent with these preferred."""
    every = list(texts)
    sample = every[:: max(1, len(every) // SAMPLE)]
    candidates: tuple[str, ...] = ()
    for _ in range(2):
        counts = Counter(detect(text, candidates) for text in sample)
        counts.pop("", None)
        total = sum(counts.values())
        candidates = tuple(lang for lang, count in counts.most_common() if count >= MIN_SHARE * total)
    return candidates or ("en",)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
