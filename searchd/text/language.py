"""Which language a text is in: good on whole pages and on questions of three words.

Naive Bayes over byte n-grams (Lui and Baldwin 2012, "langid.py"; the model is distilled from py3langid's, see
``searchd.text.language_model``), with a prior in favour of the site's own languages that settles what three words leave
open. The prior is no fence: a German question over English pages is still German, because the ranking must know that
the English words there say little.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchd.arrays import begins
from searchd.text.normalize import fold, normal
from searchd.text.stopwords import STOP_WORDS

MODEL_FILE = "language_model.npz"
STEPS = 16  # of the stored log-probabilities: 1/16
_LONGEST = 6  # bytes of an n-gram
_WINDOW = 8  # bytes that are read at once
_LAST_BYTES = np.array([[(1 << 8 * length) - 1] for length in range(1, _LONGEST + 1)], np.uint64)
_LENGTHS = np.array([[length << 48] for length in range(1, _LONGEST + 1)], np.uint64)
_OTHER_TAGS = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "cmn": "zh"}
#: Log-probability that a site's own language is ahead by, before a word is read.
_OWN_LANGUAGE = 3.0
#: Most frequent on the web; a little ahead of the rest when nothing is known of the site.
_COMMON = {"en": 1.0, "de": 0.5, "fr": 0.5, "es": 0.5}
_MIN_PROBABILITY = 0.5
_MAX_CHARS = 2_000
#: In a question of a few words, what share of them are small words of a language says as much as their letters.
_SHORT = 120
_SMALL_WORDS = 3.0
_WORD = re.compile(r"\w+")


class _Model(NamedTuple):
    """codes: sorted packed n-grams. steps: (n, languages) int8, log-probability * STEPS, mean 0 in each row."""

    codes: npt.NDArray[np.uint64]
    steps: npt.NDArray[np.int8]
    prior: npt.NDArray[np.float32]
    languages: tuple[str, ...]


@lru_cache(maxsize=256)
def primary(tag: str) -> str:
    """The primary subtag of a BCP 47 tag in lower case ("de-AT" -> "de", "nb" -> "no"); "" stays ""."""
    head = tag.strip().lower().replace("_", "-").split("-", 1)[0]
    return _OTHER_TAGS.get(head, head)


def detect(text: str, candidates: Sequence[str] = ()) -> str:
    """Return the text's language as a primary subtag, or "" when unsure.

    candidates: the site's languages. They are preferred, not required.
    """
    sample = text[:_MAX_CHARS].strip()
    if not any(char.isalpha() for char in sample):
        return ""
    return _detect(sample, tuple(sorted({primary(tag) for tag in candidates if tag})))


@lru_cache(maxsize=1024)
def _detect(sample: str, candidates: tuple[str, ...]) -> str:
    model = _load()
    content = unicodedata.normalize("NFC", sample.lower() if sample.isupper() else sample).encode(errors="replace")
    found = np.sort(_grams(content, model.codes))
    if not len(found):
        return ""
    starts = begins(found).nonzero()[0]  # np.unique and np.diff cost more on lists this short
    counts = np.append(starts[1:], len(found)) - starts
    evidence = np.log1p(counts.astype(np.float32)) @ model.steps[found[starts]].astype(np.float32)
    # the root of the length tames naive Bayes, whose features are not independent
    scores = (evidence / STEPS + model.prior) / math.sqrt(len(content)) + _ahead(model.languages, candidates)
    if len(sample) <= _SHORT:
        scores += _SMALL_WORDS * _share_of_small_words(sample, model.languages)
    best = int(np.argmax(scores))
    return model.languages[best] if 1 / np.exp(scores - scores[best]).sum() >= _MIN_PROBABILITY else ""


@lru_cache(maxsize=256)
def _ahead(languages: tuple[str, ...], candidates: tuple[str, ...]) -> npt.NDArray[np.float64]:
    if candidates:
        return np.array([_OWN_LANGUAGE if lang in candidates else 0.0 for lang in languages])
    return np.array([_COMMON.get(lang, 0.0) for lang in languages])


def _share_of_small_words(sample: str, languages: tuple[str, ...]) -> npt.NDArray[np.float64]:
    words = [fold(normal(word)) for word in _WORD.findall(sample)]
    counts, having = np.zeros(len(languages)), _languages_with(languages)
    for word in words:
        for place in having.get(word, ()):
            counts[place] += 1
    return counts / max(1, len(words))


@lru_cache(maxsize=1)
def _languages_with(languages: tuple[str, ...]) -> dict[str, list[int]]:
    """The places of the languages in which a word is a stop word."""
    found: dict[str, list[int]] = {}
    for place, lang in enumerate(languages):
        for word in STOP_WORDS.get(lang, ()):
            found.setdefault(word, []).append(place)
    return found


def pack(gram: bytes) -> int:
    """An n-gram of at most six bytes as one number: its length, then its bytes."""
    return len(gram) << 48 | int.from_bytes(gram, "big")


def _grams(content: bytes, codes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """For each byte the place in ``codes`` of the longest known n-gram that ends there; bytes without one left out."""
    padded = np.frombuffer(bytes(_WINDOW - 1) + content, dtype=np.uint8)
    windows = np.ndarray(len(content), ">u8", padded, strides=(1,)).astype(np.uint64)  # the eight bytes up to each
    wanted = (windows & _LAST_BYTES) | _LENGTHS  # (_LONGEST, len(content)), as ``pack`` does
    at = codes.searchsorted(wanted)
    # longer ones stand behind shorter ones
    longest: npt.NDArray[np.int64] = np.where(codes.take(at, mode="clip") == wanted, at, -1).max(axis=0)
    return longest[longest >= 0]


@cache
def _load() -> _Model:
    with (resources.files("searchd.text") / MODEL_FILE).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return _Model(arrays["codes"], arrays["steps"], arrays["prior"], tuple(arrays["languages"].tolist()))
