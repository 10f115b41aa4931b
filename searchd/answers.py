"""The sentence that answers a question: taken from the best passages, verbatim, or none at all.

A sentence that begins by pointing back ("It was built in 1887.") is shown with the sentence before it.

A linear score over six facts: which of the question's words the sentence holds, which more of them stand right before
it or in the headings above, which of them few other sentences have, how near the question's tokens come to those of
what is shown, how good its page is, whether it holds the kind of thing that is asked for.
Weights and calibration were fitted on questions in English, German and Spanish whose answers are known, beside the same
questions with the answer's page taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from searchd.index.opened import Index
from searchd.index.records import Page, Passage
from searchd.index.stores import Encoder, Floats, Ints
from searchd.presentation import Ranked
from searchd.query import AnswerSentence
from searchd.text.analysis import stems
from searchd.text.language import primary
from searchd.text.questions import KINDS, holds, kind_of, points_back
from searchd.text.sentences import spans

_PAGES = 4  # first results that are read
_PASSAGES = 6  # of these pages
_SENTENCES = 40  # that are scored
_EMBEDDED = 10  # that the encoder reads
_CHARS = (12, 1000)  # of a sentence that can be an answer
# On a page that is about the question, its rarest words are the subject and stand everywhere; what tells one sentence
# from another are verbs and common nouns. So a word counts its idf to this power.
_FLAT = 0.5

NAMES = ("words", "before", "alone", "tokens", "page", "kind")
WEIGHTS = np.array([1.41, 3.70, 4.49, 1.18, 3.03, 1.59], np.float32)
# log-odds that a sentence holds the answer: constant, its score, its share among all, its page's confidence
CALIBRATION = np.array([-8.63, 0.89, 1.23, 1.43], np.float32)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a passage."""

    row: int
    place: int  # of its page among the ranking's candidates
    text: str  # the sentence
    shown: str  # with the sentence before it when it begins with a word that points back ("It ...")
    lang: str
    stems: frozenset[str]
    before: frozenset[str]  # stems of title, headings and the sentence before it in the passage


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the question: the index terms that stand for it, and how much it counts."""

    stems: frozenset[str]
    weight: float


def answer(ranked: Ranked, index: Index, encoder: Encoder, limit: int, threshold: float) -> tuple[AnswerSentence, ...]:
    """Return at most ``limit`` sentences that answer the ranked question, most confident first.

    threshold: confidence (0..1) below which a sentence is not shown, so the result may be empty. Each text is a
    substring of a stored passage. At most ten sentences are read by the encoder.
    """
    found = candidates(ranked, index)
    if not found or limit < 1:
        return ()
    features = evidence(ranked, found, encoder)
    scores = features @ WEIGHTS
    order = np.argsort(-scores, kind="stable")
    # no sentence is surer than one that scores better
    sure = np.minimum.accumulate(confidences(ranked, found, scores)[order])
    chosen: dict[str, AnswerSentence] = {}
    for at, confidence in zip(order.tolist(), sure.tolist(), strict=True):
        if confidence < threshold or len(chosen) == limit:
            break
        chosen.setdefault(found[at].shown, _sentence(index, found[at], confidence))
    return tuple(chosen.values())


def candidates(ranked: Ranked, index: Index) -> list[Candidate]:
    """Return the sentences of the best passages of the first pages that say more than the question does."""
    known = frozenset(stem for word in _asked(ranked) for stem in word.stems)
    chosen = list(_passages(ranked))
    passages = index.pages.passages(row for row, _ in chosen)
    pages = index.pages.pages(ranked.candidates.evidence.pages[[place for _, place in chosen]].tolist())
    found: list[Candidate] = []
    for (row, place), passage, page in zip(chosen, passages, pages, strict=True):
        found.extend(one for one in _split(passage, page, place, row) if one.stems - known)
        if len(found) >= _SENTENCES:
            break
    return found[:_SENTENCES]


def evidence(ranked: Ranked, found: Sequence[Candidate], encoder: Encoder) -> Floats:
    """Return what speaks for each sentence: (len(found), len(NAMES)) float32."""
    words = _asked(ranked)
    weights = np.array([word.weight for word in words], np.float32)
    weights /= max(float(weights.sum()), 1e-6)
    likeness = _table(found, words, lambda one, word: _best_likeness(word, one.stems))
    held = (likeness == 1).astype(np.float32)
    before = _table(found, words, lambda one, word: not word.stems.isdisjoint(one.before)) * (1 - held)
    sure = np.array([ranked.ranking.confidence[one.place] for one in found], np.float32)
    columns = (
        held @ weights,
        before @ weights,
        _alone(likeness, held, weights),
        np.zeros(len(found)),  # the tokens: filled in below, once it is known which sentences are worth reading
        sure / (sure.max() or 1.0),
        _of_kind(ranked.query.text, found),
    )
    features = np.stack([np.asarray(column, np.float32) for column in columns], axis=1)
    features[:, NAMES.index("tokens")] = _nearness(ranked, found, features @ WEIGHTS, encoder)
    return features


def _table(found: Sequence[Candidate], words: Sequence[Word], value: Callable[[Candidate, Word], float]) -> Floats:
    """Return the value of each sentence and each word: (len(found), len(words))."""
    rows = [[value(one, word) for word in words] for one in found]
    return np.array(rows, np.float32).reshape(len(found), len(words))


def _of_kind(question: str, found: Sequence[Candidate]) -> list[bool]:
    """Whether each sentence holds the kind of thing that is asked for; none does when nobody knows which."""
    kind = kind_of(question)
    return [kind in KINDS and holds(kind, question, one.text, one.lang) for one in found]


def confidences(ranked: Ranked, found: Sequence[Candidate], scores: Floats) -> Floats:
    """Return the probability that each sentence holds the answer: (len(found),) float32."""
    spread = np.exp(scores - scores.max())
    pages = np.array([float(ranked.ranking.confidence[one.place]) for one in found], np.float32)
    facts = np.stack([np.ones_like(scores), scores, spread / spread.sum(), pages], axis=1)
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
    above = stems("\n".join((page.title, *passage.headings)), lang)
    places = spans(passage.text, lang)
    pieces = [passage.text[start:end] for start, end in places]
    terms = [stems(piece, lang) for piece in pieces]
    for at, piece in enumerate(pieces):
        if _CHARS[0] <= len(piece) <= _CHARS[1] and " " in piece and not piece.endswith(("?", "？")):
            first = at - 1 if at and points_back(piece, lang) else at
            shown = passage.text[places[first][0] : places[at][1]]
            before = above | terms[at - 1] if at else above
            yield Candidate(row, place, piece, shown, lang, terms[at], before)


def _asked(ranked: Ranked) -> list[Word]:
    """The question's words in order; a word that comes twice counts once."""
    words: dict[frozenset[str], Word] = {}
    for term, known in zip(ranked.parsed.terms, ranked.candidates.terms, strict=False):
        stems = frozenset(alternative.term for alternative in term.alternatives)
        if stems:
            words.setdefault(stems, Word(stems, (known.idf * term.weight) ** _FLAT))
    return list(words.values())


def _best_likeness(word: Word, stems: frozenset[str]) -> float:
    return max((_likeness(asked, stem) for asked in word.stems for stem in stems), default=0.0)


def _alone(likeness: Floats, held: Floats, weights: Floats) -> Floats:
    """Share of the question's words that each sentence has, a word that n sentences hold counting 1/n: (found,)."""
    alone = weights / np.maximum(held.sum(axis=0), 1)
    return np.asarray(likeness @ alone / max(float(alone.sum()), 1e-6), dtype=np.float32)


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
    """How near the question's tokens come to what is shown, in standard deviations of the few read; -1 for the others.

    For each token of the question the cosine of the nearest token, and the mean of those (late interaction: Khattab and
    Zaharia 2020, "ColBERT"), which tells sentences of one page apart better than whole texts' vectors do.
    """
    near = np.zeros(len(found), np.float32)
    if ranked.vector is None:
        return near
    best = np.argsort(-scores, kind="stable")[:_EMBEDDED]
    asked = encoder.token_vectors([ranked.parsed.text], query=True)[0]
    read = encoder.token_vectors([found[at].shown for at in best.tolist()])
    cosines = np.array([(tokens @ asked.T).max(axis=0).mean() for tokens in read], np.float32)
    near[best] = (cosines - cosines.mean()) / max(float(cosines.std()), 1e-6)
    near[np.setdiff1d(np.arange(len(found)), best)] = -1.0
    return near


def _sentence(index: Index, one: Candidate, confidence: float) -> AnswerSentence:
    passage = index.pages.passage(one.row)
    page = index.pages.page(int(index.pages.columns.page_of_row[one.row]))
    return AnswerSentence(
        one.shown, page.url, page.title, passage.headings, passage.anchor, confidence, page.lang, page.page
    )
