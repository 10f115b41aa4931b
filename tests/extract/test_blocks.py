"""What an article keeps of its page: headings, anchors, kinds."""

from __future__ import annotations

import pytest

from indexer.extract import extract
from searchd.index.records import Article, Block
from tests.extract.pages import PROSE, page

URL = "https://example.org/lighthouse"


def article(main: str) -> Article:
    return extract(page(main + PROSE), URL)


def blocks(main: str) -> list[Block]:
    return [block for section in article(main).sections for block in section.blocks]


def test_menus_and_footers_stay_out() -> None:
    text = article("<h1>Lighthouse</h1>").text
    assert "lighthouse keeper" in text
    assert "Menu entry" not in text
    assert "All rights reserved" not in text


def test_headings_become_a_path() -> None:
    found = article("<h1>A</h1><p>x</p><h2>B</h2><p>y</p><h3>C</h3><p>z</p><h2>D</h2><p>w</p>")
    assert [section.headings for section in found.sections] == [("A",), ("A", "B"), ("A", "B", "C"), ("A", "D")]


@pytest.mark.parametrize(
    ("markup", "anchor"),
    [
        ('<h2 id="own">Lamp</h2>', "own"),
        ('<h2><a name="inner"></a>Lamp</h2>', "inner"),
        ('<h2>Lamp <span id="late"></span></h2>', "late"),
        ('<h2>Lamp<a class="headerlink" href="#permalink">¶</a></h2>', "permalink"),
        ('<a id="before"></a> <h2>Lamp</h2>', "before"),
        ('<section id="around"><div><h2>Lamp</h2></div><p>x</p></section>', "around"),
        ("<h2>Lamp-post, lit</h2>", ":~:text=Lamp%2Dpost%2C%20lit"),
    ],
)
def test_a_heading_is_linked_where_browsers_can_jump(markup: str, anchor: str) -> None:
    sections = article(f"<h1>Lighthouse</h1><p>Some words stand before.</p>{markup}<p>Text below.</p>").sections
    assert sections[1].anchor == anchor


def test_a_section_is_not_linked_to_an_id_that_begins_earlier() -> None:
    sections = article('<h1>A</h1><div id="whole"><p>words before the heading</p><h2>Lamp</h2><p>x</p></div>').sections
    assert sections[1].anchor == ":~:text=Lamp"


def test_permalink_signs_are_no_part_of_a_heading() -> None:
    assert article('<h1>Lamp<a class="headerlink" href="#lamp">¶</a></h1>').sections[0].headings == ("Lamp",)


def test_terms_and_their_definitions_stay_together_and_linkable() -> None:
    found = blocks(
        '<dl><dt id="beam">beam</dt><dt>ray</dt><dd>Light <b>of</b> the lamp.</dd><dt>lens</dt><dd>Glass.</dd></dl>'
    )
    assert found[:2] == [
        Block("definition", "beam\nray\nLight of the lamp.", "beam"),
        Block("definition", "lens\nGlass."),
    ]


def test_code_keeps_its_lines_and_loses_their_numbers() -> None:
    markup = '<pre><span class="linenos">1</span>def light():\n<span class="linenos">2</span>    return 1\n</pre>'
    assert blocks(markup)[0] == Block("code", "def light():\n    return 1")


def test_tables_keep_their_header_and_cells() -> None:
    rows = "<tr><th>Name</th><th>Range</th></tr><tr><td>Old</td><td>9 miles</td></tr>"
    markup = f"<table><caption>Lamps</caption>{rows}</table>"
    assert blocks(markup)[:2] == [Block("caption", "Lamps"), Block("table", "Name | Range\nOld | 9 miles")]


def test_empty_cells_around_a_row_leave_no_bars() -> None:
    table = "<table><tr><th>Part</th><th>Use</th><th></th></tr><tr><td></td><td>light</td><td></td></tr></table>"
    assert "Part | Use\nlight" in extract(page(f"<h1>Lamp</h1>{PROSE}{table}"), URL).text


def test_layout_tables_are_read_as_text() -> None:
    found = blocks("<table><tr><td><h2>Left</h2><p>First words.</p></td><td><p>Second words.</p></td></tr></table>")
    assert [block.kind for block in found[:2]] == ["paragraph", "paragraph"]


def test_lists_have_one_line_per_item_and_code_inside_stays_code() -> None:
    found = blocks("<ul><li>Oil</li><li>Wick<ul><li>cotton</li></ul></li><li>Run: <pre>light --on</pre></li></ul>")
    assert found[:2] == [Block("list", "Oil\nWick\ncotton\nRun:"), Block("code", "light --on")]


def test_quotes_captions_and_telling_alternative_texts_keep_their_kind() -> None:
    found = blocks(
        "<blockquote><p>Keep the light.</p></blockquote>"
        '<figure><img src="a.png" alt="The tower seen from the sea"><figcaption>The tower</figcaption></figure>'
        '<p><img src="b.png" alt="A ship below the old lamp"><img src="c.png" alt="logo"></p>'
    )
    assert [(block.kind, block.text) for block in found[:3]] == [
        ("quote", "Keep the light."),
        ("caption", "The tower"),
        ("caption", "A ship below the old lamp"),
    ]
    assert not any("logo" in block.text for block in found)


def test_an_image_is_not_described_twice() -> None:
    figure = "<div><p><img alt='The lamp seen from below'></p><p>Figure 3. The lamp seen from below</p></div>"
    found = extract(page(f"<h1>Lamp</h1>{figure}{PROSE}"), URL).text
    assert found.count("The lamp seen from below") == 1


def test_two_breaks_end_a_paragraph() -> None:
    assert [block.text for block in blocks("<div>One line<br>goes on.<br><br>Another one.</div>")[:2]] == [
        "One line goes on.",
        "Another one.",
    ]


def test_words_split_by_inline_markup_stay_words() -> None:
    assert blocks("<p>Light<b>house</b>s and <code>lamp</code>.</p>")[0].text == "Lighthouses and lamp."


@pytest.mark.parametrize(
    "opted_out",
    [
        "<p data-echolot-ignore>secret</p>",
        "<span data-nosnippet>secret</span>",
        "<p hidden>secret</p>",
        "<p style='display: none'>secret</p>",
    ],
)
def test_what_the_author_opts_out_is_not_read(opted_out: str) -> None:
    assert "secret" not in article(opted_out).text


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("ul", '<li><a href="lamp.html">Lamps</a>, 12</li>'),
        ("ul", '<li>Lamps, <a href="lamp.html">Filling a lamp</a></li>'),
        ("ul", '<li><a href="/lamp"><b>Lamps</b></a> <i>Posted on Monday</i></li>'),
        ("table", '<tr><td><a href="lamp.html">Lamps</a></td><td>12</td></tr>'),
    ],
)
def test_an_index_is_made_of_links(kind: str, entry: str) -> None:
    found = extract(page(f"<h1>Index</h1><{kind}>{entry * 40}</{kind}>"), URL)
    assert found.text.count("Lamps") == 40
    assert found.links > 0.85


def test_text_is_its_pages_own_whatever_it_links_to() -> None:
    main = '<p>See <a href="/lamp">how the lamp works</a> and who lights it every evening of the year.</p>'
    terms = '<dl><dt><a href="/oil">Oil</a></dt><dd>Burns for nine hours and is carried up the stairs daily.</dd></dl>'
    assert article(main).links < 0.1
    assert 0 < article(terms).links < 0.1
    assert blocks(main)[0].linked == len("how the lamp works")
    assert blocks(terms)[0].linked == len("Oil")


def test_links_within_the_page_and_permalinks_are_no_links_to_other_pages() -> None:
    main = '<h1>Lamp</h1><p>Lit at <a href="#dusk">dusk</a> <a class="headerlink" href="/x#y">¶</a></p>'
    assert article(main).links == 0.0


def test_hidden_tab_panels_are_read_because_visitors_can_open_them() -> None:
    assert "Install on Linux" in article('<div role="tabpanel" hidden>Install on Linux</div>').text
