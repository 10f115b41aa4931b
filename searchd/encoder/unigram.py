"""A SentencePiece Unigram tokenizer that is mapped instead of loaded.

The tokenizers library takes a second and 280 MB for the 250,000 pieces of XLM-R, more than the model itself. Here
the pieces are a sorted table of 64-bit hashes in a file; normalising and splitting into words stay the library's,
the best segmentation of a word (Viterbi over piece scores; Kudo 2018, arXiv:1804.10959) is found here and
remembered, because few words make most of a text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from searchd.index.stores import Ints

PIECES = "pieces.bin"

Hashes = npt.NDArray[np.uint64]

# An odd number has an inverse modulo 2^64, which makes all substrings' hashes from one running sum.
_BASE = 6364136223846793005
_INVERSE = pow(_BASE, -1, 1 << 64)
_UNKNOWN_PENALTY = 10.0  # as SentencePiece and tokenizers have it
_REMEMBERED = 50_000  # words
_SHORT = 32  # characters of a word that is remembered: scripts without spaces make words of sentences
_CHUNK = 4096  # characters segmented at once


def _powers(base: int, count: int) -> Hashes:
    """base ** 0 .. base ** (count - 1) modulo 2^64."""
    factors = np.full(count, base, np.uint64)
    factors[:1] = 1
    return np.multiply.accumulate(factors)


def _points(text: str) -> Hashes:
    """Code points plus one."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4").astype(np.uint64) + np.uint64(1)


def _sums(points: Hashes) -> Hashes:
    """Running sums of point * base ** place, from the empty one on: all that substrings' hashes need."""
    return np.concatenate([np.zeros(1, np.uint64), np.cumsum(points * _powers(_BASE, len(points)))])


def _hash_between(sums: Hashes, starts: Ints, stops: Ints) -> Hashes:
    """Hashes of substrings [start, stop): the sum of (code point + 1) * base ** place in the substring."""
    return (sums[stops] - sums[starts]) * _powers(_INVERSE, len(sums))[starts]


def is_unigram(tokenizer: bytes) -> bool:
    """Whether a tokenizer.json is one that this module can stand in for."""
    whole = json.loads(tokenizer)
    model = whole["model"]
    return bool(model.get("type") == "Unigram" and not model.get("byte_fallback") and whole.get("pre_tokenizer"))


def split_tokenizer(tokenizer: bytes, folder: Path) -> None:
    """Write ``tokenizer.json`` without its pieces and the table of pieces beside it into ``folder``."""
    whole = json.loads(tokenizer)
    model, added = whole["model"], whole["added_tokens"]
    pieces = {piece: (number, score) for number, (piece, score) in enumerate(model["vocab"]) if piece}
    stops = np.cumsum([len(piece) for piece in pieces])
    hashes = _hash_between(_sums(_points("".join(pieces))), np.concatenate([[0], stops[:-1]]), stops)
    order = np.argsort(hashes)
    numbers = np.array([number for number, _ in pieces.values()], "<i4")
    scores = np.array([score for _, score in pieces.values()], "<f8")
    (folder / PIECES).write_bytes(b"".join(column[order].tobytes() for column in (hashes, scores, numbers)))
    # the shell's one piece must have an id of its own, or the frame could not be told from the text
    free = min(set(range(len(added) + 1)) - {token["id"] for token in added})
    vocab = [[f"\0{i}", 0.0] for i in range(free)] + [model["vocab"][model["unk_id"]]]
    shell = whole | {"model": {"type": "Unigram", "unk_id": free, "vocab": vocab, "byte_fallback": False}}
    shell["added_tokens"] = []
    shell["echolot"] = {
        "unknown": model["unk_id"],
        "unknown_score": float(scores.min()) - _UNKNOWN_PENALTY,
        "longest": max(map(len, pieces)),
        "special": {token["content"]: token["id"] for token in added},
    }
    (folder / "tokenizer.json").write_text(json.dumps(shell, ensure_ascii=False), encoding="utf-8")


class Unigram:
    """Text -> ids of the whole text, special tokens left out; safe for many threads at once."""

    def __init__(self, shell: Tokenizer, facts: dict[str, Any], path: Path) -> None:
        self._normalizer, self._splitter = shell.normalizer, shell.pre_tokenizer
        data = np.memmap(path, np.uint8, mode="r")
        count = len(data) // 20
        self._hashes = data[: 8 * count].view("<u8")
        self._scores, self._numbers = data[8 * count : 16 * count].view("<f8"), data[16 * count :].view("<i4")
        self._unknown, self._unknown_score = int(facts["unknown"]), float(facts["unknown_score"])
        self._longest = int(facts["longest"])
        self._special: dict[str, int] = facts["special"]
        longest_first = sorted(self._special, key=len, reverse=True)
        self._boundary = re.compile(f"({'|'.join(map(re.escape, longest_first))})") if longest_first else None
        self._known: dict[str, list[int]] = {}

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text."""
        split = [list(self._words(text)) for text in texts]
        known = self._known  # another thread may put a new one in its place
        missing = {word for words in split for word in words if isinstance(word, str) and word not in known}
        found = self._segment(missing) if missing else {}
        out: list[list[int]] = []
        for words in split:
            ids: list[int] = []
            for word in words:
                if isinstance(word, int):
                    ids.append(word)
                else:
                    ids += known.get(word) or found[word]
            out.append(ids)
        if len(known) + len(found) > _REMEMBERED:
            self._known = known = {}
        known.update((word, ids) for word, ids in found.items() if len(word) <= _SHORT)
        return out

    def _words(self, text: str) -> Iterator[str | int]:
        """The text's words as the pre-tokenizer cuts them; special tokens as their ids."""
        for part in self._boundary.split(text) if self._boundary else (text,):
            if part in self._special:
                yield self._special[part]
            elif part:
                normal = self._normalizer.normalize_str(part) if self._normalizer else part
                yield from (word for word, _ in self._splitter.pre_tokenize_str(normal))

    def _segment(self, words: set[str]) -> dict[str, list[int]]:
        """Best pieces of each word; of one that is longer than a chunk those of its parts."""
        found: dict[str, list[int]] = {}
        chunk: list[str] = []
        size = 0
        for word in words:
            if len(word) > _CHUNK:
                parts = [word[at : at + _CHUNK] for at in range(0, len(word), _CHUNK)]
                pieces = self._segment(set(parts))
                found[word] = [number for part in parts for number in pieces[part]]
                continue
            chunk.append(word)
            size += len(word)
            if size > _CHUNK:
                self._segment_chunk(chunk, found)
                chunk, size = [], 0
        if chunk:
            self._segment_chunk(chunk, found)
        return found

    def _segment_chunk(self, words: list[str], found: dict[str, list[int]]) -> None:
        candidates = self._candidates(words)
        at = 0
        start = 0
        for word in words:
            stop = start + len(word)
            mine = at
            while at < len(candidates) and candidates[at][0] < stop:
                at += 1
            found[word] = self._best(candidates[mine:at], start, len(word))
            start = stop

    def _candidates(self, words: list[str]) -> list[tuple[int, int, int, float]]:
        """(start, end, id, score) of every piece inside the joined words, by start and end."""
        points = _points("".join(words))
        lengths = np.array([len(word) for word in words])
        ends = np.repeat(np.cumsum(lengths), lengths)
        reach = np.arange(len(points))[:, None] + np.arange(1, self._longest + 1)
        starts, width = np.nonzero(reach <= ends[:, None])
        stops = reach[starts, width]
        hashes = _hash_between(_sums(points), starts, stops)
        rows = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        hit = self._hashes[rows] == hashes
        rows = rows[hit]
        columns = (starts[hit], stops[hit], self._numbers[rows], self._scores[rows])
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _best(self, candidates: list[tuple[int, int, int, float]], start: int, length: int) -> list[int]:
        """Viterbi: the ids of the segmentation with the highest sum of scores; runs of unknown pieces become one."""
        worst = float("-inf")
        score, back, piece = [0.0] + [worst] * length, [0] * (length + 1), [self._unknown] * (length + 1)
        at = 0
        for here in range(length):
            base, single = score[here], False
            while at < len(candidates) and candidates[at][0] - start == here:
                _, stop, number, gain = candidates[at]
                stop -= start
                at += 1
                single = single or stop == here + 1
                if base + gain > score[stop]:
                    score[stop], back[stop], piece[stop] = base + gain, here, number
            if not single and base + self._unknown_score > score[here + 1]:
                score[here + 1], back[here + 1], piece[here + 1] = base + self._unknown_score, here, self._unknown
        ids: list[int] = []
        here = length
        while here > 0:
            if piece[here] != self._unknown or not ids or ids[-1] != self._unknown:
                ids.append(piece[here])
            here = back[here]
        return ids[::-1]
