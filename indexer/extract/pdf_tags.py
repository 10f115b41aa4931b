"""Headings of a tagged PDF page, from its structure tree (ISO 32000-1, 14.7 and 14.8.4.3.2)."""

from __future__ import annotations

import ctypes
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

_HEADING: Final = re.compile(r"H([1-6]?)")
_MAX_ELEMENTS: Final = 20_000  # of one page's tree, which may be damaged and lead in circles
_MAX_CHARS: Final = 300  # a longer heading is a paragraph with a wrong tag
_Handle = Any  # PDFium's pointers have no types of their own


def tagged_headings(page: pypdfium2.PdfPage) -> list[tuple[int, str]]:
    """(level from 0, text) of the headings of a page in reading order; none where the page is not tagged."""
    tree = raw.FPDF_StructTree_GetForPage(page.raw)
    if not tree:
        return []
    try:
        marked = [(level, list(_marks(element))) for level, element in _headings(tree)]
    finally:
        raw.FPDF_StructTree_Close(tree)
    if not marked:
        return []
    texts = _texts(page, {mark for _, marks in marked for mark in marks})
    found = ((level, " ".join("".join(texts[mark] for mark in marks).split())) for level, marks in marked)
    return [(level, text) for level, text in found if 0 < len(text) <= _MAX_CHARS]


def _headings(tree: _Handle) -> Iterator[tuple[int, _Handle]]:
    """(level, element) of H, H1 ... H6 in order; elements inside a heading are its own."""
    stack = _children(tree, raw.FPDF_StructTree_CountChildren, raw.FPDF_StructTree_GetChildAtIndex)
    for _ in range(_MAX_ELEMENTS):
        if not stack:
            return
        element = stack.pop()
        found = _HEADING.fullmatch(_type(element))
        if found:
            yield int(found[1] or 1) - 1, element
        else:
            stack += _children(element, raw.FPDF_StructElement_CountChildren, raw.FPDF_StructElement_GetChildAtIndex)


def _children(
    parent: _Handle, count: Callable[[_Handle], int], child: Callable[[_Handle, int], _Handle]
) -> list[_Handle]:
    """The element children, the first one last: it is popped first."""
    found = [child(parent, place) for place in range(count(parent))]
    return [element for element in reversed(found) if element]


def _marks(heading: _Handle) -> Iterator[int]:
    """Numbers of the marked content of an element and of what is inside it, in order."""
    stack = [heading]
    for _ in range(_MAX_ELEMENTS):
        if not stack:
            return
        element = stack.pop()
        for place in range(max(0, raw.FPDF_StructElement_GetMarkedContentIdCount(element))):
            mark = raw.FPDF_StructElement_GetMarkedContentIdAtIndex(element, place)
            if mark >= 0:
                yield mark
        stack += _children(element, raw.FPDF_StructElement_CountChildren, raw.FPDF_StructElement_GetChildAtIndex)


def _type(element: _Handle) -> str:
    size = raw.FPDF_StructElement_GetType(element, None, 0)
    buffer = ctypes.create_string_buffer(size)
    raw.FPDF_StructElement_GetType(element, buffer, size)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\0")


def _texts(page: pypdfium2.PdfPage, wanted: set[int]) -> dict[int, str]:
    """Marked content number -> its text, for the numbers that are wanted."""
    texts: dict[int, str] = defaultdict(str)
    textpage = page.get_textpage()
    for shown in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT]):
        mark = raw.FPDFPageObj_GetMarkedContentID(shown.raw)
        if mark in wanted:
            size = raw.FPDFTextObj_GetText(shown.raw, textpage.raw, None, 0)
            buffer = (ctypes.c_ushort * (size // 2))()
            raw.FPDFTextObj_GetText(shown.raw, textpage.raw, buffer, size)
            texts[mark] += bytes(buffer).decode("utf-16-le", "replace").rstrip("\0")
    return texts
