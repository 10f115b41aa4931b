"""What slips of the keyboard cost, and whether the confidence knows when a site has no answer, on judged sets.

Slips: every question again with one random edit (a letter replaced, left out or put in, or two swapped) in one of its
words of four letters or more. No answer: every set's questions put to the other sets' indexes, but for sets that are
made of the same documents. Everything goes the way of ``benchmarks quality``.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import string
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks import beir
from benchmarks.quality import ask, indexed, judged_options, with_settings
from searchd.engine import Engine
from searchd.errors import EcholotError
from searchd.query import Query
from searchd.ranking.measures import auroc
from searchd.ranking.order import Ranking
from searchd.settings import ModelSettings, RankingSettings

SEED = 7
SHOWN = 10  # pages among which a question's first relevant one must be to be kept or lost
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True)
class Doubt:
    """What the confidence of one index says of questions that it can and cannot answer.

    best, foreign: the greatest confidence among the results of each question of the set, of each of another.
    first: the confidence of the first relevant page, for questions that have one among the first ``SHOWN``.
    """

    best: list[float]
    first: list[float]
    foreign: dict[str, list[float]]

    def rows(self, threshold: float) -> Iterator[tuple[str, dict[str, float]]]:
        """For each foreign set: AUROC, share of its questions that are turned away, share of own answers kept."""
        kept = statistics.fmean(value >= threshold for value in self.first) if self.first else 1.0
        for name, values in self.foreign.items():
            refused = statistics.fmean(value < threshold for value in values)
            yield name, {"auroc": auroc(self.best, values), "refused": refused, "kept": kept}


def with_slip(text: str, draw: random.Random) -> str:
    """Return the text with one random edit in one random word of four letters or more; as it is without such a word."""
    words = list(_WORD.finditer(text))
    if not words:
        return text
    word = draw.choice(words)
    at, letter = draw.randrange(word.start(), word.end()), draw.choice(string.ascii_lowercase)
    match draw.choice(("replace", "omit", "insert", "swap")):
        case "replace":
            return text[:at] + letter + text[at + 1 :]
        case "omit":
            return text[:at] + text[at + 1 :]
        case "insert":
            return text[:at] + letter + text[at:]
        case _:
            at = min(at, word.end() - 2)
            return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def same_documents(one: beir.JudgedSet, other: beir.JudgedSet) -> bool:
    """Whether more than half of the smaller set's documents are the other's, by id (as translations) or by text."""
    for field in (0, 2):
        both = [{document[field] for document in judged.documents} for judged in (one, other)]
        if 2 * len(both[0] & both[1]) > min(map(len, both)):
            return True
    return False


def slips(engine: Engine, judged: beir.JudgedSet, settings: RankingSettings) -> dict[str, float]:
    """Return nDCG@10 of the questions as they are, with a slip, and with a slip that is not corrected."""
    draw = random.Random(SEED)
    slipped = replace(judged, queries={query: with_slip(text, draw) for query, text in judged.queries.items()})
    bare = with_settings(engine, replace(settings, typos=False))
    return {
        "plain": ask(engine, judged, "hybrid").mean("ndcg@10"),
        "slip": ask(engine, slipped, "hybrid").mean("ndcg@10"),
        "uncorrected": ask(bare, slipped, "hybrid").mean("ndcg@10"),
    }


def doubt(engine: Engine, judged: beir.JudgedSet, others: Sequence[beir.JudgedSet]) -> Doubt:
    """Put the set's own and the other sets' questions to the engine, whose threshold must be 0."""
    best, first = [], []
    for query, text in judged.queries.items():
        ranked = engine.rank(Query(text))
        order, confidence = ranked.ranking.order, ranked.ranking.confidence
        best.append(_surest(ranked.ranking))
        pages = [engine.page(number).url for number in ranked.candidates.evidence.pages[order[:SHOWN]].tolist()]
        relevant = [at for at, url in enumerate(pages) if judged.judgements[query].get(url, 0) > 0]
        first += [float(confidence[order[at]]) for at in relevant[:1]]
    foreign = {
        other.name: [_surest(engine.rank(Query(text)).ranking) for text in other.queries.values()] for other in others
    }
    return Doubt(best, first, foreign)


def _surest(ranking: Ranking) -> float:
    return float(ranking.confidence[ranking.order].max(initial=0.0))


def main(argv: Sequence[str]) -> int:
    """Measure the sets named on the command line; return the exit status."""
    example, chosen = "--judged sets/ --json robustness.json", "only the indexes of these; all are asked from"
    options = judged_options("robustness", __doc__, example, chosen).parse_args(argv)
    try:
        sets = [beir.load(folder) for folder in beir.find(options.judged)]
        figures = {
            judged.name: _set(judged, sets, options)
            for judged in sets
            if not options.sets or judged.name in options.sets
        }
    except EcholotError as error:
        print(f"benchmarks robustness: {error}", file=sys.stderr)
        return error.exit_code
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


def _set(judged: beir.JudgedSet, sets: Sequence[beir.JudgedSet], options: argparse.Namespace) -> dict[str, object]:
    """Measure one set, print its lines, and return its figures."""
    settings = RankingSettings()
    others = [other for other in sets if not same_documents(judged, other)]
    with indexed(judged, ModelSettings(name=options.model), settings, options.cache) as engine:
        lost = slips(engine, judged, settings)
        lenient = with_settings(engine, replace(settings, threshold=0.0))
        doubts = dict(doubt(lenient, judged, others).rows(settings.threshold))
    print(
        f"{judged.name:<14} nDCG@10 {lost['plain']:.4f}, with a slip {lost['slip'] - lost['plain']:+.4f}, "
        f"not corrected {lost['uncorrected'] - lost['plain']:+.4f}",
        flush=True,
    )
    for name, row in doubts.items():
        print(
            f"{'':<14} asked by {name:<14} AUROC {row['auroc']:.3f}  nothing relevant {row['refused']:.3f}  "
            f"own first relevant pages kept {row['kept']:.3f}",
            flush=True,
        )
    return {"ndcg@10": lost, "asked by": doubts}
