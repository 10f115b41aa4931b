"""Summaries of an indexed site beside the descriptions that its authors wrote, and beside the pages' first sentences.

    python -m benchmarks summaries --data data/www.example.org

ROUGE-1 and ROUGE-2 (Lin 2004), F1 of words and of pairs of words, averaged over the pages whose description has twelve
words or more. Descriptions that repeat the text are shown apart: they are its opening most of the time.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from searchd.errors import EcholotError
from searchd.index import snapshot
from searchd.index.opened import Index
from searchd.index.summaries import sentences

_MIN_WORDS = 12  # of a description
_COPIED = 8  # words in a row that a description shares with the text


class Case(NamedTuple):
    """One page: what its author, its first sentences and its summary say. copied: the author's words are the text's."""

    description: str
    opening: str
    summary: str
    copied: bool


def main(argv: Sequence[str]) -> int:
    """Measure the served snapshot; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks summaries", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a site's data folder, the one that holds CURRENT")
    options = parser.parse_args(argv)
    try:
        opened = snapshot.open_snapshot(options.data, snapshot.current(options.data))
        index = Index.open(opened.folder)
    except EcholotError as error:
        print(f"benchmarks summaries: {error}", file=sys.stderr)
        return error.exit_code
    found = list(cases(index))
    index.close()
    print(f"{'descriptions':<14}{'pages':>6}  {'':<16}{'ROUGE-1':>8}{'ROUGE-2':>9}")
    for name, chosen in (("their own", [c for c in found if not c.copied]), ("copied", [c for c in found if c.copied])):
        for method in ("summary", "opening") if chosen else ():
            scores = [[rouge(getattr(c, method), c.description, size) for c in chosen] for size in (1, 2)]
            means = "".join(f"{statistics.fmean(values):>8.4f} " for values in scores)
            print(f"{name:<14}{len(chosen):>6}  {method:<16}{means}")
    return 0


def cases(index: Index) -> Iterator[Case]:
    """The pages that have a summary and a description, the opening as long as the summary."""
    for page in index.pages.all_pages():
        wanted = words(page.description.rstrip(".… "))
        if not page.summary or len(wanted) < _MIN_WORDS:
            continue
        texts = [part.text for part in index.pages.passages(range(page.first_row, page.first_row + page.n_passages))]
        opening = [sentence.text for sentence in sentences(texts, page.lang)[: len(page.summary)]]
        body = " ".join(words(" ".join(texts)))
        runs = (" ".join(wanted[at : at + _COPIED]) for at in range(len(wanted) - _COPIED + 1))
        yield Case(page.description, " ".join(opening), " ".join(page.summary), any(run in body for run in runs))


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"\w+", text.lower())


def rouge(text: str, reference: str, size: int) -> float:
    """F1 of the runs of ``size`` words that both hold, 0..1."""
    ours, theirs = (
        Counter(zip(*(found[at:] for at in range(size)), strict=False)) for found in (words(text), words(reference))
    )
    both = (ours & theirs).total()
    return 2 * both / (ours.total() + theirs.total()) if both else 0.0
