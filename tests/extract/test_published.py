"""The day of publication where a page's metadata is silent."""

from __future__ import annotations

import pytest

from indexer.extract import extract
from indexer.extract.dates import written_date
from indexer.extract.published import day_in_path
from tests.extract.pages import PROSE, page

GERMAN = "<p>" + "Der Leuchtturm steht seit vielen Jahren am Hafen und zeigt den Schiffen den Weg. " * 6 + "</p>"


def published(main: str, url: str = "https://example.org/lamp") -> str:
    return extract(page(main, "<title>Lamp lit</title>", ""), url).published


@pytest.mark.parametrize(
    "shown",
    [
        '<p class="post-date">January 31, 2024</p>',
        '<div class="storyDate">Posted: Wed 6:45 PM, Jan 31, 2024</div>',
        '<div id="datum">31.1.2024, 18:45 Uhr</div>',
        '<span class="field--name-created">Wed, 31 Jan 2024</span>',
        '<div class="byline-date">By Ida Keeper January 31, 2024</div>',
        "<span>Published 11:11 PM EST Jan 31, 2024</span>",
        "<p>By Ida Keeper, published January 31, 2024</p>",
        "<span>31 JAN 2024</span>",
        "<p>2024-01-31 15:24</p>",
        "<p>2024年1月31日</p>",
        "<div class=meta><span>Ida Keeper</span> | <b>5 min</b> January 31st, 2024</div>",
    ],
)
def test_a_date_below_the_heading_is_the_pages(shown: str) -> None:
    assert published(f"<h1>Lamp lit</h1>{shown}{PROSE}") == "2024-01-31"


@pytest.mark.parametrize(
    "shown", ["<p>publiziert am 31. Januar 2024</p>", '<p class="datum">Mittwoch, 31. Jänner 2024</p>']
)
def test_months_are_read_in_the_pages_language(shown: str) -> None:
    assert published(f"<h1>Lampe an</h1>{shown}{GERMAN}") == "2024-01-31"


@pytest.mark.parametrize(
    "shown",
    [
        "<p>The lamp of January 31, 2024 was the first.</p>",  # running text
        "<p>Lamp 2.0, published on January 31, 2024</p>",  # of something that the page speaks of
        "<p>Last updated January 31, 2024</p>",
        '<p class="date">Stand: 31.1.2024</p>',
        '<p class="date">January 2024</p>',
        '<p class="date">from Jan 31, 2024 until further notice</p>',
        '<footer><p class="date">January 31, 2024</p></footer>',
        '<div class="event-info"><span class="date">January 31, 2024</span></div>',
        "<div class=termine><b>31.1.2024</b></div>",
        "<p class=date>45.13.2024</p>",
    ],
)
def test_other_dates_are_not_taken_for_it(shown: str) -> None:
    assert published(f"<h1>Lamp lit</h1>{shown}{PROSE}") == ""


def test_a_lone_date_counts_only_between_heading_and_text() -> None:
    assert published(f"<h1>Lamp lit</h1>{PROSE}<table><tr><td>January 31, 2024</td></tr></table>") == ""


def test_dates_of_a_list_of_other_pages_are_not_this_pages() -> None:
    teasers = "".join(f'<div class=teaser><span class="date">January {day}, 2024</span></div>' for day in (29, 30))
    assert published(f"<h1>News</h1>{teasers}{PROSE}") == ""
    own = '<p class="article-date">January 31, 2024</p>'
    assert published(f"<h1>Lamp lit</h1>{own}{PROSE}{teasers}") == "2024-01-31"


def test_of_thousands_of_dates_only_some_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(text: str, lang: str = "") -> tuple[str, str]:
        read.append(text)
        return written_date(text, lang)

    monkeypatch.setattr("indexer.extract.published.written_date", counted)
    rows = "".join(f'<tr><td class="date">January {1 + day % 28}, 2024</td></tr>' for day in range(5000))
    assert published(f"<h1>Log</h1>{PROSE}<table>{rows}</table>") == ""
    assert 0 < len(read) < 200


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://example.org/2024/01/31/lamp/", "2024-01-31"),
        ("https://example.org/news/2024/jan/31/lamp", "2024-01-31"),
        ("https://example.org/2024/1/31", "2024-01-31"),
        ("https://example.org/2024/01/lamp/", ""),
        ("https://example.org/2024/13/31/lamp/", ""),
        ("https://example.org/v2024/01/31/lamp/", ""),
    ],
)
def test_an_address_names_the_day(url: str, day: str) -> None:
    assert day_in_path(url) == day
