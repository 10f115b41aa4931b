"""The sentence that answers a question: taken from the best passages, verbatim, or none at all.

A sentence that begins by pointing back ("It was built in 1887.") is shown with the sentence before it.

A linear score over simple evidence: which of the question's words the sentence and its neighbours hold (exactly, or as
part of a compound) and how few other sentences do, whether it holds the kind of thing that is asked for, how near its
vector is, how good its page is.
Weights and calibration were fitted on questions in English and German whose answers are known, beside questions whose
answer is not on the site.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from searchd.index.opened import Index
from searchd.index.records import Page, Passage
from searchd.index.stores import Encoder, Floats, Ints
from searchd.presentation import Ranked
from searchd.query import AnswerSentence
from searchd.text.analysis import analyse
from searchd.text.chunks import chunks
from searchd.text.language import primary
from searchd.text.questions import KINDS, holds, kind_of, points_back
from searchd.text.sentences import spans

_PAGES = 4  # first results that are read
_PASSAGES = 6  # of these pages
_SENTENCES = 40  # that are scored
_EMBEDDED = 10  # that get a vector
_CHARS = (12, 600)  # of a sentence that can be an answer
_SAME = 0.6  # likeness from which a sentence has a word
_TELLING = 0.3  # share of the heaviest word's weight that a telling word exceeds

NAMES = (
    *("words", "parts", "vector", "before", "after", "pairs", "page", "new", "length", "alone", "first"),
    *KINDS,
)
WEIGHTS = np.array(
    [1.13, 0.92, 0.85, 3.42, 1.22, 0.8, 2.11, -0.34, 0.57, 3.99, 0.5, 1.44, 1.46, 0.77, 0.53, 0.6], np.float32
)
# log-odds that a sentence holds the answer: constant, its score, its share among all, words, its page's confidence
CALIBRATION = np.array([-8.51, 1.02, 2.44, -2.7, 0.74], np.float32)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage. stems: its index terms in order."""

    row: int
    place: int  # of its page among the ranking's candidates
    text: str  # the sentence
    shown: str  # with the sentence before it when it begins with a word that points back ("It ...")
    lang: str
    stems: tuple[str, ...]
    before: frozenset[str]  # stems of title, headings and the sentence before it in the passage
    after: frozenset[str]  # stems of the sentence behind it


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the question: the index terms that stand for it, and its rarity; stop words weigh little."""

    stems: frozenset[str]
    weight: float


def answer(ranked: Ranked, index: Index, encoder: Encoder, limit: int, threshold: float) -> tuple[AnswerSentence, ...]:
    """Return at most ``limit`` sentences that answer the ranked question, most confident first.

    threshold: confidence (0..1) below which a sentence is not shown, so the result may be empty. Each text is a
    substring of a stored passage. One batch of at most ten sentences is embedded.
    """
    found = candidates(ranked, index)
    if not found or limit < 1:
        return ()
    features = evidence(ranked, found, encoder)
    scores = features @ WEIGHTS
    order = np.argsort(-scores, kind="stable")
    # no sentence is surer than one that scores better
    sure = np.minimum.accumulate(confidences(ranked, found, features, scores)[order])
    chosen: dict[str, AnswerSentence] = {}
    for at, confidence in zip(order.tolist(), sure.tolist(), strict=True):
        if confidence < threshold or len(chosen) == limit:
            break
        chosen.setdefault(found[at].shown, _sentence(index, found[at], confidence))
    return tuple(chosen.values())


def candidates(ranked: Ranked, index: Index) -> list[Candidate]:
    """Return the sentences of the best passages of the first pages."""
    chosen = list(_passages(ranked))
    passages = index.pages.passages(row for row, _ in chosen)
    pages = index.pages.pages(ranked.candidates.evidence.pages[[place for _, place in chosen]].tolist())
    found: list[Candidate] = []
    for (row, place), passage, page in zip(chosen, passages, pages, strict=True):
        found.extend(_split(passage, page, place, row))
        if len(found) >= _SENTENCES:
            break
    return found[:_SENTENCES]


def evidence(ranked: Ranked, found: Sequence[Candidate], encoder: Encoder) -> Floats:
    """Return what speaks for each sentence: (len(found), len(NAMES)) float32."""
    words, stems = _asked(ranked), [frozenset(one.stems) for one in found]
    weights = np.array([word.weight for word in words], np.float32)
    weights /= max(float(weights.sum()), 1e-6)
    likeness = _table(found, words, lambda at, word: _best_likeness(word, stems[at]))
    held = likeness == 1
    before = _table(found, words, lambda at, word: not word.stems.isdisjoint(found[at].before)) * ~held
    after = _table(found, words, lambda at, word: not word.stems.isdisjoint(found[at].after)) * ~held
    known = frozenset(stem for word in words for stem in word.stems)
    sure = np.array([ranked.ranking.confidence[one.place] for one in found], np.float32)
    columns = (
        *(table @ weights for table in (held, likeness)),
        np.zeros(len(found)),  # the vector: filled in below, once it is known which sentences are worth one
        *(table @ weights for table in (before, after)),
        [_pairs(words, weights, one.stems) for one in found],
        sure / (sure.max() or 1.0),
        [math.log1p(len(one - known)) for one in stems],
        [math.log1p(len(one.stems)) for one in found],
        _alone(likeness, weights),
        _first(likeness, weights),
        *_kinds(ranked.query.text, found),
    )
    features = np.stack([np.asarray(column, np.float32) for column in columns], axis=1)
    features[:, NAMES.index("vector")] = _nearness(ranked, found, features @ WEIGHTS, encoder)
    return features


def _table(found: Sequence[Candidate], words: Sequence[Word], value: Callable[[int, Word], float]) -> Floats:
    """Return the value of each sentence's number and each word: (len(found), len(words))."""
    rows = [[value(at, word) for word in words] for at in range(len(found))]
    return np.array(rows, np.float32).reshape(len(found), len(words))


def _kinds(question: str, found: Sequence[Candidate]) -> list[list[bool]]:
    """For each kind, whether it is asked for and each sentence holds it."""
    kind = kind_of(question)
    return [[kind == other and holds(kind, question, one.text, one.lang) for one in found] for other in KINDS]


def confidences(ranked: Ranked, found: Sequence[Candidate], features: Floats, scores: Floats) -> Floats:
    """Return the probability that each sentence holds the answer: (len(found),) float32."""
    spread = np.exp(scores - scores.max())
    pages = np.array([float(ranked.ranking.confidence[one.place]) for one in found], np.float32)
    facts = np.stack([np.ones_like(scores), scores, spread / spread.sum(), features[:, 0], pages], axis=1)
    return np.asarray(1 / (1 + np.exp(-(facts @ CALIBRATION))), dtype=np.float32)


def _passages(ranked: Ranked) -> Iterator[tuple[int, int]]:
    """Yield (row, place) of the best passages of the first pages, page by page."""
    known = ranked.candidates.passages
    of_similarity, of_words = _range(known.similarity), _range(known.bm25)
    floor = float(known.similarity.min(initial=1))
    left = _PASSAGES
    for place in ranked.ranking.order[:_PAGES].tolist():
        mine: Ints = np.flatnonzero(known.owner == place)
        scores = (known.similarity[mine] - floor) / of_similarity + known.bm25[mine] / of_words
        for at in mine[np.argsort(-scores, kind="stable")][: min(left, 2 if left < _PASSAGES else 3)].tolist():
            left -= 1
            yield int(known.rows[at]), place


def _range(values: Floats) -> float:
    return max(float(np.ptp(values)), 1e-6) if len(values) else 1.0


def _split(passage: Passage, page: Page, place: int, row: int) -> Iterator[Candidate]:
    """Yield the sentences of a passage that could stand alone, with what surrounds them."""
    lang = primary(page.lang)
    above = frozenset(_stems("\n".join((page.title, *passage.headings)), lang))
    places = spans(passage.text, lang)
    pieces = [passage.text[start:end] for start, end in places]
    stems = [_stems(piece, lang) for piece in pieces]
    for at, piece in enumerate(pieces):
        if _CHARS[0] <= len(piece) <= _CHARS[1] and " " in piece and not piece.endswith(("?", "？")):
            first = at - 1 if at and points_back(piece, lang) else at
            shown = passage.text[places[first][0] : places[at][1]]
            before = above.union(stems[at - 1]) if at else above
            after = frozenset(stems[at + 1]) if at + 1 < len(stems) else frozenset()
            yield Candidate(row, place, piece, shown, lang, stems[at], before, after)


def _stems(text: str, lang: str) -> tuple[str, ...]:
    return tuple(term.term for chunk in chunks(text) for term in analyse(chunk.text, lang) if term.main)


def _asked(ranked: Ranked) -> list[Word]:
    """The question's words in order; a word that comes twice counts once."""
    words: dict[frozenset[str], Word] = {}
    for term, known in zip(ranked.parsed.terms, ranked.candidates.terms, strict=False):
        stems = frozenset(alternative.term for alternative in term.alternatives)
        if stems:
            words.setdefault(stems, Word(stems, known.idf * term.weight))
    return list(words.values())


def _best_likeness(word: Word, stems: frozenset[str]) -> float:
    return max((_likeness(asked, stem) for asked in word.stems for stem in stems), default=0.0)


def _pairs(words: Sequence[Word], weights: Floats, stems: Sequence[str]) -> float:
    """Weight of the question's neighbouring words that are neighbours in the sentence too."""
    both = zip(pairwise(words), pairwise(weights.tolist()), strict=True)
    return sum(sum(weight) for (first, second), weight in both if _adjacent(first, second, stems))


def _alone(likeness: Floats, weights: Floats) -> Floats:
    """Share of the question's words that each sentence has, a word that n sentences have counting 1/n: (found,)."""
    alone = weights / np.maximum((likeness >= _SAME).sum(axis=0), 1)
    return np.asarray(likeness @ alone / max(float(alone.sum()), 1e-6), dtype=np.float32)


def _first(likeness: Floats, weights: Floats) -> Floats:
    """How far each sentence has the question's first telling word, which often names what is asked for: (found,)."""
    telling = np.flatnonzero(weights > _TELLING * weights.max(initial=0.0))
    return likeness[:, telling[0]] if len(telling) else np.zeros(len(likeness), np.float32)


def _adjacent(first: Word, second: Word, stems: Sequence[str]) -> bool:
    return any(a in first.stems and b in second.stems for a, b in pairwise(stems))


def _likeness(asked: str, stem: str) -> float:
    """How far a stem stands for another: the same word, its derivation, or a part of a compound."""
    if asked == stem:
        return 1.0
    short, long = sorted((len(asked), len(stem)))
    if short < 4:
        return 0.0
    same = next((at for at, (a, b) in enumerate(zip(asked, stem, strict=False)) if a != b), short)
    if same >= 4 and same >= 0.6 * long:
        return 0.8
    if asked in stem or (short >= 5 and stem in asked):
        return 0.6
    return 0.5 if same >= 5 else 0.0


def _nearness(ranked: Ranked, found: Sequence[Candidate], scores: Floats, encoder: Encoder) -> Floats:
    """Cosine of question and sentence in standard deviations of the few that were embedded; 0 for the others."""
    near = np.zeros(len(found), np.float32)
    if ranked.vector is None:
        return near
    best = np.argsort(-scores, kind="stable")[:_EMBEDDED]
    cosines = encoder.encode_passages([found[at].text for at in best.tolist()]) @ ranked.vector
    near[best] = (cosines - cosines.mean()) / max(float(cosines.std()), 1e-6)
    near[np.setdiff1d(np.arange(len(found)), best)] = -1.0
    return near


def _sentence(index: Index, one: Candidate, confidence: float) -> AnswerSentence:
    passage = index.pages.passage(one.row)
    page = index.pages.page(int(index.pages.columns.page_of_row[one.row]))
    return AnswerSentence(
        one.shown, page.url, page.title, passage.headings, passage.anchor, confidence, page.lang, page.page
    )
