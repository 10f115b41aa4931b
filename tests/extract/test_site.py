"""What only the whole site shows: boilerplate and duplicates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from indexer.dedupe import fold
from indexer.extract import Boilerplate, clean, fingerprint, learn_boilerplate
from searchd.index.records import Article, Block, Section
from searchd.settings import ExtractSettings

NOTE = Block("paragraph", "Write to the harbour office when you find a mistake.")
LICENCE = Block("code", "SPDX-License-Identifier: CC0-1.0")


def article(place: int, *extra: Block, title: str = "", words: int = 60) -> Article:
    text = " ".join(f"word{place}x{number}" for number in range(words))
    body = Section((f"Page {place}",), "top", (Block("paragraph", text), *extra))
    return Article(f"https://example.org/{place}", title or f"Page {place} | Harbour", (body,), "en")


def test_what_many_pages_repeat_is_learnt_and_dropped_but_code_stays() -> None:
    pages = [article(place, NOTE, LICENCE) for place in range(10)]
    cleaned = clean(pages[3], learn_boilerplate(pages))
    assert NOTE not in cleaned.sections[0].blocks
    assert LICENCE in cleaned.sections[0].blocks
    assert "word3x0" in cleaned.text


def test_the_sites_name_leaves_the_titles() -> None:
    pages = [article(place) for place in range(10)]
    assert clean(pages[4], learn_boilerplate(pages)).title == "Page 4"


def test_pages_that_share_one_title_are_named_by_their_heading() -> None:
    pages = [article(place, title="Harbour") for place in range(10)]
    assert clean(pages[4], learn_boilerplate(pages)).title == "Page 4"


@pytest.mark.parametrize("title", ["Page {} (Harbour 2.1)", "Harbour: Page {}", "Harbour: Notes: Page {}"])
def test_the_sites_name_leaves_titles_written_in_other_ways(title: str) -> None:
    pages = [article(place, title=title.format(place)) for place in range(10)]
    assert clean(pages[4], learn_boilerplate(pages)).title.endswith("Page 4")
    assert "Harbour" not in clean(pages[4], learn_boilerplate(pages)).title


def test_descriptions_keywords_and_pictures_of_the_template_name_no_page() -> None:
    about, logo = "All about our harbour.", "https://example.org/logo.png"
    pages = [
        replace(article(place), tags=("Harbour", f"lamp {place}"), description=about, image=logo) for place in range(10)
    ]
    pages[4] = replace(pages[4], description="The lamp.", image="https://example.org/lamp.jpg")
    learnt = learn_boilerplate(pages)
    others, own = clean(pages[3], learnt), clean(pages[4], learnt)
    assert (others.description, others.tags, others.image) == ("", ("lamp 3",), "")
    assert (own.description, own.image) == ("The lamp.", "https://example.org/lamp.jpg")


def test_a_keyword_and_a_picture_of_some_pages_stay() -> None:
    pages = [replace(article(place), tags=("Lamps",), image="https://example.org/lamp.jpg") for place in range(5)]
    pages += [article(place) for place in range(5, 10)]
    kept = clean(pages[0], learn_boilerplate(pages))
    assert (kept.tags, kept.image) == (("Lamps",), "https://example.org/lamp.jpg")


def test_a_note_in_parentheses_that_few_titles_have_stays() -> None:
    pages = [article(place, title=f"Page {place} ({place})") for place in range(10)]
    assert clean(pages[4], learn_boilerplate(pages)).title == "Page 4 (4)"


def under_a_banner(place: int) -> Article:
    """A page whose own heading stands below the site's name."""
    page = article(place, title="Harbour")
    own = tuple(replace(section, headings=("Harbour", *section.headings)) for section in page.sections)
    return replace(page, sections=(Section(("Harbour",), "bar", ()), *own))


def test_a_heading_above_each_pages_own_names_the_site_and_goes() -> None:
    pages = [*(under_a_banner(place) for place in range(10)), *(article(place) for place in range(10, 50))]
    cleaned = clean(pages[4], learn_boilerplate(pages))
    assert cleaned.title == "Page 4"
    assert [section.headings for section in cleaned.sections] == [("Page 4",)]


def test_a_first_heading_with_text_of_its_own_stays() -> None:
    pages = [
        replace(page, sections=(Section(("Name",), "", (Block("paragraph", f"tool {place}"),)), *page.sections))
        for place in range(10)
        for page in (article(place),)
    ]
    assert clean(pages[4], learn_boilerplate(pages)).sections[0].headings == ("Name",)


def test_a_handful_of_pages_teaches_nothing() -> None:
    assert learn_boilerplate([article(place, NOTE) for place in range(5)]) == Boilerplate()


def test_a_page_of_boilerplate_alone_keeps_it() -> None:
    pages = [article(place, NOTE) for place in range(10)]
    alone = replace(pages[0], sections=(Section((), "", (NOTE,)),))
    assert clean(alone, learn_boilerplate(pages)).text == NOTE.text


def test_cleaning_twice_equals_cleaning_once() -> None:
    pages = [article(place, NOTE) for place in range(10)]
    learnt = learn_boilerplate(pages)
    assert clean(clean(pages[0], learnt), learnt) == clean(pages[0], learnt)


def folded(*pages: tuple[str, Article], near: float = 0.9) -> dict[str, str]:
    return {url: canonical for url, canonical in fold(pages, near).items() if url != canonical}


def test_the_same_text_at_two_addresses_is_one_page() -> None:
    page = article(1)
    assert folded(("/lamp", page), ("/lamp?print=1", page), ("/other", article(2))) == {"/lamp?print=1": "/lamp"}


def test_the_order_of_the_pages_does_not_matter() -> None:
    page = article(1)
    assert fold([("/b", page), ("/a", page)]) == fold([("/a", page), ("/b", page)])


def test_nearly_the_same_text_folds_only_under_the_same_title() -> None:
    page = article(1, words=400)
    dated = replace(page, sections=(*page.sections, Section((), "", (Block("paragraph", "Printed today."),))))
    assert folded(("/lamp", page), ("/lamp/print", dated)) == {"/lamp/print": "/lamp"}
    assert folded(("/lamp", page), ("/lamp/print", dated), near=1.0) == {}
    assert folded(("/lamp", page), ("/lamp/print", replace(dated, title="Another"))) == {}


def test_distinct_pages_with_much_in_common_stay_apart() -> None:
    shared = Block("paragraph", " ".join(f"option{number}" for number in range(100)))
    fetch, pull = (replace(article(place, shared), title="git") for place in (1, 2))
    assert folded(("/git-fetch", fetch), ("/git-pull", pull)) == {}


def whole_book(*chapters: Article) -> Article:
    return replace(chapters[0], title="All on one page", sections=tuple(s for page in chapters for s in page.sections))


def test_a_page_made_of_other_pages_gives_way_to_them() -> None:
    chapters = [article(place, words=250 if place == 3 else 100) for place in range(5)]
    pages = [(f"/{place}", chapter) for place, chapter in enumerate(chapters)]
    book = ("/book", whole_book(*chapters))
    assert folded(book, *pages) == {"/book": "/3"}, "its largest part stands for it"
    assert fold([book, *pages], near=1.0) == fold([book, *pages], entrances=["/book"])
    assert folded(book, *pages, near=1.0) == {}


def test_a_page_that_says_more_than_its_parts_stays() -> None:
    chapters = [article(place, words=100) for place in range(4)]
    pages = [(f"/{place}", chapter) for place, chapter in enumerate(chapters)]
    assert folded(("/book", whole_book(*chapters, article(9, words=200))), *pages) == {}


def test_a_longer_version_of_one_page_is_not_made_of_pages() -> None:
    long, short = article(1, words=300), [article(place, words=60) for place in (2, 3)]
    pages = [("/1", long), *((f"/{place}", page) for place, page in enumerate(short, 2))]
    assert folded(("/all", whole_book(long, *short)), *pages) == {}


def test_languages_never_fold() -> None:
    page = article(1)
    assert folded(("/en/lamp", page), ("/de/lamp", replace(page, lang="de"))) == {}


def test_an_untranslated_copy_gives_way_to_the_original() -> None:
    page = article(1)
    assert folded(("/da/lamp", page), ("/en/lamp", page)) == {"/da/lamp": "/en/lamp"}


def test_pages_with_hardly_any_text_are_not_taken_for_duplicates() -> None:
    moved = replace(article(1), sections=(Section((), "", (Block("paragraph", "This page moved."),)),))
    assert folded(("/a", moved), ("/b", moved)) == {}


def test_the_fingerprint_changes_with_what_changes_articles_and_with_nothing_else() -> None:
    plain = fingerprint(ExtractSettings())
    assert fingerprint(ExtractSettings(exclude=(".ad",))) != plain
    assert fingerprint(ExtractSettings(workers=7, timeout_s=1.0)) == plain
