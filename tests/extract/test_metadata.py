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


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        ("Harbour News", "Lamp lit at dusk", "Lamp lit at dusk"),  # a template's <title>
        ("Lamp lit - Harbour News", "Harbour News", "Lamp lit"),  # the site's name as heading
        ("Lamp lit - News.Example.org", "", "Lamp lit"),
        ("Lamp lit – The Harbour-News", "", "Lamp lit – The Harbour-News"),
        ("Lamp lit – Harbournews", "", "Lamp lit"),
        ("Lamp lit - Sea & Coast", "", "Lamp lit"),  # the site's section
        ("Column: Why the lamp is lit - Harbour News", "Column: A lamp for all", "Column: Why the lamp is lit"),
        ("Weather: Storm over the harbour", "In brief: storm over the harbour", "Storm over the harbour"),
    ],
)
def test_what_names_the_site_or_a_section_is_no_title(title: str, heading: str, expected: str) -> None:
    head = f'<title>{title}</title><meta property="og:site_name" content="Harbour News">'
    head += '<meta property="article:section" content="Sea &amp; Coast">'
    assert read(head, (f"<h1>{heading}</h1>" if heading else "") + PROSE).title == expected


def test_a_page_called_like_its_site_keeps_that_name() -> None:
    assert read("<title>Harbour</title>", PROSE, "https://harbour.example.org/").title == "Harbour"


def test_a_standfirst_marked_as_a_heading_is_text() -> None:
    line = "The keeper climbs the stairs every evening before the ships come home"
    found = read("<title>x</title>", f"<h1>Lamp lit</h1><h2>{line}</h2>{PROSE}<h3>Oil</h3>{PROSE}")
    assert [section.headings for section in found.sections] == [("Lamp lit",), ("Lamp lit", "Oil")]
    assert found.sections[0].blocks[0].text == line


@pytest.mark.parametrize(
    "main",
    [
        "<h1>Lamp lit</h1><h2>Short line</h2>{prose}",
        "<h1>Lamp lit</h1><h2>{line}</h2>{prose}<h2>Oil</h2>{prose}",
        "<h1>Lamp lit</h1>{prose}<h2>{line}</h2>{prose}",
        "<h1>Lamp lit</h1><h2>{line}</h2>{prose}<h1>Lamp out</h1>{prose}",
    ],
)
def test_other_headings_stay_headings(main: str) -> None:
    line = "The keeper climbs the stairs every evening before the ships come home"
    found = read("<title>x</title>", main.format(line=line, prose=PROSE))
    assert ("Lamp lit", "Short line" if "Short" in main else line) in [section.headings for section in found.sections]


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


def tags_of(*contents: str) -> tuple[str, ...]:
    return read("<title>x</title>" + "".join(f'<meta property="article:tag" content="{one}">' for one in contents)).tags


def test_of_several_elements_each_is_a_tag_and_one_alone_is_a_list() -> None:
    assert tags_of("Keeper, Ida", "Brass") == ("Keeper, Ida", "Brass")
    assert tags_of("oil, wick, brass", "Sea") == ("oil", "wick", "brass", "Sea")
    assert tags_of("Keeper, Ida", "Keeper, Ida") == ("Keeper", "Ida")


def test_tags_for_machines_are_left_out() -> None:
    assert tags_of("@front-page", "_internal", "/article", "source:wire", "id:17", "&amp;quot;", "#brass") == ("brass",)
    assert tags_of("Perl::Critic", ".NET", "C++", "Lamps: a guide") == ("Perl::Critic", ".NET", "C++", "Lamps: a guide")


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("Sea", "Sea"),
        ("Sea,Home Page,Slider", "Sea"),
        ("Oil, Wick &amp; Brass", "Oil, Wick & Brass"),
        ("Uncategorized", ""),
        ("Allgemein", ""),
        ("post", ""),
        ("harbour.example.org", ""),
    ],
)
def test_a_category_tells_pages_apart(stated: str, expected: str) -> None:
    assert read(f'<title>x</title><meta property="article:section" content="{stated}">').category == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("By Ida Keeper", "Ida Keeper"),
        ("by Ida Keeper @ida Jan 31, 2024 • 2 min read", "Ida Keeper"),
        ("Von Ida Keeper", "Ida Keeper"),
        ("Von Neumann", "Von Neumann"),
        ("Text: Ida Keeper", "Ida Keeper"),
        ("Ida Keeper | Harbour News", "Ida Keeper"),
        ("https://example.org/ida", ""),
    ],
)
def test_an_author_is_a_name(stated: str, expected: str) -> None:
    assert read(f'<title>x</title><meta name="author" content="{stated}">').author == expected


def test_markup_leaves_descriptions_unless_they_are_about_it() -> None:
    said = '<title>x</title><meta name="description" content="{}">'
    assert read(said.format("&lt;p&gt;All &lt;b&gt;about&lt;/b&gt; lamps")).description == "All about lamps"
    assert read(said.format("The &lt;p&gt; element holds text")).description == "The <p> element holds text"


def test_a_date_with_a_time_is_preferred() -> None:
    both = '<meta property="article:published_time" content="2024-01-31T08:00:00Z">'
    data = '{"@type": "Article", "datePublished": "2024-01-31"}'
    found = read(f'<title>x</title>{both}<script type="application/ld+json">{data}</script>')
    assert found.published == "2024-01-31T08:00:00Z"


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
