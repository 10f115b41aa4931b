"""The page store: what is written comes back, to any number of threads."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from searchd.errors import SnapshotError
from searchd.index.pages import Pages, PageWriter, add_enrichment, day_number, url_path
from searchd.index.records import Page, Passage


def page(number: int, first_row: int, **fields: object) -> Page:
    values: dict[str, object] = {
        "title": f"Page {number}", "lang": "en", "description": "", "kind": "html", "category": "", "tags": (),
        "author": "", "published": "", "modified": "", "image": "", "headings": ((("One", "Two"), "two"),),
        "n_passages": 2, "n_words": 10, "aliases": (),
    }  # fmt: skip
    values |= fields
    return Page(page=number, url=f"https://site.example/a/{number}.html", first_row=first_row, **values)  # type: ignore[arg-type]


PASSAGES = (Passage(("One", "Two"), "two", "Straße und Café", 4), Passage((), "", "second"))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "pages.sqlite"
    writer = PageWriter(path)
    writer.add(page(0, 0, tags=("x", "y"), aliases=("https://site.example/old",), category="news"), PASSAGES)
    dates = {"modified": "2024-03-01", "published": "2023-01-01"}
    writer.add(page(1, 2, lang="de", tags=("y",), links=0.75, **dates), PASSAGES)
    writer.close()
    return path


def test_pages_and_passages_come_back_as_they_went(store: Path) -> None:
    pages = Pages(store)
    assert len(pages) == 2
    assert pages.page(0) == page(0, 0, tags=("x", "y"), aliases=("https://site.example/old",), category="news")
    assert pages.passage(2) == PASSAGES[0]
    assert [p.page for p in pages.all_pages()] == [0, 1]
    for missing in (pages.page, pages.passage):
        with pytest.raises(KeyError):
            missing(99)
    pages.close()


def test_a_page_is_found_by_its_url_its_alias_and_its_path(store: Path) -> None:
    pages = Pages(store)
    for url in ("https://site.example/a/0.html", "https://site.example/old"):
        found = pages.by_url(url)
        assert found is not None
        assert found.page == 0
    assert pages.by_url("https://site.example/none") is None
    assert pages.by_path("/a/1.html") == [1]
    assert sorted(pages.below("/a/").tolist()) == [0, 1]
    assert pages.below("/b").tolist() == []
    pages.close()


def test_columns_hold_what_ranking_asks_of_every_page(store: Path) -> None:
    pages = Pages(store)
    columns = pages.columns
    assert columns.page_of_row.tolist() == [0, 0, 1, 1]
    assert columns.section_of_row.tolist() == [0, 1, 2, 3]
    assert columns.lang.tolist() == [columns.code("lang", "en"), columns.code("lang", "de")]
    assert columns.code("lang", "fr") == -1
    assert columns.links.tolist() == [0.0, pages.page(1).links] == [0.0, 0.75]
    assert columns.day.tolist() == [-1, day_number("2024-03-01")]
    assert [columns.names["tag"][code] for code in columns.tags_of(0)] == ["x", "y"]
    pages.close()


def test_passages_of_one_section_share_its_number(tmp_path: Path) -> None:
    writer = PageWriter(tmp_path / "pages.sqlite")
    one, two = PASSAGES
    moved = Passage(one.headings, "elsewhere", one.text)
    writer.add(page(0, 0, n_passages=4), (one, one, moved, one))
    writer.add(page(1, 4, n_passages=0), ())
    writer.add(page(2, 4), (one, two))
    writer.close()
    pages = Pages(tmp_path / "pages.sqlite")
    assert pages.columns.section_of_row.tolist() == [0, 0, 1, 0, 2, 3]
    pages.close()


def test_enrichment_is_added_to_a_closed_store(store: Path) -> None:
    add_enrichment(store, [(("A sentence.",), ("key phrase",)), ((), ())])
    pages = Pages(store)
    assert (pages.page(0).summary, pages.page(0).keyphrases) == (("A sentence.",), ("key phrase",))
    assert pages.page(1).summary == ()
    pages.close()


def test_threads_read_at_the_same_time(store: Path) -> None:
    pages = Pages(store)
    wrong: list[object] = []

    def read() -> None:
        titles = [(pages.page(1).title, pages.passage(1)) for _ in range(200)]
        wrong.extend(found for found in titles if found != ("Page 1", PASSAGES[1]))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pages.close()
    assert not wrong


def test_pages_out_of_order_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="in order"):
        PageWriter(tmp_path / "p").add(page(1, 0), PASSAGES)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"not a database" * 100)
    with pytest.raises(SnapshotError, match="no page store"):
        Pages(tmp_path / "p")


def test_dates_and_paths_are_read_generously() -> None:
    assert day_number("1970-01-11T08:00:00Z") == 10
    assert day_number("yesterday") == day_number("") == -1
    assert url_path("https://site.example") == "/"
    assert url_path("https://site.example/a?b=c#d") == "/a?b=c"
    assert url_path("/only/path") == "/only/path"


def test_any_number_of_passages_and_pages_is_fetched_at_once(tmp_path: Path) -> None:
    writer = PageWriter(tmp_path / "pages.sqlite")
    for number in range(800):
        writer.add(page(number, 2 * number), (Passage((), "", f"first {number}"), Passage((), "", f"second {number}")))
    writer.close()
    pages = Pages(tmp_path / "pages.sqlite")
    rows = [7, *range(1599, -1, -1), 7]
    assert [passage.text for passage in pages.passages(rows)] == [
        f"{('first', 'second')[row % 2]} {row // 2}" for row in rows
    ]
    assert [found.page for found in pages.pages(range(799, -1, -1))] == list(range(799, -1, -1))
    with pytest.raises(KeyError):
        pages.passages([*range(1600), 1600])
    assert pages.passages([]) == []
    assert pages.pages([]) == []
    pages.close()
