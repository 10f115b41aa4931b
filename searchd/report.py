"""The report of what visitors asked, opened and found helpful: as JSON, and as one page with plots.

Pure given the store: numbers in, text out. The page is one file without script or foreign resource; the plots are
inline SVG with a table beside them for those who do not see them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from searchd.feedback import DayCount, FeedbackStore, QueryCount, VoteCount

ROWS = 50


@dataclass(frozen=True, slots=True)
class Report:
    """What happened on a site in the last ``days`` days. ``latency`` is (upper bound in ms, searches)."""

    site: str
    days: int
    searches: int
    without_result: int
    without_relevant: int
    clicks: int
    top: list[QueryCount]
    empty: list[QueryCount]
    unclicked: list[QueryCount]
    helpful: list[VoteCount]
    unhelpful: list[VoteCount]
    per_day: list[DayCount]
    latency: list[tuple[int, int]]


def make(store: FeedbackStore, site: str, days: int) -> Report:
    """Read the counts and choose the rows. Raises StorageError."""
    queries = store.queries(site, days, limit=10_000)
    votes = store.votes(site, days)
    return Report(
        site=site,
        days=days,
        searches=sum(row.n for row in queries),
        without_result=sum(row.empty for row in queries),
        without_relevant=sum(row.doubtful for row in queries),
        clicks=sum(row.clicks for row in queries),
        top=queries[:ROWS],
        empty=sorted((q for q in queries if q.empty or q.doubtful), key=lambda q: -(q.empty + q.doubtful))[:ROWS],
        unclicked=[q for q in queries if q.n > 1 and not q.clicks and not q.empty][:ROWS],
        helpful=sorted((v for v in votes if v.helpful), key=lambda v: v.unhelpful - v.helpful)[:ROWS],
        unhelpful=sorted((v for v in votes if v.unhelpful), key=lambda v: v.helpful - v.unhelpful)[:ROWS],
        per_day=store.days(site, days),
        latency=store.latency(site, days),
    )


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as a JSON object."""
    return {**asdict(report), "latency": [{"up_to_ms": bound, "searches": n} for bound, n in report.latency]}
