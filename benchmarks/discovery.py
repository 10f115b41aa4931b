"""Similar pages and extracted answers beside simple baselines, and the cost of suggestions.

    python -m benchmarks discovery --similar HTML_DIR --answers XQUAD_DIR [XQUAD_DIR ...] --suggest

``--similar``: a site's own "see also" links say which pages are related. The section that holds them is taken out
before the pages are indexed, and no method looks at links. nDCG@10 of our order, of BM25 "more like this" and of the
titles' vectors. ``--answers``: BEIR folders with ``answers.jsonl`` ({"_id", "answers": [...]}): share of the questions
whose first returned sentence contains a gold answer. ``--suggest``: CPU milliseconds per keystroke on 10,000 made-up
pages with 100,000 headings.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from bs4 import BeautifulSoup, XMLParsedAsHTMLWarning

from benchmarks import beir
from benchmarks.quality import indexed
from benchmarks.vectors import RememberingEncoder
from indexer.extract import extract
from indexer.split import split
from searchd import encoder as encoders
from searchd.answers import answer
from searchd.discover import similar, telling_words
from searchd.engine import Engine
from searchd.errors import EcholotError, StorageError
from searchd.index.builder import build
from searchd.index.opened import Index
from searchd.index.records import Page, PageDraft
from searchd.presentation import Ranked
from searchd.query import Query
from searchd.ranking.measures import ndcg, paired_p
from searchd.settings import IndexSettings, ModelSettings, RankingSettings
from searchd.suggest import SuggestIndex
from searchd.text.analysis import tokens
from searchd.text.sentences import split as sentences_of

SEE_ALSO = re.compile(
    r"\s*(see also|related (pages|articles|links)|siehe auch|verwandte themen)\s*:?\s*\Z", re.IGNORECASE
)
Method = Callable[[int], list[int]]


def main(argv: Sequence[str]) -> int:
    """Measure what is asked for and print it; return the exit status."""
    options = _options(argv)
    try:
        if options.similar:
            measure_similar(options.similar, options)
        for folder in options.answers:
            measure_answers(folder, options)
        if options.suggest:
            measure_suggest()
    except EcholotError as error:
        print(f"benchmarks discovery: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def measure_similar(folder: Path, options: argparse.Namespace) -> None:
    """Print nDCG@10 of each method over the pages that have "see also" links."""
    pages = dict(read_site(folder))
    with _site_index(pages, options) as (index, encoder):
        numbers = {index.pages.page(number).url: number for number in range(len(index.pages))}
        wanted = {
            numbers[url]: {numbers[link] for link in links if link in numbers and link != url}
            for url, (_, links) in pages.items()
            if url in numbers
        }
        wanted = {page: related for page, related in wanted.items() if related}
        print(f"{folder.name}: {len(index.pages)} pages, {len(wanted)} with see-also links")
        values = {name: _judge(method, wanted) for name, method in _methods(index, encoder).items()}
        for name, found in values.items():
            p = paired_p(values["ours"], found) if name != "ours" else 1.0
            print(f"  {name:<22} nDCG@10 {statistics.fmean(found):.4f}   p {p:.4f}", flush=True)
        _time("similar", lambda page: similar(index, page, 10), list(wanted))


def read_site(folder: Path) -> Iterator[tuple[str, tuple[bytes, set[str]]]]:
    """Yield (URL path, (HTML without its see-also section, the pages that section links to)) of each HTML file."""
    for path in sorted(folder.rglob("*.html")):
        url = "/" + path.relative_to(folder).as_posix()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)  # XHTML is HTML enough here
            soup = BeautifulSoup(path.read_bytes(), "lxml")
        links: set[str] = set()
        for heading in soup.find_all(re.compile("^h[1-6]$")):
            if SEE_ALSO.match(heading.get_text()):
                section = heading.parent or heading
                links |= {_resolved(url, str(a["href"])) for a in section.find_all("a", href=True)}
                section.decompose()
                break
        yield url, (str(soup).encode(), links)


def _resolved(base: str, href: str) -> str:
    path = href.split("#")[0]
    if not path or "://" in path:
        return base
    parts: list[str] = []
    for part in (PurePosixPath(base).parent / path).parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/" + "/".join(part for part in parts if part != "/")


@contextmanager
def _site_index(
    pages: dict[str, tuple[bytes, set[str]]], options: argparse.Namespace
) -> Iterator[tuple[Index, RememberingEncoder]]:
    """The pages, indexed as a run would do it."""
    articles = [extract(body, url) for url, (body, _) in pages.items()]
    settings = IndexSettings(summaries=False)
    encoder = _encoder([article.lang for article in articles], options)
    drafts = (PageDraft(article, split(article, encoder, settings)) for article in articles)
    with tempfile.TemporaryDirectory(prefix="echolot-discovery-") as folder:
        build(Path(folder), drafts, encoder, settings)
        index = Index.open(Path(folder))
        try:
            yield index, encoder
        finally:
            index.close()


def _encoder(languages: Sequence[str], options: argparse.Namespace) -> RememberingEncoder:
    name = encoders.choose(options.model, languages).name
    return RememberingEncoder(encoders.load(ModelSettings(name=name)), options.cache)


def _methods(index: Index, encoder: RememberingEncoder) -> dict[str, Method]:
    titles = encoder.encode_passages([page.title for page in index.pages.all_pages()])

    def ours(page: int) -> list[int]:
        return [related.page for related in similar(index, page, 10)]

    def more_like_this(page: int) -> list[int]:
        found = index.lexical.search(index.lexical.look_up(telling_words(index, page)), 1, 11).pages.tolist()
        return [other for other in found if other != page][:10]

    def title_vector(page: int) -> list[int]:
        order = np.argsort(-(titles @ titles[page]), kind="stable").tolist()
        return [other for other in order if other != page][:10]

    return {"ours": ours, "BM25 more like this": more_like_this, "title vector": title_vector}


def _judge(method: Method, wanted: dict[int, set[int]]) -> list[float]:
    return [
        ndcg([str(found) for found in method(page)], {str(one): 1 for one in related}, 10)
        for page, related in wanted.items()
    ]


def _time(name: str, call: Callable[[int], object], arguments: Sequence[int]) -> None:
    spent = []
    for argument in arguments:
        started = time.thread_time()
        call(argument)
        spent.append((time.thread_time() - started) * 1000)
    print(f"  {name}: p50 {statistics.median(spent):.2f} ms, p95 {np.quantile(spent, 0.95):.2f} ms CPU")


def measure_answers(folder: Path, options: argparse.Namespace) -> None:
    """Print, for one judged set, how often the first returned sentence holds a gold answer."""
    judged = beir.load(folder)
    gold = _gold(folder)
    settings = ModelSettings(name=options.model)
    methods = {"ours": _ours, "most words, top page": _most_words, "first sentence, top page": _first_sentence}
    right: dict[str, list[float]] = {name: [] for name in methods}
    sure: list[float] = []
    with indexed(judged, settings, RankingSettings(), options.cache) as engine:
        asked = [query for query in judged.queries if query in gold][:: options.every]
        started = time.process_time()
        for query in asked:
            ranked = engine.rank(Query(judged.queries[query], limit=5))
            for name, method in methods.items():
                text, confidence = method(ranked, engine)
                right[name].append(float(any(answer in text for answer in gold[query])))
                if name == "ours":
                    sure.append(confidence)
        spent = (time.process_time() - started) / max(1, len(asked)) * 1000
    print(
        f"{judged.name}: {len(asked)} questions, {spent:.1f} ms CPU each with all methods (sentence vectors remembered)"
    )
    for name, found in right.items():
        print(f"  {name:<26} {statistics.fmean(found):.4f}   p {paired_p(right['ours'], found):.4f}", flush=True)
    shown = [value for value, confidence in zip(right["ours"], sure, strict=True) if confidence >= options.threshold]
    if shown:
        wrong = 1 - statistics.fmean(shown)
        print(f"  at confidence {options.threshold}: {len(shown) / len(asked):.3f} shown, {wrong:.3f} of them wrong")


def _gold(folder: Path) -> dict[str, list[str]]:
    try:
        lines = (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise StorageError(f"{folder} holds no answers.jsonl", "give a set with gold answers") from error
    return {entry["_id"]: entry["answers"] for entry in map(json.loads, lines)}


def _ours(ranked: Ranked, engine: Engine) -> tuple[str, float]:
    found = answer(ranked, engine.index, engine.encoder, 1, 0.0)
    return (found[0].text, found[0].confidence) if found else ("", 0.0)


def _most_words(ranked: Ranked, engine: Engine) -> tuple[str, float]:
    """The sentence of the top page that shares most words with the question, the first of equals."""
    asked = {term.alternatives[0].term for term in ranked.parsed.terms if term.alternatives}
    lang, sentences = _top_page(ranked, engine)
    shared = [len(asked & {token.term for token in tokens(sentence, lang)}) for sentence in sentences]
    return (sentences[shared.index(max(shared))], 1.0) if sentences else ("", 0.0)


def _first_sentence(ranked: Ranked, engine: Engine) -> tuple[str, float]:
    _, sentences = _top_page(ranked, engine)
    return (sentences[0], 1.0) if sentences else ("", 0.0)


def _top_page(ranked: Ranked, engine: Engine) -> tuple[str, list[str]]:
    if not len(ranked.ranking.order):
        return "", []
    page = engine.page(int(ranked.candidates.evidence.pages[ranked.ranking.order[0]]))
    rows = range(page.first_row, page.first_row + page.n_passages)
    return page.lang, [
        s for passage in engine.index.pages.passages(rows) for s in sentences_of(passage.text, page.lang)
    ]


def measure_suggest(pages: int = 10_000, headings: int = 10) -> None:
    """Print what an index of made-up words costs: to build, in bytes, and per keystroke."""
    rng = random.Random(1)
    syllables = [a + b for a in "bcdfghklmnprstvwz" for b in ("a", "e", "i", "o", "u", "ie", "ar", "en")]
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(20_000)]
    made = [
        _page(number, rng, [" ".join(rng.choices(words, k=rng.randint(1, 7))) for _ in range(headings + 1)])
        for number in range(pages)
    ]
    started = time.process_time()
    index = SuggestIndex.build(made)
    print(f"suggest: {len(index)} entries built in {time.process_time() - started:.2f} s CPU")
    with tempfile.TemporaryDirectory(prefix="echolot-suggest-") as folder:
        path = Path(folder) / "suggest.npz"
        index.save(path)
        started = time.process_time()
        index = SuggestIndex.open(path)
        print(f"  opened in {(time.process_time() - started) * 1000:.0f} ms CPU, {path.stat().st_size / 1e6:.1f} MB")
    typed = [_typed(rng, page.title) for page in rng.sample(made, 1000)]
    _time("suggest", lambda number: index.suggest(typed[number]), range(len(typed)))


def _page(number: int, rng: random.Random, texts: list[str]) -> Page:
    headings = tuple(((text,), f"h{at}") for at, text in enumerate(texts[1:]))
    url = f"https://site.example/{number % 40}/{number}"
    return Page(number, url, texts[0], "en", "", "html", "", (), "", "", "", "", headings, 0, 1, rng.randint(40, 3000))


def _typed(rng: random.Random, title: str) -> str:
    """The beginning of a title, one letter wrong in every fifth."""
    text = title[: rng.randint(1, 14)]
    at = rng.randrange(len(text))
    return text[:at] + rng.choice("abcdefghij") + text[at + 1 :] if rng.random() < 0.2 and len(text) > 4 else text


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks discovery",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--similar", type=Path, help="a folder of HTML pages with see-also sections")
    parser.add_argument("--answers", type=Path, nargs="*", default=[], help="BEIR folders with answers.jsonl")
    parser.add_argument("--every", type=int, default=1, help="ask only every n-th question")
    parser.add_argument(
        "--threshold", type=float, default=RankingSettings().answer_threshold, help="ranking.answer_threshold"
    )
    parser.add_argument("--suggest", action="store_true", help="time suggestions")
    parser.add_argument("--model", default="auto", help="model.name")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "echolot-vectors", help="where vectors are kept"
    )
    return parser.parse_args(argv)
