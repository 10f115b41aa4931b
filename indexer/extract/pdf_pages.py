"""The pages of a PDF as their author wrote them: words joined, running heads and tables of contents left out. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

# PDFium joins the lines of a hyphenated word and marks the place: U+0002, in older versions U+FFFE.
_HYPHEN: Final = re.compile(r"(?<=\w)(?:[\x02\ufffe]\r?\n?|[\u00ad-]\r?\n)(?=(\w*))")
_SUSPENDED: Final = frozenset({"und", "oder", "bzw", "sowie", "and", "or"})  # "pre- and postfix": the hyphen stays
_LEADER: Final = re.compile(r"[^\S\n]*(?:\.[^\S\n]?){5,}[^\S\n]*")  # the dots from a title to its page number
_CONTENTS_LINE: Final = re.compile(rf"{_LEADER.pattern}(\d+|[ivxlc]+)[^\S\n]*$")
_CONTENTS_SHARE: Final = 0.5  # of a page's lines that end in leaders and a page number
_MIN_CONTENTS: Final = 3
_EDGE_LINES: Final = 2  # at the top and at the bottom of a page that may be a running head
_MIN_REPEATED: Final = 3  # pages with the same line at an edge, or with page numbers that count on
_SHARE_OF_PAGES: Final = 0.5  # that show their number, or that have one letterhead
_OF_TOTAL: Final = r"(?:\s*(?:/|von|of)\s*\d+)?"
_NUMBER: Final = re.compile(rf"^\W*(\d+)\b{_OF_TOTAL}|(?:\b(?i:seite|page)\s+)?\b(\d+){_OF_TOTAL}\W*$")  # at either end


def tidy(pages: Sequence[str]) -> list[str]:
    """Return the texts of a document's pages without what a printed page needs and a reader does not."""
    joined = [_HYPHEN.sub(_joint, text).replace("\r", "") for text in pages]
    plain = _without_running_heads([text.strip().split("\n") for text in joined])
    return ["" if _is_contents(text, len(pages)) else _LEADER.sub(" ", text) for text in plain]


def _joint(found: re.Match[str]) -> str:
    """What stands where a line ended in a hyphen: nothing in a divided word, the hyphen of a compound."""
    following = found[1]
    if following.lower() in _SUSPENDED:
        return "- "
    return "" if following[:1].islower() else "-"


def _is_contents(text: str, last: int) -> bool:
    """Whether most lines are titles with page numbers that do not fall; a price list's prices are in no such order."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = [match[1] for line in lines if (match := _CONTENTS_LINE.search(line))]
    numbers = [int(number) for number in found if number.isdecimal()]
    if len(found) < max(_MIN_CONTENTS, _CONTENTS_SHARE * len(lines)):
        return False
    return numbers == sorted(numbers) and all(number <= last for number in numbers)


def _without_running_heads(pages: Sequence[list[str]]) -> list[str]:
    """Leave out lines at the edges that show the page's number or that other pages repeat.

    What stands on several pages as it is, and what most pages have beside their numbers (a letterhead), stays once.
    """
    offset = _numbering(pages)
    edges = [{_bare(line, number, offset) for line in _edges(lines)} for number, lines in enumerate(pages)]
    on_pages = Counter(line for lines in edges for line in lines)
    repeated = {line for line, count in on_pages.items() if count >= _MIN_REPEATED}
    kept_once = {line for line in repeated if on_pages[line] >= _SHARE_OF_PAGES * len(pages)}
    seen: set[str] = set()
    plain: list[str] = []
    for number, lines in enumerate(pages):
        kept: list[str | None] = list(lines)
        for edge in (range(len(lines))[:_EDGE_LINES], range(len(lines))[::-1][:_EDGE_LINES]):
            for place in edge:
                line = lines[place].strip()
                bare = _bare(line, number, offset)
                shows_number = bare != line
                if not (bare in repeated or (shows_number and (place == edge[0] or not bare))):
                    break
                stays = bare not in seen and (bare in kept_once or not shows_number)
                kept[place] = bare if stays else None
        seen |= edges[number]
        plain.append("\n".join(line for line in kept if line is not None))
    return plain


def _edges(lines: Sequence[str]) -> list[str]:
    """The first and the last lines of a page."""
    return [line.strip() for line in (*lines[:_EDGE_LINES], *lines[_EDGE_LINES:][-_EDGE_LINES:])]


def _numbering(pages: Sequence[list[str]]) -> int | None:
    """What the numbers shown on the pages are above their places in the file; None where they show none."""
    counts = Counter(
        shown - number
        for number, lines in enumerate(pages)
        for shown in {int(a or b) for line in _edges(lines) for a, b in _NUMBER.findall(line)}
    )
    offset, count = counts.most_common(1)[0] if counts else (0, 0)
    with_text = sum(any(lines) for lines in pages)
    return offset if count >= max(_MIN_REPEATED, _SHARE_OF_PAGES * with_text) else None


def _bare(line: str, number: int, offset: int | None) -> str:
    """A line without the number of its page."""
    if offset is None:
        return line
    for found in _NUMBER.finditer(line):
        if int(found[1] or found[2]) == number + offset:
            return (line[: found.start()] + line[found.end() :]).strip()
    return line
