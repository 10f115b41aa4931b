"""What a page says about itself."""

from __future__ import annotations

import json

import pytest

from indexer.extract import extract
from indexer.extract.dates import iso_date
from searchd.index.records import Article
from searchd.settings import ExtractSettings
from tests.extract.pages import PROSE, page

GERMAN = (
    "<p>" + "Der Leuchtturm steht seit vielen Jahren am Hafen und zeigt den Schiffen den Weg nach Hause. " * 6 + "</p>"
)


def read(head: str, main: str = PROSE, url: str = "https://news.example.org/a/lamp", attributes: str = "") -> Article:
    return extract(page(main, head, attributes), url)


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("Lamp lit | Harbour News", "Lamp lit", "Lamp lit"),
        ("Harbour News - Lamp lit", "", "Lamp lit"),
        ("Lamp lit — Harbour 3.2 documentation", "Source code for Lamp lit", "Lamp lit"),
        ("Lamps: a guide", "", "Lamps: a guide"),
        ("", "", "lamp"),
        ("", "From the heading", "From the heading"),
    ],
)
def test_the_title_is_the_pages_own(title: str, heading: str, expected: str) -> None:
    head = f'<title>{title}</title><meta property="og:site_name" content="Harbour News">'
    assert read(head, (f"<h1>{heading}</h1>" if heading else "") + PROSE).title == expected


def test_json_ld_is_read() -> None:
    data = {
        "@graph": [
            {"@type": "Organization", "name": "Harbour News"},
            {
                "@type": "NewsArticle",
                "datePublished": "2024-01-31T08:00:00+0100",
                "dateModified": "2024-02-01",
                "author": [{"@type": "Person", "name": "Ida Keeper"}],
                "keywords": "lamps, towers, Lamps",
                "articleSection": "Sea",
                "image": {"url": "/tower.jpg"},
            },
        ]
    }
    found = read(f'<title>x</title><script type="application/ld+json">{json.dumps(data)}</script>')
    assert (found.published, found.modified) == ("2024-01-31T08:00:00+01:00", "2024-02-01")
    assert (found.author, found.tags, found.category) == ("Ida Keeper", ("lamps", "towers"), "Sea")
    assert found.image == "https://news.example.org/tower.jpg"


def test_unreadable_json_ld_costs_nothing_else() -> None:
    assert read('<title>Lamp</title><script type="application/ld+json">{"@type": [</script>').title == "Lamp"


def test_meta_elements_are_read() -> None:
    found = read(
        '<title>x</title><meta name="description" content="All about  lamps">'
        '<meta property="article:published_time" content="2023-05-06"><meta name="author" content="Ida">'
        '<meta name="keywords" content="oil;brass"><meta property="article:section" content="Guides">'
    )
    assert (found.description, found.published, found.author) == ("All about lamps", "2023-05-06", "Ida")
    assert (found.tags, found.category) == (("oil", "brass"), "Guides")


def test_a_title_repeated_as_keyword_and_description_says_nothing() -> None:
    head = '<title>Harbour: Lamp</title><meta name=description content="Harbour: Lamp">'
    found = extract(page(PROSE, f'{head}<meta name=keywords content="Harbour: Lamp, oil">'), "https://example.org/")
    assert found.description == ""
    assert found.tags == ("oil",)
    assert extract(page(PROSE, "<title>A, B</title><meta name=keywords content='A, B'>"), "https://x.org/").tags == ()


def test_owners_choose_date_and_tags_with_css_selectors() -> None:
    main = f'{PROSE}<p class="day">31.1.2024</p><a class="tag">Brass</a>'
    settings = ExtractSettings(date=(".day",), tags=(".tag",))
    found = extract(page(main), "https://example.org/", "", settings)
    assert (found.published, found.tags) == ("2024-01-31", ("Brass",))


def test_several_time_elements_are_those_of_other_pages() -> None:
    assert read("<title>x</title>", PROSE + '<time datetime="2024-01-31">now</time>').published == "2024-01-31"
    two = '<time datetime="2024-01-31">a</time><time datetime="2024-02-01">b</time>'
    assert read("<title>x</title>", PROSE + two).published == ""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T10:20:30.5Z", "2024-01-31T10:20:30Z"),
        ("January 31st, 2024", "2024-01-31"),
        ("31 Jan 2024", "2024-01-31"),
        ("31.1.2024", "2024-01-31"),
        ("20240131", "2024-01-31"),
        ("Wed, 31 Jan 2024 10:20:30 +0100", "2024-01-31T10:20:30+01:00"),
        ("0001-01-01T00:00:00Z", ""),
        ("2024-13-45", ""),
        ("yesterday", ""),
    ],
)
def test_dates_become_iso_8601_or_nothing(written: str, expected: str) -> None:
    assert iso_date(written) == expected


@pytest.mark.parametrize(
    ("attributes", "main", "url", "expected"),
    [
        ('lang="de-AT"', GERMAN, "https://example.org/", "de"),
        ('lang="en"', GERMAN, "https://example.org/", "de"),  # a template's claim, overruled by the text
        ('lang="en"', "<p>Hallo</p>", "https://example.org/", "en"),  # too little text to overrule
        ("", GERMAN, "https://example.org/", "de"),
        ("", "<p>OK</p>", "https://example.org/fr/", "fr"),
        ("", "<p>OK</p>", "https://example.org/page.pt-br.html", "pt"),
    ],
)
def test_the_language_comes_from_markup_address_and_text(attributes: str, main: str, url: str, expected: str) -> None:
    assert read("<title>x</title>", main, url, attributes).lang == expected
