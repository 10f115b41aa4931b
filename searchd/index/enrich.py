"""What a snapshot tells of its pages beyond their text: a summary and automatic tags, computed when indexing.

The passages' vectors are reused; what must be embedded besides (short-listed phrases, each once for the whole site,
and a few sentences of long pages) stays near a tenth of the site's own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from searchd.index import keyphrases, summaries
from searchd.index.stores import Encoder, Floats
from searchd.text.analysis import stems

_BUDGET = 0.10  # words that may be embedded for a page, as a share of its own
_PHRASE_COST = 4  # words: a phrase and the tokens around it
_SENTENCE_COST = 25  # words
_PHRASES = (3, 12)  # phrases short-listed for a page, at least and at most
_SENTENCES = 8  # sentences short-listed for a page


@dataclass(frozen=True, slots=True)
class EnrichPage:
    """One page as enrichment reads it: its passages' texts, in order, and their vectors (n_passages, dim) float32."""

    title: str
    lang: str
    headings: tuple[str, ...]  # the text of each section's own heading
    texts: tuple[str, ...]
    vectors: Floats


class Enrichment(NamedTuple):
    """``Page.summary`` (verbatim, in the page's order) and ``Page.keyphrases`` (best first)."""

    summary: tuple[str, ...]
    keyphrases: tuple[str, ...]


class _Plan(NamedTuple):
    """What the first reading of a page leaves behind for the choice."""

    phrases: list[tuple[keyphrases.Candidate, float]]
    centre: Floats
    summary: tuple[str, ...]


def enrich(pages: Iterable[EnrichPage], encoder: Encoder) -> list[Enrichment]:
    """Return one Enrichment per page, in order.

    pages: must yield the same pages each time it is iterated, which happens twice (once to learn the site's
    vocabulary, once to choose), so a generator will not do; an object whose ``__iter__`` reads from disk will.
    Memory stays at a few short phrases and one vector per page. Same pages in, same tags and summaries out.
    """
    vocabulary = keyphrases.Vocabulary()
    for page in pages:
        vocabulary.add(_candidates(page))
    plans = [_plan(page, vocabulary, encoder) for page in pages]
    vectors = _phrase_vectors(plans, encoder)
    chosen = [keyphrases.choose(p.phrases, _rows(vectors, p, encoder.dim), p.centre) for p in plans]
    forms = _common_forms(chosen)
    return [
        Enrichment(plan.summary, tuple(forms[candidate.key] for candidate in tags))
        for plan, tags in zip(plans, chosen, strict=True)
    ]


def _candidates(page: EnrichPage) -> list[keyphrases.Candidate]:
    return keyphrases.candidates(page.title, page.headings, "\n".join(page.texts), page.lang)


def _plan(page: EnrichPage, vocabulary: keyphrases.Vocabulary, encoder: Encoder) -> _Plan:
    n_words = sum(text.count(" ") + 1 for text in page.texts)
    budget = _BUDGET * n_words
    n_phrases = int(min(max(budget / 2 / _PHRASE_COST, _PHRASES[0]), _PHRASES[1]))
    phrases = keyphrases.shortlist(_candidates(page), vocabulary, n_phrases)
    if not len(page.vectors):
        return _Plan([], np.zeros(encoder.dim, np.float32), ())
    centre = _centre(page.vectors)
    n_embedded = min(_SENTENCES, int((budget - n_phrases * _PHRASE_COST) / _SENTENCE_COST))
    return _Plan(phrases, centre, _summary(page, n_words, n_embedded, vocabulary, centre, encoder))


def _summary(
    page: EnrichPage, n_words: int, n_embedded: int, vocabulary: keyphrases.Vocabulary, centre: Floats, encoder: Encoder
) -> tuple[str, ...]:
    wanted = summaries.length(n_words)
    if not wanted:
        return ()
    found = summaries.sentences(page.texts, page.lang)
    near = keyphrases.stretched(page.vectors @ centre)
    own_vectors = n_embedded > wanted
    short = summaries.shortlist(found, vocabulary.idf, near, n_embedded if own_vectors else _SENTENCES)
    if own_vectors and short:
        near = keyphrases.stretched(encoder.encode_passages([found[number].text for number, _ in short]) @ centre)
    else:
        near = near[[found[number].passage for number, _ in short]]
    return summaries.choose(found, short, near, stems(page.title, page.lang), vocabulary.idf, wanted)


def _phrase_vectors(plans: Sequence[_Plan], encoder: Encoder) -> dict[str, Floats]:
    """Embed each phrase of the site once."""
    texts = list(dict.fromkeys(candidate.text for plan in plans for candidate, _ in plan.phrases))
    if not texts:
        return {}
    return dict(zip(texts, keyphrases.apart(encoder.encode_passages(texts)), strict=True))


def _rows(vectors: dict[str, Floats], plan: _Plan, dim: int) -> Floats:
    if not plan.phrases:
        return np.zeros((0, dim), np.float32)
    return np.stack([vectors[candidate.text] for candidate, _ in plan.phrases])


def _common_forms(chosen: Iterable[tuple[keyphrases.Candidate, ...]]) -> dict[str, str]:
    """One spelling per tag for the whole site, so that equal tags are equal: the one most pages use."""
    forms: dict[str, Counter[str]] = {}
    for tags in chosen:
        for candidate in tags:
            forms.setdefault(candidate.key, Counter())[candidate.text] += 1
    return {key: min(counts, key=lambda form: (-counts[form], form)) for key, counts in forms.items()}


def _centre(vectors: Floats) -> Floats:
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)
