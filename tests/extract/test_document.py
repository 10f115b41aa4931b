"""The document model is BeautifulSoup's own, however it was built."""

from __future__ import annotations

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag

from indexer.extract.document import MAX_DEPTH, Node, parse

PAGE = """<html lang="en"><head></head><body class="a b" id="top"><h1>Title</h1>
<p>One <a href="#x" rel="next up">two <b>three</b></a> four<br/>five</p><ul><li>1</li><li hreflang="">2</li></ul>
<ruby>漢<rp>(</rp><rt>kan</rt></ruby><pre>
 code </pre><x-note data-y="z">six</x-note> tail</body></html>"""


def _around(element: PageElement) -> list[object]:
    """What an element is, and what stands around it."""
    beside = (
        element.parent, element.next_element, element.previous_element, element.next_sibling, element.previous_sibling
    )  # fmt: skip
    own = dict(element.attrs) if isinstance(element, Tag) else str(element)
    return [_name(element), own, *map(_name, beside)]


def _name(element: object) -> str:
    return element.name if isinstance(element, Tag) else repr(str(element)) if element is not None else ""


def test_elements_stand_where_beautifulsoup_would_put_them() -> None:
    ours = parse(PAGE.encode(), "http://localhost/").soup
    theirs = BeautifulSoup(PAGE, "lxml", multi_valued_attributes=None)
    assert ours.html is not None
    assert theirs.html is not None
    assert list(map(_around, ours.html.descendants)) == list(map(_around, theirs.html.descendants))


def test_elements_know_all_that_beautifulsoup_tells_its_own() -> None:
    ours = parse(PAGE.encode(), "http://localhost/").soup
    theirs = BeautifulSoup(PAGE, "lxml", multi_valued_attributes=None)
    for one, other in zip(ours.descendants, theirs.descendants, strict=True):
        assert vars(other).keys() <= vars(one).keys()
        if isinstance(one, Tag) and isinstance(other, Tag):
            assert one.interesting_string_types == other.interesting_string_types
            assert one.can_be_empty_element == other.can_be_empty_element
            assert type(one.attrs) is type(other.attrs)
    assert str(ours.body) == str(theirs.body)


def test_elements_of_one_name_share_nothing_that_may_change() -> None:
    soup = parse(b"<p>a</p><p>b</p>", "http://localhost/").soup
    first, second = soup.find_all("p")
    first["class"] = "x"
    first.append(NavigableString("c"))
    assert str(second) == "<p>b</p>"


def test_elements_know_their_text_and_their_links() -> None:
    nodes = parse(b"<div><p> ab <a href='#x'>cd</a></p><a href='/' hreflang=de>e</a></div>", "http://localhost/").nodes
    div = next(node for node in nodes if node.name == "div")
    assert (div.chars, div.link_chars, div.links, div.local_links, div.language_links) == (5, 3, 2, 1, 1)
    assert [node.name for node in nodes[div.place : div.end]] == ["div", "p", "a", "a"]


def test_elements_below_the_greatest_depth_join_their_ancestor() -> None:
    deep = parse(b"<div>" * (MAX_DEPTH + 50) + b"x", "http://localhost/")
    assert deep.too_deep
    assert deep.body.chars == 1
    assert max(sum(isinstance(parent, Node) for parent in node.parents) for node in deep.nodes) == MAX_DEPTH - 1
    assert not parse(b"<div>" * (MAX_DEPTH - 50) + b"x", "http://localhost/").too_deep


def test_what_no_document_may_hold_is_left_out() -> None:
    body = "<p>a\x00b\x0bc\x7fd\ufffee\uffff\tf</p><i " + "x" * 70_000 + ">g"
    assert parse(body.encode(), "http://localhost/").body.get_text() == "abcde\tfg"
