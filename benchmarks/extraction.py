"""How much of an article extraction keeps, and how much else: labelled news pages and documentation sites.

    python -m benchmarks extraction --news HTML_DIR TRUTH.json --docs sphinx=DIR httpd=DIR asciidoc=DIR docbook=DIR
    python -m benchmarks extraction --predict HTML_DIR OUT.json

News: word 4-shingles as multisets against {file stem: {"articleBody": text}}, precision and recall averaged over the
pages, F1 of the two means (the metric of Scrapinghub's article-extraction-benchmark). Documentation: the same against
the site's own main container without its navigation (``RECIPES``), and which share of its headings, code, terms,
definitions, cells and items is in the article, headings and code as such. CPU is that of this process, one thread.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import random
import re
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning

from indexer.extract import extract
from searchd.errors import ExtractionError
from searchd.index.records import Article

_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 4
_BLOCKS = re.compile(
    r"^(h[1-6]|p|div|section|article|pre|d[ltd]|ul|ol|li|t[rdh]|table|br|blockquote|figure|figcaption)$"
)
_KEPT_SHARE = 0.9  # of an element's word pairs must be found for it to count as kept
_ELEMENTS = {"heading": "h1, h2, h3, h4, h5, h6", "code": "pre", "dt": "dt", "dd": "dd", "td": "td", "li": "li"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """CSS selectors of a generator's main container and of the navigation inside it."""

    main: str
    navigation: str


RECIPES = {
    "sphinx": Recipe("div.yui-b > .section, .yui-b > .yui-g, div.body, [role=main]", ".headerlink, .contents"),
    "httpd": Recipe("#page-content", ".toplang, .bottomlang, #quickview, .top, button, script, #comments_section"),
    "asciidoc": Recipe("#header .sectionbody, #header h1, #header h2, #content", "#toc"),
    "docbook": Recipe("body", ".navheader, .navfooter, .toc, script, header, footer, nav"),
}


def main(argv: list[str]) -> int:
    """Measure or predict; return 0, or 2 for arguments that make no sense."""
    parser = argparse.ArgumentParser(
        prog="benchmarks extraction", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--news", nargs=2, type=Path, metavar=("HTML_DIR", "TRUTH"), help="labelled pages")
    parser.add_argument("--docs", nargs="*", default=[], metavar="RECIPE=DIR", help=f"one of {', '.join(RECIPES)}")
    parser.add_argument("--pages", type=int, default=30, help="random pages per documentation site")
    parser.add_argument("--seed", type=int, default=0, help="which random pages")
    parser.add_argument("--predict", nargs=2, type=Path, metavar=("HTML_DIR", "OUT"), help="write articles as JSON")
    parser.add_argument("--worst", type=int, default=0, help="also list this many pages with the lowest F1")
    options = parser.parse_args(argv)
    if options.predict:
        folder, out = options.predict
        out.write_text(json.dumps(dict(_predictions(folder)), ensure_ascii=False), encoding="utf-8")
    if options.news:
        _show("news", [_score_news(path, truth) for path, truth in _labelled(*options.news)], options.worst)
    for argument in options.docs:
        name, _, folder = argument.partition("=")
        if name not in RECIPES or not Path(folder).is_dir():
            parser.error(f"--docs takes RECIPE=DIR with a recipe of {', '.join(RECIPES)}, not {argument!r}")
        paths = [path for path in sorted(Path(folder).rglob("*.html")) if path.stat().st_size > 0]
        sample = random.Random(options.seed).sample(paths, min(options.pages, len(paths)))
        _show(argument, [score for path in sample for score in _score_page(path, RECIPES[name])], options.worst)
    return 0


# --- articles as blocks and text ---


def blocks_of(article: Article) -> Iterator[dict[str, Any]]:
    """An article's blocks in document order, a heading block in front of each section that has one."""
    for section in article.sections:
        path = list(section.headings)
        if path:
            yield {"kind": "heading", "text": path[-1], "anchor": section.anchor, "headings": path[:-1]}
        for block in section.blocks:
            anchor = block.anchor or section.anchor
            yield {"kind": block.kind, "text": block.text, "anchor": anchor, "headings": path}


def text_of(article: Article) -> str:
    """What a reader sees as the article's text: headings but the page's title, paragraphs, no captions."""
    shown = (
        block["text"]
        for block in blocks_of(article)
        if block["kind"] != "caption" and not (block["kind"] == "heading" and block["text"] == article.title)
    )
    return "\n".join(shown)


def _predictions(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file stem, {"text", "blocks"}) of every page of a folder; a page that cannot be read predicts nothing."""
    for path in sorted([*folder.rglob("*.html"), *folder.rglob("*.htm"), *folder.rglob("*.html.gz")]):
        stem = path.name.removesuffix(".gz").removesuffix(".html").removesuffix(".htm")
        try:
            article = extract(_read(path), f"http://localhost/{stem}.html")
        except ExtractionError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            yield stem, {"text": "", "blocks": []}
            continue
        yield stem, {"text": text_of(article), "blocks": list(blocks_of(article))}


def _read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


# --- scores ---


@dataclass(frozen=True, slots=True)
class Score:
    """One page: precision and recall of shingles, (kept, all) per element kind, CPU seconds."""

    name: str
    precision: float | None
    recall: float | None
    kept: dict[str, tuple[int, int]]
    cpu_s: float


def _labelled(folder: Path, truth: Path) -> Iterator[tuple[Path, str]]:
    for stem, page in sorted(json.loads(truth.read_text(encoding="utf-8")).items()):
        yield folder / f"{stem}.html.gz", page["articleBody"]


def _timed(path: Path, url: str) -> tuple[Article, float]:
    body = _read(path)
    gc.collect()
    gc.disable()  # as the worker processes do
    start = time.process_time()
    article = extract(body, url)
    cpu_s = time.process_time() - start
    gc.enable()
    return article, cpu_s


def _score_news(path: Path, truth: str) -> Score:
    article, cpu_s = _timed(path, "http://localhost/")
    return Score(path.name, *_overlap(truth, text_of(article)), {}, cpu_s)


def _score_page(path: Path, recipe: Recipe) -> Iterator[Score]:
    """The page's score; none where the recipe finds no container (a redirect, a frame)."""
    gold = _gold(_read(path), recipe)
    if gold is None:
        return
    article, cpu_s = _timed(path, f"http://localhost/{path.name}")
    text = " ".join(block["text"] for block in blocks_of(article))
    kept = {kind: _kept(gold, kind, article) for kind in _ELEMENTS}
    yield Score(str(path), *_overlap(gold.get_text(), text), kept, cpu_s)


def _gold(body: bytes, recipe: Recipe) -> Tag | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)  # XHTML served as HTML, as browsers read it
        soup = BeautifulSoup(body, "lxml")
    for node in soup.select("script, style, template, noscript"):
        node.decompose()
    for node in soup.find_all(_BLOCKS):
        node.insert_before("\n")
        node.insert_after("\n")
    containers = list(soup.select(recipe.main))
    outer = [node for node in containers if not any(parent in containers for parent in node.parents)]
    gold = soup.new_tag("div")
    for node in outer:
        gold.append(node.extract())
    for node in gold.select(recipe.navigation):
        node.decompose()
    return gold if len(_WORD.findall(gold.get_text())) >= 2 * _SHINGLE_WORDS else None


def _shingles(text: str, size: int = _SHINGLE_WORDS) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    if not words:
        return Counter()
    return Counter(tuple(words[start : start + size]) for start in range(max(1, len(words) - size + 1)))


def _overlap(truth: str, predicted: str) -> tuple[float | None, float | None]:
    want, got = _shingles(truth), _shingles(predicted)
    hits = sum((want & got).values())
    return hits / sum(got.values()) if got else None, hits / sum(want.values()) if want else None


def _kept(gold: Tag, kind: str, article: Article) -> tuple[int, int]:
    kinds = {"heading", "code"} & {kind}
    text = "\n".join(b["text"] for b in blocks_of(article) if not kinds or b["kind"] in kinds)
    found = _shingles(text, 2)
    singles = set(_WORD.findall(text))
    kept = total = 0
    for node in gold.select(_ELEMENTS[kind]):
        words = _WORD.findall(node.get_text())
        if not words:
            continue
        pairs = _shingles(" ".join(words), 2)
        hits = sum(pair in found for pair in pairs) if len(words) > 1 else len(pairs) * (words[0] in singles)
        total += 1
        kept += hits >= _KEPT_SHARE * len(pairs)
    return kept, total


def _show(name: str, scores: list[Score], worst: int) -> None:
    precision = statistics.fmean(s.precision for s in scores if s.precision is not None)
    recall = statistics.fmean(s.recall for s in scores if s.recall is not None)
    cpu_ms = [1000 * score.cpu_s for score in scores]
    line = (
        f"{name}: {len(scores)} pages  F1 {_f1(precision, recall):.4f}  precision {precision:.4f}  recall {recall:.4f}"
    )
    print(f"{line}  CPU {statistics.fmean(cpu_ms):.1f} ms mean, {statistics.median(cpu_ms):.1f} median")
    for kind in _ELEMENTS:
        pairs = [score.kept[kind] for score in scores if kind in score.kept]
        total = sum(all_ for _, all_ in pairs)
        if total:
            print(f"    {kind:<8} kept {sum(kept for kept, _ in pairs) / total:.4f} of {total}")
    for score in sorted(scores, key=lambda s: _f1(s.precision or 0, s.recall or 0))[:worst]:
        print(
            f"    {_f1(score.precision or 0, score.recall or 0):.3f}  {score.precision}  {score.recall}  {score.name}"
        )


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
