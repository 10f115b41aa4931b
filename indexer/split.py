"""Articles to passages that fit the encoder, cut where the author drew lines.

Sections are kept whole where they fit, short neighbours are joined, long sections are cut between blocks, long
blocks between lines or sentences. Only where one section is cut do passages overlap, so nothing is said twice for free.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from searchd.index.records import Article, Block, Passage, Section
from searchd.index.stores import Encoder
from searchd.settings import IndexSettings

_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’»)\]]*\s+|(?<=[。！？])")
_HEAD_RESERVE = 3 / 4  # of the model's input at most goes to the text, the rest to title and headings


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of text that is not cut further: a block or a part of one."""

    text: str
    tokens: int
    headings: tuple[str, ...]
    anchor: str
    prose: bool = True  # may be repeated as overlap; code and tables are not
    repeated: bool = False  # overlap with the passage before


@dataclass(frozen=True, slots=True)
class _Limits:
    target: int
    most: int
    least: int
    overlap: int


def split(article: Article, encoder: Encoder, settings: IndexSettings) -> tuple[Passage, ...]:
    """Cut an article into passages of about ``settings.passage_tokens`` tokens, never above what the encoder reads.

    Every article with text gives at least one passage; one with nothing but a title gives one of the title.
    """
    most = max(16, int(encoder.max_tokens * _HEAD_RESERVE))
    target = min(settings.passage_tokens, most)
    limits = _Limits(
        target, most, min(settings.passage_min_tokens, target // 2), min(settings.passage_overlap_tokens, target // 4)
    )
    sections = [_pieces(section, encoder, limits) for section in _filled_in(article.sections)]
    runs = [run for pieces in _joined(_led_in(sections, limits), limits) for run in _filled(pieces, limits)]
    passages = tuple(_passage(run) for run in runs)
    if passages:
        return passages
    text = article.description or article.title
    return (Passage((), "", text, encoder.count_tokens([text])[0]),) if text else ()


def _filled_in(sections: Sequence[Section]) -> Iterator[Section]:
    """The sections, where a heading without text or subsections becomes the text of the section around it."""
    for place, section in enumerate(sections):
        following = sections[place + 1].headings if place + 1 < len(sections) else ()
        if section.blocks or not section.headings:
            yield section
        elif following[: len(section.headings)] != section.headings:
            yield replace(section, headings=section.headings[:-1], blocks=(Block("heading", section.headings[-1]),))


def _pieces(section: Section, encoder: Encoder, limits: _Limits) -> list[_Piece]:
    counts = encoder.count_tokens([block.text for block in section.blocks]) if section.blocks else []
    pieces: list[_Piece] = []
    for block, tokens in zip(section.blocks, counts, strict=True):
        anchor = block.anchor or section.anchor
        prose = block.kind not in {"code", "table"}
        room = limits.target if prose else limits.most  # code and tables are torn apart only when they must be
        if tokens <= room:
            pieces.append(_Piece(block.text, tokens, section.headings, anchor, prose=prose))
            continue
        parts = list(_parts(block, encoder, room))
        sizes = encoder.count_tokens(parts)
        pieces += [
            _Piece(part, size, section.headings, anchor, prose=prose) for part, size in zip(parts, sizes, strict=True)
        ]
    return pieces


def _parts(block: Block, encoder: Encoder, room: int) -> Iterator[str]:
    """Cut a block that is too long: between lines, else between sentences, else between words."""
    lines = block.text.split("\n")
    header = lines[0] if block.kind == "table" and len(lines) > 2 else ""
    units = _units(lines, encoder, room)
    if header:
        room = max(room // 2, room - encoder.count_tokens([header])[0])
    sizes = encoder.count_tokens([text for text, _ in units])
    current, used, first = "", 0, True
    for (text, glue), size in zip(units, sizes, strict=True):
        if current and used + size > room:
            yield current if first or not header else f"{header}\n{current}"
            current, used, first = "", 0, False
        current = f"{current}{glue}{text}" if current else text
        used += size
    if current:
        yield current if first or not header else f"{header}\n{current}"


def _units(lines: Sequence[str], encoder: Encoder, room: int) -> list[tuple[str, str]]:
    """(text, what joins it to the text before it): lines, long ones as sentences, long sentences as words."""
    units: list[tuple[str, str]] = []
    for line, size in zip(lines, encoder.count_tokens(list(lines)), strict=True):
        if size <= room:
            units.append((line, "\n"))
            continue
        glue = "\n"
        for sentence in _sentences(line):
            for words in _bounded(sentence, encoder, room):
                units.append((words, glue))
                glue = " "
    return units


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.split(text) if part and part.strip()]


def _bounded(sentence: str, encoder: Encoder, room: int) -> Iterator[str]:
    """A sentence as pieces of at most ``room`` tokens; halved until they fit, at a space where there is one."""
    if encoder.count_tokens([sentence])[0] <= room or len(sentence) < 2:
        yield sentence
        return
    middle = len(sentence) // 2
    space = sentence.rfind(" ", 1, middle + 1)
    cut = space if space > middle // 2 else middle
    for half in (sentence[:cut].strip(), sentence[cut:].strip()):
        if half:
            yield from _bounded(half, encoder, room)


def _led_in(sections: list[list[_Piece]], limits: _Limits) -> list[list[_Piece]]:
    """A few words above the first heading (a column's name, a date) belong to the section below it."""
    filled = [pieces for pieces in sections if pieces]
    if len(filled) < 2 or filled[0][0].headings or sum(piece.tokens for piece in filled[0]) >= limits.least:
        return filled
    below = filled[1][0]
    opening = [replace(piece, headings=below.headings, anchor=below.anchor) for piece in filled[0]]
    return [opening + filled[1], *filled[2:]]


def _joined(sections: list[list[_Piece]], limits: _Limits) -> Iterator[list[_Piece]]:
    """Join runs of short sections until they are long enough to mean something alone."""
    current: list[_Piece] = []
    size = 0
    for pieces in sections:
        tokens = sum(piece.tokens for piece in pieces)
        if current and (size + tokens > limits.target or min(size, tokens) >= limits.least):
            yield current
            current, size = [], 0
        current = current + pieces
        size += tokens
    if current:
        yield current


def _filled(pieces: list[_Piece], limits: _Limits) -> Iterator[list[_Piece]]:
    """Cut a section's pieces into runs of about the target, evenly, so that no crumb is left at its end."""
    total = sum(piece.tokens for piece in pieces)
    if total <= limits.target:
        yield pieces
        return
    share = total / -(-total // limits.target)  # equal parts instead of full ones and a rest
    current: list[_Piece] = []
    size = 0
    for piece in pieces:
        over = size + piece.tokens > limits.most or (size >= share * 0.7 and size + piece.tokens > share * 1.15)
        if current and over:
            yield current
            current = _overlap(current, limits, piece.tokens)
            size = sum(p.tokens for p in current)
        current = [*current, piece]
        size += piece.tokens
    yield current


def _overlap(run: list[_Piece], limits: _Limits, coming: int) -> list[_Piece]:
    """The end of a run, repeated in front of the next one: its last short prose piece or last sentence."""
    last = run[-1]
    room = min(limits.overlap, limits.most - coming)
    if not last.prose or room <= 0:
        return []
    if last.tokens <= room:
        return [replace(last, repeated=True)]
    sentences = _sentences(last.text)
    if len(sentences) < 2:
        return []
    tokens = round(last.tokens * len(sentences[-1]) / max(1, len(last.text)))
    return [replace(last, text=sentences[-1].strip(), tokens=tokens, repeated=True)] if 0 < tokens <= room else []


def _passage(run: list[_Piece]) -> Passage:
    """One passage; where it spans sections, the headings that they share stand above it and their own inside."""
    shared = _common([piece.headings for piece in run])
    lines: list[str] = []
    last: tuple[str, ...] = shared
    for piece in run:
        if piece.headings != last and len(piece.headings) > len(shared):
            lines.append(piece.headings[-1])
        last = piece.headings
        lines.append(piece.text)
    anchor = next((piece.anchor for piece in run if not piece.repeated), run[0].anchor)
    return Passage(shared, anchor, "\n".join(lines), sum(piece.tokens for piece in run))


def _common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    shared = paths[0]
    for path in paths[1:]:
        length = next(
            (i for i, (a, b) in enumerate(zip(shared, path, strict=False)) if a != b), min(len(shared), len(path))
        )
        shared = shared[:length]
    return shared
