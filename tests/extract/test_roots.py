"""Where the article is found, and what inside it is navigation."""

from __future__ import annotations

import pytest

from indexer.extract import extract
from searchd.errors import ConfigError, ExtractionError
from searchd.settings import ExtractSettings
from tests.extract.pages import PROSE, page

URL = "https://example.org/lighthouse"
LINKS = "".join(f'<li><a href="/n{place}">Other story number {place}</a></li>' for place in range(12))


def text(body: bytes, settings: ExtractSettings = ExtractSettings()) -> str:  # noqa: B008 - frozen
    return extract(body, URL, "", settings).text


def test_without_semantic_markup_the_densest_subtree_is_the_article() -> None:
    story = f"<div><div><h1>Lamp</h1>{PROSE * 3}</div></div>"
    body = f"<body><div><ul>{LINKS}</ul></div>{story}<div>© 2024 Harbour</div></body>"
    found = text(body.encode())
    assert "lighthouse keeper" in found
    assert "Other story" not in found


def test_a_title_block_above_the_container_belongs_to_the_article() -> None:
    body = (
        f"<body><div id=top><h1>lamp(1)</h1><p>lamp - turns on the light</p></div><div id=content>{PROSE}</div></body>"
    )
    assert text(body.encode()).startswith("lamp - turns on the light")


@pytest.mark.parametrize(
    "navigation",
    [
        f"<nav><ul>{LINKS}</ul></nav>",
        f'<div role="navigation"><ul>{LINKS}</ul></div>',
        f'<div class="related-posts"><ul>{LINKS}</ul></div>',
        f'<div class="toc"><ul>{LINKS}</ul></div>',
        '<ul><li><a href="#a">Other story 1</a></li><li><a href="#b">2</a></li><li><a href="#c">3</a></li></ul>',
        '<p>Other story in: <a hreflang="de" href="/de">Deutsch</a> <a hreflang="fr" href="/fr">Français</a></p>',
        '<p>Next: <a rel="next" href="/b">Other story</a>, Up: <a rel="up" href="/">All</a> [<a href="/">Index</a>]',
        '<table><tr><td>[<a rel=prev href="/a">Other story</a>]<td>[<a rel=contents href="/">All</a>]</table>',
        f'<div id="footer"><p>Other story of the harbour office. {"We thank all who wrote to us. " * 5}</p></div>',
        '<div class="share-buttons">Other story</div>',
        "<section class=comments><p>" + "Other story told by a reader, at length. " * 90 + "</p></section>",
    ],
)
def test_navigation_inside_the_container_stays_out(navigation: str) -> None:
    found = text(page(f"<h1>Lamp</h1>{PROSE}{navigation}"))
    assert "Other story" not in found
    assert "lighthouse keeper" in found


def test_a_sentence_with_a_link_to_the_next_page_is_text() -> None:
    sentence = '<p>How the oil is carried up the stairs stands in <a rel="next" href="/oil">the next chapter</a>.</p>'
    assert "How the oil is carried" in text(page(f"<h1>Lamp</h1>{PROSE}{sentence}"))


def test_the_footer_of_a_short_page_is_no_text() -> None:
    footer = f'<div id="footer"><p>{"We thank all who wrote to us. " * 9}</p></div>'
    assert "thank" not in text(f"<body><div><h1>Lamp</h1><p>{'Short, but it shines. ' * 9}</p>{footer}</div>".encode())


def test_what_stands_around_the_page_is_not_its_text_and_a_title_block_is() -> None:
    frame = "<header><p>Harbour handbook</p></header><aside><p>Contents in a box</p></aside>"
    found = extract(f"<body>{frame}<h1>Lamp</h1>{PROSE}</body>".encode(), URL).text
    assert "lighthouse keeper" in found
    assert "Harbour handbook" not in found
    assert "Contents in a box" not in found
    titled = f"<body><header><h1>Lamp</h1><p>What lights it</p></header>{PROSE}</body>"
    assert "What lights it" in extract(titled.encode(), URL).text


def test_the_sites_name_in_a_bar_is_no_heading_of_the_page() -> None:
    bar = "<div><h1>Harbour Handbook</h1></div>"
    head = "<title>The Lamp - Harbour Handbook</title>"
    found = extract(f"{head}<body>{bar}<main><h2>The Lamp</h2>{PROSE}</main></body>".encode(), URL)
    assert found.title == "The Lamp"
    assert {section.headings for section in found.sections} == {("The Lamp",)}


def test_a_section_about_comments_is_not_taken_for_comments() -> None:
    section = '<section id="tags-and-comments"><h2>Tags and comments</h2><p>How to write them down.</p></section>'
    assert "How to write them down." in text(page(f"<h1>Lamp</h1>{section}{PROSE}"))


def test_a_rail_of_places_and_links_stays_out_and_linked_headings_do_not_make_one() -> None:
    places = '<h3>On this page</h3><ul><li><a href="#oil">Oil for the old lamp</a></li></ul>'
    rail = f'<div>{places}<h3>Other</h3><ul><li><a href="/x">Report a mistake</a></li></ul></div>'
    index = '<div><h2>Guides<a href="#guides">¶</a></h2><ul><li><a href="/g">First guide</a></li></ul></div>'
    found = text(page(f"<h1>Lamp</h1>{rail}{index}{PROSE}"))
    assert "Report" not in found
    assert "First guide" in found


def test_a_class_that_looks_like_navigation_does_not_cost_the_article() -> None:
    assert "lighthouse keeper" in text(page(f'<div class="pagination sidebar">{PROSE}</div>'))


@pytest.mark.parametrize(
    "question",
    [
        "<h3><button>When is it lit?</button></h3>",
        '<button aria-expanded="false">When is it lit? At night?</button>',
        "<details><summary>When is it lit?</summary>At night.</details>",
    ],
)
def test_questions_on_buttons_are_read_and_other_buttons_are_not(question: str) -> None:
    found = extract(page(f"<h1>Lamp</h1><button>Copy</button>{question}{PROSE}"), URL)
    read = found.text + " ".join(section.headings[-1] for section in found.sections)
    assert "When is it lit?" in read
    assert "Copy" not in read


def test_edit_links_are_no_part_of_a_heading() -> None:
    heading = '<h1>Lamp</h1><h2>Oil<span class="mw-editsection">[<a href="/edit">edit</a>]</span></h2>'
    assert extract(page(heading + PROSE), URL).sections[-1].headings == ("Lamp", "Oil")


def test_a_page_of_links_keeps_them() -> None:
    assert "Other story number 3" in text(page(f"<h1>All stories</h1><ul>{LINKS}</ul>"))


def test_a_news_page_loses_what_stands_around_its_story() -> None:
    head = '<title>Lamp | News</title><meta property="og:type" content="article">'
    teasers = "".join(f'<div><h3><a href="/{n}">Teaser {n}</a></h3><p>Short.</p></div>' for n in range(8))
    found = extract(page(f"<article><h1>Lamp</h1>{PROSE * 3}<div>{teasers}</div></article>", head), URL)
    assert "lighthouse keeper" in found.text
    assert "Teaser 3" not in " ".join(section.headings[-1] for section in found.sections if section.headings)


def test_owners_choose_with_css_selectors() -> None:
    body = page(
        f'<div class="a">{PROSE}</div>'
        '<div class="b"><h2 class=t>Mine</h2><p>Only this.</p><p class=x>Not this.</p></div>'
    )
    settings = ExtractSettings(include=(".b",), exclude=(".x",), title=(".t",))
    found = extract(body, URL, "", settings)
    assert found.text == "Only this."
    assert found.title == "Mine"


def test_a_selector_that_matches_nothing_leaves_the_choice_to_us() -> None:
    assert "lighthouse keeper" in text(page(PROSE), ExtractSettings(include=(".gone",)))


def test_a_wrong_selector_is_named() -> None:
    with pytest.raises(ConfigError, match="is no CSS selector"):
        text(page(PROSE), ExtractSettings(exclude=("p[",)))


@pytest.mark.parametrize("body", [b"", b"   ", b"<!-- nothing -->"])
def test_an_empty_body_is_an_error_and_not_a_page(body: bytes) -> None:
    with pytest.raises(ExtractionError):
        extract(body, URL)
