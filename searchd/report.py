"""The report of what visitors asked, opened and found helpful: the numbers, and the geometry of its plots.

Pure given the store. ``templates/report.html`` draws it; there is no markup here.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a plot, in the plot's own units; ``front`` is the height of the part that is drawn over it."""

    label: str
    value: int
    x: float
    width: float
    height: float
    front: float = 0.0
    front_value: int = 0
    tick: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """A bar chart of ``width`` x ``height`` units; ``rules`` are (height, label) of its horizontal lines."""

    width: float
    height: float
    bars: tuple[Bar, ...]
    rules: tuple[tuple[float, str], ...]


def nice_top(value: int) -> int:
    """Return the smallest of 4, 10, 20, 50, 100 ... that is not below the value."""
    if value <= 4:
        return 4
    rounds = (step * int(f"1{'0' * zeros}") for zeros in itertools.count(1) for step in (1, 2, 5))
    return next(number for number in rounds if number >= value)


def plot(rows: Sequence[tuple[str, int, int]], width: float = 480, height: float = 150, ticks: int = 8) -> Plot:
    """Return a bar chart of (label, value, value of the front part); about ``ticks`` bars carry their label."""
    top = nice_top(max((value for _, value, _ in rows), default=0))
    step = width / max(len(rows), 1)
    every = max(1, -(-len(rows) // ticks))
    bars = tuple(
        Bar(
            label=label,
            value=value,
            x=round(i * step + step * 0.12, 2),
            width=round(step * 0.76, 2),
            height=round(height * value / top, 2),
            front=round(height * front / top, 2),
            front_value=front,
            tick=i % every == 0,
        )
        for i, (label, value, front) in enumerate(rows)
    )
    return Plot(width, height, bars, tuple((height * share, str(round(top * share))) for share in (0.0, 0.5, 1.0)))


def day_plot(report: Report, today: str) -> Plot:
    """Return searches per day with clicks in front; days without any are drawn as such."""
    counts = {row.day: row for row in report.per_day}
    last = datetime.date.fromisoformat(today)
    days = [(last - datetime.timedelta(days=n)).isoformat() for n in reversed(range(report.days))]
    known = [(day, counts.get(day, DayCount(day, 0, 0, 0))) for day in days]
    return plot([(day[5:], row.searches, min(row.clicks, row.searches)) for day, row in known])


def latency_plot(report: Report) -> Plot:
    """Return searches by milliseconds."""
    names = [f"≤ {bound}" if bound < 1_000_000 else "> 1000" for bound, _ in report.latency]
    return plot([(name, n, 0) for name, (_, n) in zip(names, report.latency, strict=True)], ticks=12)
