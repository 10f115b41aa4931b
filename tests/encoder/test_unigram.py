"""What the tokenizer of multilingual models remembers, and that no thread loses what another one forgets."""

from __future__ import annotations

import random

import pytest

from searchd.encoder import unigram
from searchd.encoder.unigram import Unigram
from tests.encoder.conftest import Loader


@pytest.fixture
def tokenizer(encoder_of: Loader) -> Unigram:
    found = encoder_of("multilingual-e5-small")._tokens._unigram
    assert found is not None
    return found


def test_words_that_another_thread_forgets_meanwhile_are_still_known(
    tokenizer: Unigram, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "query: harbour"
    expected = tokenizer.encode([text, "lighthouse 4711"])
    segment = tokenizer._segment

    def forgetting(words: set[str]) -> dict[str, list[int]]:
        found = segment(words)
        tokenizer._known = {}
        return found

    tokenizer._known = {}
    tokenizer.encode([text])
    monkeypatch.setattr(tokenizer, "_segment", forgetting)
    assert tokenizer.encode([text, "lighthouse 4711"]) == expected


def test_sentences_without_spaces_are_not_remembered(tokenizer: Unigram) -> None:
    tokenizer._known = {}
    rng = random.Random(1)
    texts = ["".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(200)) for _ in range(20)]
    first = tokenizer.encode(texts)
    assert all(len(word) <= unigram._SHORT for word in tokenizer._known)
    assert tokenizer.encode(texts) == first


def test_a_word_longer_than_a_chunk_is_read_in_parts(tokenizer: Unigram, monkeypatch: pytest.MonkeyPatch) -> None:
    word = "hafenmeister" * 1000
    (parts,) = tokenizer.encode([word])
    assert tokenizer.encode([word, word]) == [parts, parts]
    monkeypatch.setattr(unigram, "_CHUNK", 10 * len(word))
    (whole,) = tokenizer.encode([word])
    assert len(set(whole) ^ set(parts)) <= 6  # pieces at two seams
    assert abs(len(whole) - len(parts)) <= 4
