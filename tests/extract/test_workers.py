"""Worker processes: one bad page costs itself only."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from indexer.extract import extract
from indexer.workers import extract_many
from searchd.errors import ConfigError, ExtractionError
from searchd.index.records import Article
from searchd.settings import ExtractSettings
from tests.extract.pages import PROSE, page, pdf


@dataclass
class Document:
    url: str
    body: bytes
    content_type: str = "text/html"


def good(count: int) -> list[Document]:
    return [Document(f"https://example.org/{place}", page(f"<h1>{place}</h1>{PROSE}")) for place in range(count)]


def outcomes(documents: list[Document], **limits: float) -> dict[str, Article | ExtractionError]:
    settings = ExtractSettings(**limits)  # type: ignore[arg-type]
    return dict(extract_many(documents, settings, workers=2))


def test_every_document_gets_one_outcome_and_no_process_stays() -> None:
    ticks: list[int] = []
    found = dict(extract_many(good(12), ExtractSettings(), workers=2, progress=ticks.append))
    assert {url: article.title for url, article in found.items() if isinstance(article, Article)} == {
        document.url: "Lighthouse" for document in good(12)
    } | {document.url: extract(document.body, document.url).title for document in good(12)}
    assert sum(ticks) == 12
    assert multiprocessing.active_children() == []


def test_workers_and_the_caller_extract_the_same() -> None:
    found = dict(extract_many(good(3), ExtractSettings(), workers=1))
    assert found == {document.url: extract(document.body, document.url, "text/html") for document in good(3)}


SLOW = Document("https://example.org/slow", b"<p>a <b>word</b></p>" * 190_000)  # a few seconds on any machine


def test_a_page_that_takes_too_long_is_skipped_and_the_others_go_on() -> None:
    found = outcomes([SLOW, *good(6)], timeout_s=1.5)
    assert isinstance(found[SLOW.url], ExtractionError)
    assert "took longer than 1.5 s" in str(found[SLOW.url])
    assert sum(isinstance(outcome, Article) for outcome in found.values()) == 6


def test_a_page_that_needs_too_much_memory_is_skipped_and_the_others_go_on() -> None:
    hungry = Document("https://example.org/hungry", b"<p>a <b>word</b></p>" * 190_000)
    found = outcomes([hungry, *good(4)], memory_bytes=600_000_000)
    assert isinstance(found[hungry.url], ExtractionError)
    assert sum(isinstance(outcome, Article) for outcome in found.values()) == 4


def test_documents_are_read_as_they_are_needed() -> None:
    taken: list[str] = []

    def stream() -> Iterator[Document]:
        for document in good(50):
            taken.append(document.url)
            yield document

    results = extract_many(stream(), ExtractSettings(), workers=1)
    next(results)
    assert len(taken) <= 4
    results.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_a_wrong_selector_ends_the_run() -> None:
    with pytest.raises(ConfigError):
        list(extract_many(good(2), ExtractSettings(exclude=("p[",)), workers=1))


BOMBS = {
    "100k nested tags": b"<div>" * 100_000 + b"deep",
    "100k nested inline tags": b"<b>" * 100_000 + b"deep",
    "200k attributes": b"<p " + b" ".join(b"a%d=1" % n for n in range(200_000)) + b">x</p><p>text behind</p>",
    "20 MB of paragraphs": b"<p>" * (20_000_000 // 3),
    "wrong charset": "<meta charset=utf-8><p>Grüße</p>".encode("latin-1") * 50,
    "null bytes": b"<p>a\0b</p>" + b"\0" * 100_000,
    "no tag at all": b"words " * 10_000,
    "nested tables": b"<table><tr><td>" * 3_000 + b"deep",
    "links in nested boxes": b"<div>" * 150 + b"<a href=#x>y</a>" * 3_000,
    "one word of a megabyte": b"<p>" + b"a" * 1_000_000,
    "surrogates and controls": b"<p>&#xD800;&#0;&#x1F;ok</p>" + bytes(range(256)) * 20,
    "deep json": b'<script type="application/ld+json">' + b"[" * 50_000 + b"</script><p>text</p>",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_neither_crash_nor_hang(name: str) -> None:
    found = dict(extract_many([Document(name, BOMBS[name]), *good(1)], ExtractSettings(timeout_s=30), workers=1))
    assert isinstance(found[good(1)[0].url], Article)
    assert isinstance(found[name], Article) or "took longer" not in str(found[name])


PIECES = (
    b'<|>|</div>|<table>|<p|\0|"|&#|<!--|<svg><p>|</body>|<h2>|<dl><dt>|<li>|\xff\xfe|<script>|<title>|<a href="'.split(
        b"|"
    )
)


def malformed(count: int) -> Iterator[bytes]:
    """Real markup, cut, doubled, peppered with pieces of other markup."""
    seeds = [
        page(
            f"<h1>Lamp</h1>{PROSE}<ul><li>Oil</li></ul><dl><dt id=a>b</dt><dd>c</dd></dl>"
            "<table><tr><td>d</td></tr></table>"
        ),
        page(f'<article itemprop="articleBody">{PROSE * 4}</article><pre>code</pre><img alt="one two three four">'),
        pdf([["One."], ["Two."]], [("Oil", 1)]),
    ]
    dice = random.Random(7)
    for _ in range(count):
        body = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 30)):
            place = dice.randrange(len(body) + 1)
            action = dice.randrange(4)
            if action == 0:
                del body[place : place + dice.randint(1, 200)]
            elif action == 1:
                body[place:place] = dice.choice(PIECES) * dice.randint(1, 20)
            elif action == 2:
                body[place : place + 1] = bytes([dice.randrange(256)])
            else:
                start = dice.randrange(len(body) + 1)
                body[place:place] = body[start : start + dice.randint(1, 400)]
        yield bytes(body)


def test_500_malformed_pages_raise_nothing_but_extraction_errors() -> None:
    failed = 0
    for body in malformed(500):
        try:
            assert isinstance(extract(body, "https://example.org/?["), Article)
        except ExtractionError:
            failed += 1
    assert failed < 200  # most PDFs break, HTML never does
