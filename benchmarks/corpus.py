"""A made-up site of any size, for measurements of speed: real words, mixed vectors, the real encoder's model."""

from __future__ import annotations

import dataclasses
import datetime
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from searchd import encoder as encoders
from searchd.index import builder, snapshot
from searchd.index.records import Article, Block, PageDraft, Passage, Section
from searchd.index.stores import Encoder, Floats
from searchd.settings import IndexSettings, ModelSettings

SITE = "load"
PASSAGES_PER_PAGE = 5
WORDS_PER_PASSAGE = 80
_BASES = 2000  # texts that are really encoded
_BASE_WORDS = 12
_MIX = np.array([1.0, 0.7, 0.5], np.float32)  # weights of the bases that a passage's vector is made of
_NOISE = 0.3  # length of what is its own


class _MixedVectors:
    """Gives each passage a mixture of a few texts' real vectors; everything else is the encoder's own.

    So vectors lie where the model puts texts, in far fewer than ``dim`` directions, and a graph search finds its way
    as it does on a real site. Among random directions it has to look at ten times as many.
    """

    def __init__(self, inner: Encoder, words: Sequence[str]) -> None:
        self._inner = inner
        self._draw = np.random.default_rng(1)
        draw = random.Random(2)
        self._bases = inner.encode_passages([" ".join(draw.choices(words, k=_BASE_WORDS)) for _ in range(_BASES)])

    @property
    def dim(self) -> int:
        """The encoder's own."""
        return self._inner.dim

    @property
    def fingerprint(self) -> str:
        """The encoder's own."""
        return self._inner.fingerprint

    @property
    def max_tokens(self) -> int:
        """The encoder's own."""
        return self._inner.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The encoder's own."""
        return self._inner.count_tokens(texts)

    def encode_query(self, text: str) -> Floats:
        """The encoder's own."""
        return self._inner.encode_query(text)

    def token_vectors(self, texts: Sequence[str], *, query: bool = False) -> list[Floats]:
        """The encoder's own."""
        return self._inner.token_vectors(texts, query=query)

    def encode_passages(self, texts: Sequence[str]) -> Floats:
        """Return (len(texts), dim) float32, rows of norm 1."""
        vectors = self._draw.standard_normal((len(texts), self._inner.dim), dtype=np.float32)
        vectors *= _NOISE / np.sqrt(np.float32(self._inner.dim))
        chosen = self._draw.integers(_BASES, size=(len(texts), len(_MIX)))
        vectors += np.einsum("k,nkd->nd", _MIX, self._bases[chosen])
        unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def drafts(passages: int, words: Sequence[str], seed: int = 1) -> Iterator[PageDraft]:
    """Yield pages of ``PASSAGES_PER_PAGE`` passages each, ``passages`` of them in all."""
    draw = random.Random(seed)
    for number in range(passages // PASSAGES_PER_PAGE):
        texts = [" ".join(draw.choices(words, k=WORDS_PER_PASSAGE)) for _ in range(PASSAGES_PER_PAGE)]
        title = " ".join(draw.choices(words, k=4)).capitalize()
        headings = [(title, " ".join(draw.choices(words, k=3)).capitalize()) for _ in texts]
        sections = tuple(
            Section(heading, f"s{i}", (Block("paragraph", text),))
            for i, (heading, text) in enumerate(zip(headings, texts, strict=True))
        )
        article = Article(f"https://load.example/{number}", title, sections, lang="en", category=f"c{number % 12}")
        pieces = tuple(Passage(section.headings, section.anchor, section.text) for section in sections)
        yield PageDraft(article, pieces, content_hash=str(number))


def build(data: Path, passages: int, words: Sequence[str], model: str = "all-MiniLM-L6-v2") -> None:
    """Publish a snapshot of a made-up site below ``data``."""
    encoder = encoders.load(ModelSettings(name=model), ["en"])
    staged = data / SITE / "staged"
    staged.mkdir(parents=True)
    counts = builder.build(
        staged, drafts(passages, words), _MixedVectors(encoder, words), IndexSettings(summaries=False)
    )
    encoder.save(staged / "model")
    facts = {
        "digest": f"{passages:08x}",
        "created_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "site": SITE,
        "model": {"name": model, "fingerprint": encoder.fingerprint},
        **dataclasses.asdict(counts),
    }
    snapshot.seal(staged, facts)
    snapshot.publish(data / SITE, staged, datetime.datetime.now(datetime.UTC))
