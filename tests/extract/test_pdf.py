"""PDF files."""

from __future__ import annotations

import pytest

from indexer.extract import extract
from indexer.extract.pdf_pages import tidy
from searchd.errors import ExtractionError
from tests.extract.pages import pdf

URL = "https://example.org/guide.pdf"


def test_each_page_of_a_pdf_is_a_section_that_can_be_linked() -> None:
    found = extract(pdf([["The lamp is lit."], [], ["The ship comes", "home."]], title="Guide to lamps"), URL)
    assert (found.kind, found.title, found.published, found.author) == (
        "pdf",
        "Guide to lamps",
        "2024-01-31",
        "Ida Keeper",
    )
    assert [(section.anchor, section.text) for section in found.sections] == [
        ("page=1", "The lamp is lit."),
        ("page=3", "The ship comes home."),
    ]


def test_bookmarks_become_headings() -> None:
    found = extract(pdf([["One."], ["Two."], ["Three."]], [("Oil", 0), ("Brass", 2)]), URL)
    assert [(section.headings, section.anchor) for section in found.sections] == [
        (("Oil",), "page=1"),
        (("Oil",), "page=2"),
        (("Brass",), "page=3"),
    ]


def test_the_tags_of_a_tagged_pdf_become_headings_and_cut_its_pages() -> None:
    body = pdf(
        [
            ["Lamp oil", "Buy it in spring.", "Storing", "In the cellar."],
            ["It keeps for years.", "Brass", "Polish it."],
        ],
        tags=[["H1", "P", "H2", "P"], ["P", "H1", "P"]],
    )
    assert [(section.headings, section.anchor, section.text) for section in extract(body, URL).sections] == [
        (("Lamp oil",), "page=1", "Buy it in spring."),
        (("Lamp oil", "Storing"), "page=1", "In the cellar."),
        (("Lamp oil", "Storing"), "page=2", "It keeps for years."),
        (("Brass",), "page=2", "Polish it."),
    ]


def test_bookmarks_win_over_tags_and_cut_where_their_words_stand() -> None:
    body = pdf([["End of it.", "Oil", "Buy it."]], [("Oil", 0)], tags=[["H1", "P", "P"]])
    assert [(section.headings, section.text) for section in extract(body, URL).sections] == [
        ((), "End of it."),
        (("Oil",), "Buy it."),
    ]


def test_a_heading_is_found_with_the_number_that_its_bookmark_lacks() -> None:
    body = pdf(
        [
            [
                "End of it.",
                "2.1 Oil",
                "Buy it.",
                "2.2. Keeper's tools",
                "Mend them.",
                "CHAPTER 3",
                "Brass",
                "Polish it.",
            ]
        ],
        [("Oil", 0), ("Keeper's tools", 0), ("Brass", 0)],
    )
    assert [(section.headings, section.text) for section in extract(body, URL).sections] == [
        ((), "End of it."),
        (("Oil",), "Buy it."),
        (("Keeper's tools",), "Mend them."),
        (("Brass",), "Polish it."),
    ]


def test_a_word_divided_at_the_end_of_a_line_is_one_word_and_a_compound_keeps_its_hyphen() -> None:
    assert tidy(["Ask for per\x02mission at the harbour\x02Office or for per-\r\nmits, pre-\r\nand postpaid."]) == [
        "Ask for permission at the harbour-Office or for permits, pre- and postpaid."
    ]


def test_running_heads_and_page_numbers_are_no_text_and_a_letterhead_is_read_once() -> None:
    texts = ["The lamp is lit.", "The ship comes home.", "12 boats wait.", "The beam turns."]
    pages = [
        [f"Harbour news {place}", text, "Quay 2, Grauwiek", f"Page {place} of 6"] for place, text in enumerate(texts, 3)
    ]
    assert [section.text for section in extract(pdf(pages), URL).sections] == [
        "Harbour news The lamp is lit.\nQuay 2, Grauwiek",
        *texts[1:],
    ]


def test_a_table_of_contents_is_left_out_and_a_price_list_is_not() -> None:
    contents = ["Contents", *(f"1.{place} Lamps and oil . . . . . . . . {place}" for place in range(1, 4))]
    prices = ["Menu", "Soup ........ 3", "Fish ............ 2", "Bread ..... 1"]
    found = extract(pdf([contents, prices, ["The lamp is lit."]]), URL)
    assert [section.text for section in found.sections] == ["Menu Soup 3 Fish 2 Bread 1", "The lamp is lit."]


def test_a_file_name_in_the_title_field_is_no_title() -> None:
    assert extract(pdf([["Guide to lamps", "Read me."]], title="Microsoft Word - x.doc"), URL).title == "Guide to lamps"


def test_the_content_type_alone_makes_a_pdf() -> None:
    with pytest.raises(ExtractionError, match="no readable PDF"):
        extract(b"<html>not one</html>", URL, "application/pdf")


def test_damaged_files_are_an_error() -> None:
    with pytest.raises(ExtractionError, match="no readable PDF"):
        extract(pdf([["One."]])[:60], URL)
