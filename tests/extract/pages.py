"""Pages to extract from: an article with everything around it, and a writer of small PDF files."""

from __future__ import annotations

from collections.abc import Sequence

WORDS = (
    "The lighthouse keeper climbs the stairs every evening and lights the lamp before the ships come home. ",
    "Fishermen used to say that its beam reached the islands on clear nights and calmed the dogs. ",
    "Today a motor turns the lens, yet someone still polishes the brass and counts the passing boats. ",
)
PROSE = "".join(f"<p>{text * 2}</p>" for text in WORDS)


def page(main: str, head: str = "<title>Lighthouse | Harbour News</title>", attributes: str = 'lang="en"') -> bytes:
    """A page with a menu, a main element and a footer."""
    menu = "".join(f'<li><a href="/{place}">Menu entry {place}</a></li>' for place in range(9))
    html = f"<!doctype html><html {attributes}><head>{head}</head><body><header><ul>{menu}</ul></header>"
    return f"{html}<main>{main}</main><footer><p>All rights reserved by the harbour</p></footer></body></html>".encode()


def pdf(
    pages: list[list[str]],
    outline: Sequence[tuple[str, int]] = (),
    title: str = "",
    tags: Sequence[Sequence[str]] = (),
) -> bytes:
    """A PDF with these lines on its pages and these (title, page index) bookmarks (ISO 32000-1, 7.5 and 12.3.3).

    ``tags`` makes it a tagged one (14.7): for each page the structure type of each line.
    """
    objects: list[bytes] = []

    def add(body: str) -> int:
        objects.append(body.encode("latin-1"))
        return len(objects)

    catalog, tree, font = add(""), add(""), add("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    kids: list[int] = []
    for number, lines in enumerate(pages):
        shown_lines = [f"({line}) Tj" for line in lines]
        if tags:
            shown_lines = [f"/{tags[number][i]} <</MCID {i}>> BDC {line} EMC" for i, line in enumerate(shown_lines)]
        text = " T* ".join(shown_lines)
        stream = f"BT /F1 12 Tf 14 TL 40 760 Td {text} ET"
        content = add(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        resources = f"/Resources<</Font<</F1 {font} 0 R>>>>"
        resources += f"/StructParents {number}" if tags else ""
        kids.append(add(f"<</Type/Page/Parent {tree} 0 R/MediaBox[0 0 600 800]{resources}/Contents {content} 0 R>>"))
    first = len(objects) + 2
    root = add(f"<</Type/Outlines/First {first} 0 R/Last {first + len(outline) - 1} 0 R/Count {len(outline)}>>")
    for place, (name, number) in enumerate(outline):
        links = f"/Prev {first + place - 1} 0 R" if place else ""
        links += f"/Next {first + place + 1} 0 R" if place + 1 < len(outline) else ""
        add(f"<</Title({name})/Parent {root} 0 R{links}/Dest[{kids[number]} 0 R/Fit]>>")
    info = add(f"<</Title({title})/CreationDate(D:20240131120000Z)/Author(Ida Keeper)>>")
    shown = f"/Outlines {root} 0 R" if outline else ""
    if tags:
        structure = len(objects) + 1 + sum(map(len, tags))
        elements = [
            [add(f"<</S/{tag}/P {structure} 0 R/Pg {kids[number]} 0 R/K {i}>>") for i, tag in enumerate(on_page)]
            for number, on_page in enumerate(tags)
        ]
        lists = [" ".join(f"{element} 0 R" for element in on_page) for on_page in elements]
        parents = " ".join(f"{number} [{on_page}]" for number, on_page in enumerate(lists))
        add(f"<</Type/StructTreeRoot/K[{' '.join(lists)}]/ParentTree<</Nums[{parents}]>>>>")
        shown += f"/MarkInfo<</Marked true>>/StructTreeRoot {structure} 0 R"
    objects[catalog - 1] = f"<</Type/Catalog/Pages {tree} 0 R{shown}>>".encode()
    objects[tree - 1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(f'{k} 0 R' for k in kids)}]>>".encode()
    return _file(objects, catalog, info)


def _file(objects: list[bytes], catalog: int, info: int) -> bytes:
    out = b"%PDF-1.7\n"
    offsets: list[int] = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer<</Size %d/Root %d 0 R/Info %d 0 R>>" % (len(objects) + 1, catalog, info)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s%s\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        table,
        trailer,
        len(out),
    )
