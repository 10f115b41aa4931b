"""nDCG, recall and MRR of the product on judged sets, fused and per leg, beside a saved run if one is given.

The way is the product's own: documents become articles, are split, embedded and indexed as a crawl's pages are, and
the engine answers. Languages of documents and questions are detected, as a site's settings would state them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import beir
from benchmarks.remote import RemoteEngine
from benchmarks.vectors import RememberingEncoder
from indexer.split import split
from searchd import encoder as encoders
from searchd.encoder.pairs import open_scorer
from searchd.engine import Engine
from searchd.errors import EcholotError
from searchd.index.builder import build
from searchd.index.opened import Index
from searchd.index.records import PageDraft
from searchd.query import Mode, Query
from searchd.ranking.measures import Grades, ndcg, paired_p, recall, reciprocal_rank
from searchd.second_stage import Scorer
from searchd.settings import IndexSettings, ModelSettings, RankingSettings

DEPTH = 100
LEGS: dict[str, Mode] = {"fused": "hybrid", "dense": "semantic", "lexical": "lexical"}
Run = dict[str, list[tuple[str, float]]]  # query -> (document, score), best first
MEASURES: dict[str, Callable[[Sequence[str], Grades], float]] = {
    "ndcg@10": lambda ranking, grades: ndcg(ranking, grades, 10),
    "recall@10": lambda ranking, grades: recall(ranking, grades, 10),
    "recall@100": lambda ranking, grades: recall(ranking, grades, 100),
    "mrr": reciprocal_rank,
}


@dataclass(frozen=True, slots=True)
class Result:
    """One leg's run over one set and its measures per query."""

    run: Run
    values: dict[str, dict[str, float]]  # measure -> query -> value
    seconds: float

    def mean(self, measure: str) -> float:
        """Mean over the queries."""
        return statistics.fmean(self.values[measure].values())


def measured(judged: beir.JudgedSet, run: Run, seconds: float = 0.0) -> Result:
    """Judge a run; a query without results counts 0."""
    rankings = {query: [name for name, _ in run.get(query, [])] for query in judged.queries}
    return Result(
        run,
        {
            name: {query: measure(rankings[query], judged.judgements[query]) for query in judged.queries}
            for name, measure in MEASURES.items()
        },
        seconds,
    )


@contextmanager
def indexed(judged: beir.JudgedSet, model: ModelSettings, ranking: RankingSettings, cache: Path) -> Iterator[Engine]:
    """The product's engine over a judged set."""
    documents, visitors = judged.document_languages(), judged.query_languages()
    articles = list(judged.articles(documents))
    name = encoders.choose(model.name, [article.lang for article in articles], visitors).name
    settings = ModelSettings(name=name, precision=model.precision, device=model.device)
    encoder = RememberingEncoder(encoders.load(settings, documents), cache)
    index_settings = IndexSettings(summaries=False)
    drafts = (PageDraft(article, split(article, encoder, index_settings)) for article in articles)
    with tempfile.TemporaryDirectory(prefix="echolot-quality-") as folder:
        build(Path(folder), drafts, encoder, index_settings)
        index = Index.open(Path(folder))
        try:
            yield Engine(index, encoder, ranking, judged.name, visitors)
        finally:
            index.close()


def with_settings(engine: Engine, settings: RankingSettings, scorer: Scorer | None = None) -> Engine:
    """The same index asked in another way."""
    return Engine(engine.index, engine.encoder, settings, engine.snapshot_id, engine.site_languages, scorer=scorer)


def second_stage(engine: Engine, folder: Path, budget_ms: float) -> Engine:
    """The same engine with a cross-encoder behind it. ModelError when the folder holds none."""
    settings = replace(engine.settings, rerank_model=str(folder), rerank_ms=budget_ms)
    return with_settings(engine, settings, open_scorer(str(folder), ModelSettings()))


def ask(engine: Engine | RemoteEngine, judged: beir.JudgedSet, mode: Mode, depth: int = DEPTH) -> Result:
    """Put every question to the engine."""
    started = time.process_time()
    run: Run = {}
    for query, text in judged.queries.items():
        run[query] = _ranking(engine, Query(text, limit=depth, mode=mode))
    return measured(judged, run, time.process_time() - started)


def _ranking(engine: Engine | RemoteEngine, query: Query) -> list[tuple[str, float]]:
    """What a visitor would see, without the excerpts, which cost most at this depth and move nothing."""
    if isinstance(engine, RemoteEngine):
        return [(hit.url, hit.score) for hit in engine.search(query).hits]
    ranked = engine.rank(query)
    pages, scores = ranked.candidates.evidence.pages, ranked.ranking.scores
    shown = ranked.ranking.order[: query.limit].tolist()
    return [(engine.page(int(pages[place])).url, float(scores[place])) for place in shown]


def write_run(path: Path, run: Run, tag: str) -> None:
    """Write a TREC run file: query Q0 document rank score tag."""
    with path.open("w", encoding="utf-8") as file:
        for query, found in run.items():
            for rank, (name, score) in enumerate(found, start=1):
                file.write(f"{query} Q0 {name} {rank} {score:.6f} {tag}\n")


def read_run(path: Path) -> Run:
    """Read a TREC run file, in the order of its ranks."""
    found: dict[str, list[tuple[int, str, float]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, name, rank, score, _ = line.rsplit(maxsplit=5)
        found.setdefault(query, []).append((int(rank), name, float(score)))
    return {query: [(name, score) for _, name, score in sorted(rows)] for query, rows in found.items()}


def main(argv: Sequence[str]) -> int:
    """Measure the sets named on the command line; return the exit status."""
    options = _options(argv)
    if options.runs:
        options.runs.mkdir(parents=True, exist_ok=True)
    figures: dict[str, object] = {}
    try:
        for folder in beir.find(options.judged):
            judged = beir.load(folder)
            if not options.sets or judged.name in options.sets:
                figures[judged.name] = _set(judged, options)
    except EcholotError as error:
        print(f"benchmarks quality: {error}", file=sys.stderr)
        return error.exit_code
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


def _set(judged: beir.JudgedSet, options: argparse.Namespace) -> dict[str, object]:
    """Measure one set, print its lines, and return its figures."""
    if options.url:
        results = {"fused": ask(RemoteEngine(options.url), judged, "hybrid")}
    else:
        ranking = RankingSettings(threshold=options.threshold) if options.threshold is not None else RankingSettings()
        with indexed(
            judged, ModelSettings(name=options.model, precision=options.precision), ranking, options.cache
        ) as e:
            results = {leg: ask(e, judged, mode) for leg, mode in LEGS.items()}
            if options.rerank:
                results["reranked"] = ask(second_stage(e, options.rerank, options.rerank_ms), judged, "hybrid")
    figures: dict[str, object] = {"documents": len(judged.documents), "queries": len(judged.queries)}
    for leg, result in results.items():
        means = {name: round(result.mean(name), 4) for name in MEASURES}
        figures[leg] = means
        line = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        print(
            f"{judged.name:<14} {leg:<8} {line}  {1000 * result.seconds / len(judged.queries):.2f} ms/query", flush=True
        )
        if options.runs:
            write_run(options.runs / f"{judged.name}.{leg}.run", result.run, "echolot")
    if options.against:
        figures["against"] = _compare(judged, results, options)
    return figures


def _compare(judged: beir.JudgedSet, results: dict[str, Result], options: argparse.Namespace) -> dict[str, object]:
    """The same queries under a saved run: means, p of the paired test, and where the two differ most."""
    figures: dict[str, object] = {}
    for leg, result in results.items():
        path = options.against / f"{judged.name}.{leg}.run"
        if not path.is_file():
            continue
        before = measured(judged, read_run(path)).values["ndcg@10"]
        after = result.values["ndcg@10"]
        p = paired_p([after[query] for query in judged.queries], [before[query] for query in judged.queries])
        differences = sorted(((after[query] - before[query], query) for query in judged.queries), key=lambda d: d[0])
        mean = statistics.fmean(before.values())
        print(
            f"{judged.name:<14} {leg:<8} before {mean:.4f}, difference {result.mean('ndcg@10') - mean:+.4f}, p {p:.4f}"
        )
        figures[leg] = {
            "before": round(mean, 4),
            "p": round(p, 4),
            "per_query": {q: round(d, 4) for d, q in differences if d},
        }
        for difference, query in [*differences[: options.show], *differences[len(differences) - options.show :]]:
            if difference:
                print(f"    {difference:+.3f}  {judged.queries[query][:100]}")
    return figures


def judged_options(name: str, description: str | None, example: str, sets: str) -> argparse.ArgumentParser:
    """The options of every measurement on judged sets; sets: what naming some of them means."""
    command = f"python -m benchmarks {name}"
    parser = argparse.ArgumentParser(prog=command, description=description, epilog=f"example: {command} {example}")
    parser.add_argument("--judged", type=Path, required=True, help="a BEIR folder, or a folder of such")
    parser.add_argument("--sets", nargs="*", default=[], help=sets)
    parser.add_argument("--model", default="auto", help="model.name")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "echolot-vectors", help="where vectors are kept"
    )
    return parser


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = judged_options(
        "quality", __doc__, "--judged sets/scifact --runs runs --json scifact.json", "only these of them"
    )
    parser.add_argument("--url", default="", help="ask a running daemon; the documents' ids are URL paths of its site")
    parser.add_argument("--precision", default=ModelSettings().precision, help="model.precision")
    parser.add_argument("--threshold", type=float, default=None, help="ranking.threshold instead of the default")
    parser.add_argument("--rerank", type=Path, help="measure a cross-encoder's second stage too: ranking.rerank_model")
    parser.add_argument("--rerank-ms", type=float, default=RankingSettings().rerank_ms, help="ranking.rerank_ms")
    parser.add_argument("--runs", type=Path, help="write TREC run files <set>.<leg>.run here")
    parser.add_argument("--against", type=Path, help="compare with the run files in this folder, query by query")
    parser.add_argument("--show", type=int, default=3, help="queries shown at each end of the comparison")
    return parser.parse_args(argv)
