"""PDF files."""

from __future__ import annotations

import pytest

from indexer.extract import extract
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


def test_a_file_name_in_the_title_field_is_no_title() -> None:
    assert extract(pdf([["Guide to lamps", "Read me."]], title="Microsoft Word - x.doc"), URL).title == "Guide to lamps"


def test_the_content_type_alone_makes_a_pdf() -> None:
    with pytest.raises(ExtractionError, match="no readable PDF"):
        extract(b"<html>not one</html>", URL, "application/pdf")


def test_damaged_files_are_an_error() -> None:
    with pytest.raises(ExtractionError, match="no readable PDF"):
        extract(pdf([["One."]])[:60], URL)
