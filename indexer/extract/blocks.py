"""An article's subtree as sections: headings with their path, anchors, and blocks that keep their kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from bs4.element import NavigableString

from indexer.extract.document import Node
from indexer.extract.listed import listed
from searchd.index.records import Block, BlockKind, Section

INLINE = frozenset(
    listed(
        "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark math nobr q rb "
        "rp rt ruby s samp small span strike strong sub sup time tt u var wbr"
    )
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PERMALINK = re.compile(r"headerlink|anchor|permalink|hash-link|heading-link", re.IGNORECASE)
_PERMALINK_TEXT = frozenset({"", "¶", "#", "§", "🔗", "link", "permalink", "anchor"})
_GUTTER = re.compile(
    r"(^|\s)(linenos?|gutter|line-?numbers(-rows)?|rouge-gutter|lnt?|hljs-ln-numbers|blob-num)(\s|$)", re.IGNORECASE
)
_BLANK_LINES = re.compile(r"\n\s*\n(\s*\n)+")
_MAX_FIGURE_CHARS = 600  # a larger element is no image with its caption
_ASIDE = 40  # characters that go with a line's links at least: a number, a date, "See also"
_MIN_ALT_WORDS = 4  # shorter alternative texts are decoration ("logo", "photo of ...")


@dataclass(slots=True)
class _Lines:
    """A block that may still grow."""

    kind: BlockKind
    lines: list[str]
    anchor: str
    linked: int

    def block(self) -> Block:
        return Block(self.kind, "\n".join(self.lines), self.anchor, self.linked)


class Writer:
    """Collects blocks into sections while the subtree is walked in document order."""

    def __init__(self, dropped: Callable[[Node], bool]) -> None:
        self._dropped = dropped
        self._sections: list[tuple[tuple[str, ...], str, list[_Lines]]] = [((), "", [])]
        self._path: list[tuple[int, str]] = []
        self._inline: list[str] = []
        self._links_around = 0  # links to other pages, around the element that is being written
        self._linked = 0  # characters of ``_inline`` that stand in such links
        self._group: object = None  # the list or definition that the last block belongs to
        self._pending_anchor = ""  # id of an empty element or enclosing section right before a heading

    def sections(self) -> tuple[Section, ...]:
        """Everything written so far; sections without heading and text are left out."""
        made = (Section(path, anchor, tuple(map(_Lines.block, blocks))) for path, anchor, blocks in self._sections)
        return tuple(section for section in made if section.headings or section.blocks)

    def write(self, root: Node) -> None:
        """Write a whole element, itself included (a root may be a heading or a list)."""
        self._block_element(root, "paragraph", None, "")

    def _walk(self, node: Node, kind: BlockKind = "paragraph", group: object = None, anchor: str = "") -> None:
        """Write a node's children as blocks of this kind; blocks of one group are lines of one block."""
        for child in node.contents:
            if isinstance(child, NavigableString):
                self._inline.append(str(child))
                if self._links_around:
                    self._linked += len(" ".join(child.split()))
            elif isinstance(child, Node) and not self._dropped(child):
                self._element(child, kind, group, anchor)
        if node.name not in INLINE:
            self._flush(kind, group, anchor)

    def _element(self, node: Node, kind: BlockKind, group: object, anchor: str) -> None:
        name = node.name
        if name == "br":
            self._break(kind, group, anchor)
        elif name == "img":
            self._image(node, kind, group, anchor)
        elif name in INLINE or "-" in name:
            self._inline_element(node, kind, group, anchor)
        else:
            self._flush(kind, group, anchor)
            self._block_element(node, kind, group, anchor)

    def _inline_element(self, node: Node, kind: BlockKind, group: object, anchor: str) -> None:
        if _is_permalink(node):
            return
        away = _leads_away(node)
        self._links_around += away
        self._walk(node, kind, group, anchor)
        self._links_around -= away

    def _block_element(self, node: Node, kind: BlockKind, group: object, anchor: str) -> None:
        name = node.name
        level = _HEADINGS.get(name) or _aria_level(node)
        if level:
            self._heading(node, level)
        elif name in {"pre", "listing", "xmp"}:
            self._add("code", _code(node), node)
        elif name in {"ul", "ol", "menu", "dir"}:
            self._walk(node, "list", group if kind == "list" else node, anchor)
        elif name == "dl":
            self._definitions(node)
        elif name == "table" and not is_layout(node):
            self._table(node)
        elif name in {"blockquote", "q"}:
            self._walk(node, "quote", None, anchor)
        elif name in {"figcaption", "caption"}:
            self._walk(node, "caption", node, anchor)
        elif not _GUTTER.search(_class(node)):
            self._walk(node, kind, group, anchor)

    def _heading(self, node: Node, level: int) -> None:
        text = inline_text(node, self._dropped)
        if not text:
            return
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, text))
        self._group = None
        anchor = heading_anchor(node) or text_fragment(text)
        self._sections.append((tuple(title for _, title in self._path), anchor, []))

    def _definitions(self, node: Node) -> None:
        """Each term with its definitions is one block, linkable at the term's own id."""
        group: object = None
        anchor = ""
        after_term = False
        for child in _items(node):
            if self._dropped(child):
                continue
            if child.name == "dt":
                if not after_term:
                    group, anchor = child, ""
                anchor = anchor or own_anchor(child)
            after_term = child.name == "dt"
            self._walk(child, "definition", group, anchor)

    def _table(self, node: Node) -> None:
        rows: list[str] = []
        linked = 0
        for row in node.find_all(["tr", "caption"]):
            if not isinstance(row, Node) or self._dropped(row):
                continue
            if row.name == "caption":
                self._add("caption", inline_text(row, self._dropped), row)
                continue
            cells = [
                inline_text(cell, self._dropped)
                for cell in row.contents
                if isinstance(cell, Node) and cell.name in {"td", "th"} and not _GUTTER.search(_class(cell))
            ]
            filled = [place for place, cell in enumerate(cells) if cell]
            if filled:
                rows.append(" | ".join(cells[filled[0] : filled[-1] + 1]))
                linked += _with_aside(_link_chars(row), len(rows[-1]))
        self._add("table", "\n".join(rows), node, own_anchor(node), linked)

    def _image(self, node: Node, kind: BlockKind, group: object, anchor: str) -> None:
        alt = " ".join(str(node.attrs.get("alt", "")).split())
        if kind == "paragraph" and len(alt.split()) >= _MIN_ALT_WORDS and not _is_told(node, alt):
            self._flush(kind, group, anchor)
            self._add("caption", alt, node)

    def _break(self, kind: BlockKind, group: object, anchor: str) -> None:
        """Two breaks in a row end a paragraph, as people without <p> mean it."""
        if self._inline and self._inline[-1] == "\n" and kind != "definition":
            self._flush(kind, group, anchor)
        else:
            self._inline.append("\n")

    def _flush(self, kind: BlockKind, group: object, anchor: str) -> None:
        if self._inline:
            text = " ".join("".join(self._inline).split())
            self._inline.clear()
            self._add(kind, text, group, anchor, _with_aside(self._linked, len(text)))
            self._linked = 0

    def _add(self, kind: BlockKind, text: str, group: object, anchor: str = "", linked: int = 0) -> None:
        if not text:
            return
        blocks = self._sections[-1][2]
        if group is not None and group is self._group and blocks and blocks[-1].kind == kind:
            blocks[-1].lines.append(text)
            blocks[-1].linked += linked
            blocks[-1].anchor = blocks[-1].anchor or anchor
        else:
            blocks.append(_Lines(kind, [text], anchor, linked))
        self._group = group


def inline_text(node: Node, dropped: Callable[[Node], bool]) -> str:
    """A node's text on one line: blocks and breaks become spaces, permalink signs go."""
    parts: list[str] = []
    _collect(node, dropped, parts)
    return " ".join("".join(parts).split())


def _collect(node: Node, dropped: Callable[[Node], bool], parts: list[str]) -> None:
    for child in node.contents:
        if isinstance(child, NavigableString):
            parts.append(str(child))
        elif isinstance(child, Node) and not dropped(child) and not _is_permalink(child):
            block = child.name not in INLINE
            if block:
                parts.append(" ")
            _collect(child, dropped, parts)
            if block:
                parts.append(" ")


def _code(node: Node) -> str:
    """Code with its line structure, without line numbers and blank edges."""
    parts: list[str] = []

    def collect(inner: Node) -> None:
        for child in inner.contents:
            if isinstance(child, NavigableString):
                parts.append(str(child))
            elif isinstance(child, Node) and child.name == "br":
                parts.append("\n")
            elif isinstance(child, Node) and not _GUTTER.search(_class(child)):
                collect(child)

    collect(node)
    lines = "".join(parts).expandtabs(4).splitlines()
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")


def is_layout(table: Node) -> bool:
    """Whether a table arranges blocks on the page instead of holding data."""
    if table.attrs.get("role") in {"presentation", "none"}:
        return True
    if table.find("table"):
        return True
    if table.find(["h1", "h2", "h3", "h4", "h5", "h6", "pre", "dl", "ul", "ol", "blockquote"]):
        return not table.find("th")
    rows = [row for row in table.find_all("tr") if row.find(["td", "th"])]
    widths = {sum(isinstance(c, Node) and c.name in {"td", "th"} for c in row.contents) for row in rows if row}
    return (len(rows) <= 1 and not table.find("th")) or widths == {1}


def own_anchor(node: Node) -> str:
    """The id of a node, or of the first named element directly inside it."""
    own = node.attrs.get("id")
    if own:
        return str(own)
    for child in node.descendants:
        if isinstance(child, NavigableString) and child.strip():
            return ""
        if isinstance(child, Node):
            name = child.attrs.get("id") or (child.attrs.get("name") if child.name == "a" else "")
            if name:
                return str(name)
    return ""


def heading_anchor(node: Node) -> str:
    """Where a deep link to this heading points: its id, an inner one, a preceding anchor, an enclosing section's."""
    return own_anchor(node) or _inner_id(node) or _preceding_anchor(node) or _enclosing_anchor(node)


def _inner_id(node: Node) -> str:
    """An id behind the heading's first words, else the target of its permalink sign."""
    target = ""
    for child in node.descendants:
        if not isinstance(child, Node):
            continue
        name = child.attrs.get("id") or (child.attrs.get("name") if child.name == "a" else "")
        if name:
            return str(name)
        href = str(child.attrs.get("href", ""))
        if child.name == "a" and len(href) > 1 and href[0] == "#":
            target = target or href[1:]
    return target


def _preceding_anchor(node: Node) -> str:
    """<a name="x"></a><h2>, with nothing but space between them."""
    for sibling in node.previous_siblings:
        if isinstance(sibling, NavigableString):
            if sibling.strip():
                return ""
            continue
        if not isinstance(sibling, Node) or sibling.chars:
            return ""
        found = own_anchor(sibling)
        if found:
            return found
    return ""


def _enclosing_anchor(node: Node) -> str:
    """The id of an ancestor that begins with this heading (<section id=x><h2>, <div id=x><div><h2>)."""
    child = node
    for parent in node.parents:
        if not isinstance(parent, Node) or parent.name in {"body", "html", "main"}:
            return ""
        if _text_before(parent, child):
            return ""
        if parent.attrs.get("id"):
            return str(parent.attrs["id"])
        child = parent
    return ""


def _text_before(parent: Node, child: Node) -> bool:
    for sibling in parent.contents:
        if sibling is child:
            return False
        if isinstance(sibling, Node) and sibling.chars:
            return True
        if isinstance(sibling, NavigableString) and sibling.strip():
            return True
    return False


def text_fragment(text: str) -> str:
    """A directive that makes browsers scroll to this text (WICG Scroll To Text Fragment); '-' and ',' are syntax."""
    return ":~:text=" + quote(text, safe="").replace("-", "%2D")


def _items(node: Node) -> list[Node]:
    """The dt and dd of a dl, also inside its grouping <div>s."""
    items: list[Node] = []
    for child in node.contents:
        if isinstance(child, Node):
            items += [child] if child.name in {"dt", "dd"} else _items(child) if child.name == "div" else [child]
    return items


def _is_permalink(node: Node) -> bool:
    """A sign behind a heading that links to it."""
    if node.name != "a" or node.chars > len("permalink"):
        return False
    href = str(node.attrs.get("href", ""))
    if "#" not in href:
        return False
    return node.get_text().strip().lower() in _PERMALINK_TEXT or bool(_PERMALINK.search(_class(node)))


def _leads_away(node: Node) -> bool:
    """Whether a node is a link to another page."""
    return node.name == "a" and not str(node.attrs.get("href", "#")).startswith("#")


def _link_chars(row: Node) -> int:
    """Characters of a table's row inside links to other pages."""
    return sum(link.chars for link in row.find_all("a") if isinstance(link, Node) and _leads_away(link))


def _with_aside(linked: int, chars: int) -> int:
    """How many of a line's characters only name other pages: all where the rest is short, or shorter than the links."""
    return chars if linked and chars - linked <= max(_ASIDE, linked) else linked


def _is_told(image: Node, alt: str) -> bool:
    """Whether a caption says what the image shows: <figcaption>, or the same words beside it."""
    for parent in image.parents:
        if not isinstance(parent, Node) or parent.chars > _MAX_FIGURE_CHARS:
            return False
        if parent.name == "figure":
            return parent.find("figcaption") is not None
        if parent.chars >= len(alt) and alt in " ".join(parent.get_text().split()):
            return True
    return False


def _aria_level(node: Node) -> int:
    if node.attrs.get("role") != "heading":
        return 0
    level = str(node.attrs.get("aria-level", "2"))
    return int(level) if level.isdigit() and 1 <= int(level) <= 9 else 2


def _class(node: Node) -> str:
    return str(node.attrs.get("class", ""))
