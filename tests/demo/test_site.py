"""The demo site holds together: what it links to exists, and what exists can be found."""

from __future__ import annotations

import re
import tomllib
import urllib.request
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import pypdfium2
import pytest
from bs4 import BeautifulSoup

from indexer.demo.server import SITE_ORIGIN, SITE_ROOT, DemoServer

QUESTIONS = SITE_ROOT.with_name("questions.toml")
PAGES = sorted(SITE_ROOT.rglob("*.html"))
ARTICLES = [page for page in PAGES if page.name not in {"index.html", "404.html"}]


def path_of(page: Path) -> str:
    return "/" + page.relative_to(SITE_ROOT).as_posix().removesuffix("index.html")


def soup_of(page: Path) -> BeautifulSoup:
    """The page with its search blocks shown, as a visitor of the demo gets it."""
    text = re.sub(r"<!--search\s*(.*?)\s*search-->", r"\1", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return BeautifulSoup(text, "lxml")


def file_of(path: str) -> Path:
    return SITE_ROOT / (path.lstrip("/") + ("index.html" if path.endswith("/") else ""))


def addresses(soup: BeautifulSoup) -> Iterator[str]:
    for element in soup.select("[href], [src]"):
        address = str(element.get("href") or element.get("src"))
        if not address.startswith(("mailto:", "{search_url}")):
            yield address


def sitemap() -> BeautifulSoup:
    return BeautifulSoup((SITE_ROOT / "sitemap.xml").read_bytes(), "xml")


def questions() -> list[dict[str, Any]]:
    return list(tomllib.loads(QUESTIONS.read_text(encoding="utf-8"))["question"])


@pytest.mark.parametrize("page", PAGES, ids=path_of)
def test_every_address_on_a_page_leads_somewhere(page: Path) -> None:
    for address in addresses(soup_of(page)):
        target, anchor = urldefrag(urljoin(SITE_ORIGIN + path_of(page), address))
        assert target.startswith(SITE_ORIGIN + "/"), f"{address} leads away from the site"
        found = file_of(urlsplit(target).path)
        assert found.is_file(), f"{address} is dead"
        if anchor:
            assert soup_of(found).find(id=anchor), f"{address} names a place that does not exist"


@pytest.mark.parametrize("page", PAGES, ids=path_of)
def test_a_page_is_sound_markup(page: Path) -> None:
    soup = soup_of(page)
    lang = path_of(page)[1:3] if path_of(page)[1:4] in {"de/", "en/"} else "de"
    assert soup.html is not None
    assert soup.html["lang"] == lang
    assert {str(element["lang"]) for element in soup.select("[lang]")} <= {"de", "en"}
    ids = Counter(str(element["id"]) for element in soup.select("[id]"))
    assert [name for name, count in ids.items() if count > 1] == []
    assert [len(soup.select(one)) for one in ("h1", "main", "title", "meta[name=description]")] == [1, 1, 1, 1]
    assert all(image.has_attr("alt") and image.has_attr("width") for image in soup.select("img"))
    levels = [int(heading.name[1]) for heading in soup.select("main :is(h1, h2, h3)")]
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("page", ARTICLES, ids=path_of)
def test_an_article_says_what_it_is(page: Path) -> None:
    soup = soup_of(page)
    article = soup.select_one("main article")
    assert article is not None
    assert len(article.select("h2")) >= 3
    assert 250 <= len(article.get_text(" ").split()) <= 800
    published, modified = (
        str(soup.select_one(f'meta[property="article:{name}_time"]')["content"])  # type: ignore[index]
        for name in ("published", "modified")
    )
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", published)
    assert published <= modified
    assert soup.select_one('script[type="application/ld+json"]')
    assert soup.select_one("aside.related a")
    assert soup.select('meta[property="article:tag"]')


def test_the_two_languages_hold_each_other() -> None:
    assert min(sum(path_of(page).startswith(prefix) for page in ARTICLES) for prefix in ("/de/", "/en/")) >= 20
    pairs = 0
    for page in PAGES:
        soup = soup_of(page)
        alternates = {str(link["hreflang"]): str(link["href"]) for link in soup.select("link[hreflang]")}
        for lang, address in alternates.items():
            other = soup_of(file_of(urlsplit(address).path))
            assert lang == "x-default" or (other.html is not None and other.html["lang"] == lang)
            back = {str(link["href"]) for link in other.select("link[hreflang]")}
            assert SITE_ORIGIN + path_of(page) in back
        pairs += page in ARTICLES and len(alternates) == 2
    assert pairs >= 14
    assert pairs < len(ARTICLES) / 2  # most articles exist in one language only


def test_every_page_is_in_the_sitemap_with_its_date() -> None:
    locations = {node.get_text() for node in sitemap().select("url > loc")}
    listed = {SITE_ORIGIN + path_of(page) for page in PAGES if page.name != "404.html"}
    papers = {SITE_ORIGIN + "/" + paper.relative_to(SITE_ROOT).as_posix() for paper in SITE_ROOT.rglob("*.pdf")}
    assert locations == listed | papers
    dates = [node.get_text() for node in sitemap().select("url > lastmod")]
    assert len(dates) == len(locations)
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", date) for date in dates)


def test_the_sitemap_names_the_translations_that_the_pages_name() -> None:
    compared = 0
    for entry in sitemap().select("url"):
        location = entry.loc.get_text() if entry.loc else ""
        if location.endswith(".pdf"):
            continue
        page = soup_of(file_of(urlsplit(location).path))
        named = {(link["hreflang"], link["href"]) for link in page.select("link[hreflang]")}
        assert {(link["hreflang"], link["href"]) for link in entry.find_all("link")} == named
        compared += len(named)
    assert compared > 30


def test_every_page_and_paper_is_reached_from_the_start_page_over_http() -> None:
    with DemoServer() as server:
        found, waiting = {server.url + "/"}, [server.url + "/"]
        while waiting:
            here = waiting.pop()
            with urllib.request.urlopen(here) as answer:
                assert answer.status == 200
                text = answer.read().decode() if answer.headers.get_content_type() == "text/html" else ""
            for link in BeautifulSoup(text, "lxml").select("a[href]"):
                target = urldefrag(urljoin(here, str(link["href"])))[0]
                if target.startswith(server.url) and target not in found:
                    found.add(target)
                    waiting.append(target)
        reached = {urlsplit(address).path for address in found}
        assert all(status == 200 for status, _, _ in server.log)
    expected = {path_of(page) for page in PAGES if page.name != "404.html"}
    assert expected | {f"/files/{paper.name}" for paper in SITE_ROOT.rglob("*.pdf")} <= reached


@pytest.mark.parametrize("lang", ["de", "en"])
def test_the_feed_names_the_newest_articles_of_its_language(lang: str) -> None:
    feed = BeautifulSoup((SITE_ROOT / lang / "feed.xml").read_bytes(), "xml")
    links = [str(link["href"]) for link in feed.select("entry > link")]
    assert len(links) == 12
    for link in links:
        assert link.startswith(f"{SITE_ORIGIN}/{lang}/")
        assert file_of(urlsplit(link).path).is_file()
    dates = [updated.get_text() for updated in feed.select("entry > updated")]
    assert dates == sorted(dates, reverse=True)


def test_the_papers_have_a_title_text_and_an_outline() -> None:
    papers = sorted(SITE_ROOT.rglob("*.pdf"))
    assert len(papers) == 2
    for paper in papers:
        document = pypdfium2.PdfDocument(paper)
        try:
            assert document.get_metadata_dict()["Title"]
            assert len(document) == 3
            assert len(list(document.get_toc())) >= 8
            assert all(len(document[number].get_textpage().get_text_bounded()) > 300 for number in range(3))
        finally:
            document.close()


def test_the_questions_expect_pages_that_exist() -> None:
    for entry in questions():
        assert set(entry) <= {"question", "lang", "pages", "also", "unanswerable"}
        assert entry["lang"] in {"de", "en"}
        for path in [*entry["pages"], *entry.get("also", [])]:
            assert file_of(path).is_file(), f"{entry['question']}: {path}"
        assert bool(entry["pages"]) != entry.get("unanswerable", False)
        assert not set(entry["pages"]) & set(entry.get("also", []))


def test_the_questions_cover_both_languages_and_the_way_between_them() -> None:
    answerable = [entry for entry in questions() if entry["pages"]]
    other = {"de": "/en/", "en": "/de/"}
    crossing = [entry for entry in answerable if entry["pages"][0].startswith(other[entry["lang"]])]
    assert len({entry["question"] for entry in questions()}) == len(questions())
    assert len(answerable) >= 40
    assert len(questions()) - len(answerable) >= 10
    for lang in ("de", "en"):
        assert sum(entry["lang"] == lang for entry in answerable) >= 20
        assert sum(entry["lang"] == lang for entry in crossing) >= 8


def test_the_site_stays_small() -> None:
    assert sum(file.stat().st_size for file in SITE_ROOT.rglob("*") if file.is_file()) < 1_500_000
