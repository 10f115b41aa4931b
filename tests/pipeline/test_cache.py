"""Articles and vectors are kept by what they were made from, and by what made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer.cache import Cache, CachedEncoder
from searchd import encoder as encoders
from searchd.errors import StorageError
from searchd.index.records import Article, Block, Section
from searchd.index.stores import Encoder, Floats
from searchd.settings import ModelSettings

ARTICLE = Article(
    "http://a.example/x",
    "Fähre – „Insel“ \U0001f6a2",
    (Section(("A", "B"), "b", (Block("paragraph", "Text\n\x85mehr"), Block("table", "1 | 2", "t1"))),),
    lang="de",
    tags=("Hafen",),
)


@pytest.fixture(scope="module")
def model() -> Encoder:
    return encoders.load(ModelSettings(name="all-MiniLM-L6-v2"))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    opened = Cache(tmp_path / "crawl.sqlite")
    yield opened
    opened.close()


class Relabelled:
    """The real model under another fingerprint, as if its weights were others."""

    def __init__(self, model: Encoder, fingerprint: str) -> None:
        self.model, self.fingerprint = model, fingerprint

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)


def test_an_article_comes_back_as_it_was(cache: Cache) -> None:
    cache.put_articles([("hash", ARTICLE.url, "v1", ARTICLE)])
    assert cache.article("hash", ARTICLE.url, "v1") == ARTICLE
    assert cache.article("hash", ARTICLE.url, "v2") is None
    assert cache.article("other", ARTICLE.url, "v1") is None


def test_articles_of_contents_that_are_gone_are_forgotten(cache: Cache) -> None:
    cache.put_articles([("old", ARTICLE.url, "v1", ARTICLE), ("new", ARTICLE.url, "v1", ARTICLE)])
    cache.keep_articles([("new", ARTICLE.url)])
    assert cache.article("old", ARTICLE.url, "v1") is None
    assert cache.article("new", ARTICLE.url, "v1") == ARTICLE


def encode(model: Encoder, cache: Cache, texts: Sequence[str], generation: int = 1) -> tuple[Floats, int, int]:
    encoder = CachedEncoder(model, cache, generation)
    return encoder.encode_passages(texts), encoder.embedded, encoder.reused


def test_a_text_is_embedded_once_and_keeps_its_vector(model: Encoder, cache: Cache) -> None:
    first, embedded, _ = encode(model, cache, ["ferry", "harbour", "ferry"])
    assert embedded == 2
    assert np.array_equal(first[0], first[2])
    again, embedded, reused = encode(model, cache, ["harbour", "museum", "ferry"])
    assert (embedded, reused) == (1, 2)
    assert np.array_equal(again[0], first[1])
    assert np.array_equal(again[2], first[0])
    assert np.allclose(np.linalg.norm(again, axis=1), 1, atol=1e-5)


def test_another_model_embeds_again_and_going_back_costs_nothing(model: Encoder, cache: Cache) -> None:
    encode(model, cache, ["ferry"])
    other = Relabelled(model, "another")
    assert encode(other, cache, ["ferry"])[1] == 1  # type: ignore[arg-type]
    assert encode(model, cache, ["ferry"])[1] == 0


def test_vectors_that_no_page_needs_are_forgotten_after_some_builds(model: Encoder, cache: Cache) -> None:
    encode(model, cache, ["ferry", "harbour"], generation=1)
    encode(model, cache, ["ferry"], generation=5)
    assert cache.forget_vectors(model.fingerprint, 3) == 1
    assert encode(model, cache, ["ferry", "harbour"], generation=6)[1] == 1


def test_no_texts_make_an_empty_matrix(model: Encoder, cache: Cache) -> None:
    assert encode(model, cache, [])[0].shape == (0, model.dim)


def test_a_file_that_is_no_database_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "crawl.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match=r"crawl\.sqlite"):
        Cache(tmp_path / "crawl.sqlite")
