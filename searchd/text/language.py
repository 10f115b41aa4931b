"""Which language a text is in: good on whole pages and on questions of three words.

py3langid (BSD-3, Lui and Baldwin 2012 "langid.py", naive Bayes over byte n-grams) scores the text; a prior in favour
of the site's own languages settles what three words leave open. The prior is no fence: a German question over
English pages is still German, because the ranking must know that the English words there say little.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Protocol

#: What we are ready to name; the model knows 140, most of which only ever win by accident on short texts.
SUPPORTED = frozenset(
    (
        "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu hy id is it ja ka ko lt lv mk ms nb nl nn no pl pt ro ru sk"
        " sl sq sr sv sw ta te th tr uk ur vi zh"
    ).split()
)
#: Tags that mean the same analyser and the same readers.
_ALIASES = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "cmn": "zh", "srl": "sr"}
#: Log-probability that a site's own language is ahead by, before a word is read.
_OWN_LANGUAGE = 3.0
#: Most frequent on the web; a little ahead of the rest when nothing is known of the site.
_COMMON = {"en": 1.0, "de": 0.5, "fr": 0.5, "es": 0.5}
_MIN_PROBABILITY = 0.5
_MAX_CHARS = 2_000
_LOCK = threading.Lock()


class _Identifier(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]: ...


def primary(tag: str) -> str:
    """The primary subtag of a BCP 47 tag in lower case ("de-AT" -> "de", "nb" -> "no"); "" stays ""."""
    head = tag.strip().lower().replace("_", "-").split("-", 1)[0]
    return _ALIASES.get(head, head)


def detect(text: str, candidates: Sequence[str] = ()) -> str:
    """Return the text's language as a primary subtag, or "" when unsure.

    candidates: the site's languages. They are preferred, not required.
    """
    sample = text[:_MAX_CHARS].strip()
    if not any(char.isalpha() for char in sample):
        return ""
    return _detect(sample, tuple(sorted({primary(tag) for tag in candidates if tag})))


@lru_cache(maxsize=4096)
def _detect(sample: str, candidates: tuple[str, ...]) -> str:
    scores = _posteriors(sample, candidates)
    best = max(scores, key=lambda lang: (scores[lang], lang))
    total = sum(math.exp(score - scores[best]) for score in scores.values())
    return best if 1 / total >= _MIN_PROBABILITY else ""


def _posteriors(sample: str, candidates: tuple[str, ...]) -> dict[str, float]:
    """Log-posterior by language. The root of the length tames naive Bayes, whose features are not independent."""
    scale = 1 / math.sqrt(len(sample.encode()))
    scores: dict[str, float] = {}
    for tag, score in _identifier().rank(sample.lower() if sample.isupper() else sample):
        lang = primary(tag)
        if (lang in SUPPORTED or lang in candidates) and lang not in scores:
            prior = _OWN_LANGUAGE if lang in candidates else 0.0 if candidates else _COMMON.get(lang, 0.0)
            scores[lang] = score * scale + prior
    return scores


def _identifier() -> _Identifier:
    with _LOCK:
        return _load()


@cache
def _load() -> _Identifier:
    """The model, read on first use: 70 MB unpacked, which a process that never asks should not pay for."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier: _Identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    return identifier
