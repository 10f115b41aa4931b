"""Golden questions that visitors wrote: what they asked, what they opened, and what they called helpful.

A page that was opened from low on the list says more than one that stood first anyway: clicks count by inverse
propensity, position + 1 (Joachims, Swaminathan and Schnabel 2017, "Unbiased learning-to-rank with biased feedback").
Votes correct them: a page that most voters call unhelpful was opened in vain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from indexer.golden import FULL, PART, Question
from searchd.feedback import ClickCount, FeedbackStore, VoteCount
from searchd.index.pages import url_path

LEAST_CLICKS = 3  # of a query; fewer may be one visitor's mistake
_PART = 1 / 3  # of the best page's weight, from which on another page helps too
_LEAST_VOTES = 3


def questions(store: FeedbackStore, site: str) -> tuple[Question, ...]:
    """What a site's visitors asked and opened in the last year, most clicked first. Raises StorageError."""
    return from_counts(store.clicks(site), store.votes(site))


def from_counts(clicks: Iterable[ClickCount], votes: Iterable[VoteCount]) -> tuple[Question, ...]:
    """Turn counts into questions with grades; queries of few clicks, or with something replaced, are left out."""
    verdicts = {url_path(vote.url): _verdict(vote) for vote in votes}
    by_query: dict[str, list[ClickCount]] = defaultdict(list)
    for click in clicks:
        if "[" not in click.q:
            by_query[click.q].append(click)
    enough = {query: found for query, found in by_query.items() if sum(click.n for click in found) >= LEAST_CLICKS}
    graded = ((query, _grades(found, verdicts)) for query, found in enough.items())
    return tuple(Question(query, "", grades) for query, grades in graded if grades)


def _verdict(vote: VoteCount) -> int:
    """1: most call the page helpful, -1: most call it unhelpful, 0: too few say."""
    if vote.helpful + vote.unhelpful < _LEAST_VOTES or vote.helpful == vote.unhelpful:
        return 0
    return 1 if vote.helpful > vote.unhelpful else -1


def _grades(clicks: Iterable[ClickCount], verdicts: dict[str, int]) -> dict[str, int]:
    weights: dict[str, float] = defaultdict(float)
    for click in clicks:
        path = url_path(click.url)
        if verdicts.get(path, 0) >= 0:
            weights[path] += click.n * (click.mean_position + 1)
    best = max(weights.values(), default=0.0)
    grades = {}
    for path, weight in weights.items():
        if weight >= best * _PART:
            grades[path] = FULL if weight == best or verdicts.get(path, 0) > 0 else PART
    return grades
