"""What the owner decides: pages that lead, pages that hide, pages that count a little more or less.

A rule names pages: "/news/*" everything below a path, "/contact" one path, an absolute URL, or "tag:", "category:",
"kind:", "lang:" and a value.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchd.index.pages import Pages
from searchd.settings import RankingSettings

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
_COLUMNS = ("category", "kind", "lang")


@dataclass(frozen=True, slots=True)
class Boost:
    """One rule's effect on every page: (pages,) float32, added to the score."""

    name: str
    values: Floats


@dataclass(frozen=True, slots=True)
class Steer:
    """The owner's rules, worked out for one snapshot.

    visible: (pages,) mask, None = all. idle: the rules that name no page, as "setting: rule".
    """

    visible: Mask | None
    boosts: tuple[Boost, ...]
    pins: dict[str, tuple[int, ...]]
    idle: tuple[str, ...] = ()

    @classmethod
    def of(cls, pages: Pages, settings: RankingSettings, today: int = -1) -> Steer:
        """Look up the pages that each rule names; a rule that names none has no effect.

        today: days since 1970-01-01 when the snapshot was published, -1 = unknown.
        """
        rules = {
            "hide": settings.hide,
            "boosts": tuple(settings.boosts),
            "pins": tuple(itertools.chain(*settings.pins.values())),
        }
        found = {rule: named(pages, rule) for rule in itertools.chain(*rules.values())}
        visible = None
        if settings.hide:
            visible = np.ones(len(pages), dtype=np.bool_)
            visible[np.concatenate([found[rule] for rule in settings.hide])] = False
        boosts = [_boost(len(pages), rule, found[rule], value) for rule, value in settings.boosts.items() if value]
        if settings.freshness:
            boosts.append(_freshness(pages, settings, today))
        pins = {
            plain(query): tuple(dict.fromkeys(page for rule in wanted for page in found[rule].tolist()))
            for query, wanted in settings.pins.items()
        }
        idle = (
            f"ranking.{setting}: {rule}"
            for setting, listed in rules.items()
            for rule in dict.fromkeys(listed)
            if not len(found[rule])
        )
        return cls(visible, tuple(boosts), pins, tuple(idle))

    def pinned(self, text: str) -> tuple[int, ...]:
        """Pages that the owner puts on top of the answer to this query, in their order."""
        return self.pins.get(plain(text), ()) if self.pins else ()


def plain(query: str) -> str:
    """A query as pins compare it: case and white space aside."""
    return " ".join(query.casefold().split())


def named(pages: Pages, rule: str) -> Ints:
    """Numbers of the pages that a rule names, ascending."""
    kind, _, value = rule.partition(":")
    columns = pages.columns
    if kind in _COLUMNS:
        return np.flatnonzero(getattr(columns, kind) == columns.code(kind, value))
    if kind == "tag":
        places = np.flatnonzero(columns.tag == columns.code("tag", value))
        return np.unique(np.searchsorted(columns.tag_start, places, side="right") - 1)
    if rule.endswith("*"):
        return np.sort(pages.below(rule[:-1]))
    page = pages.by_url(rule)
    return np.array(pages.by_path(rule) if page is None else [page.page], dtype=np.int64)


def _boost(n_pages: int, rule: str, pages: Ints, value: float) -> Boost:
    values = np.zeros(n_pages, np.float32)
    values[pages] = value
    return Boost(f"boost {rule}", values)


def _freshness(pages: Pages, settings: RankingSettings, today: int) -> Boost:
    """Ages count from the site's newest page, not from the clock: the same snapshot always ranks alike.

    A page of a day to come (an event) is as fresh as one of the day of publishing, and makes no other one old.
    """
    day = pages.columns.day
    newest = day.max(initial=0) if today < 0 else min(day.max(initial=0), today)
    age = np.maximum(0, newest - day) / max(settings.freshness_half_life_days, 1e-3)
    values = np.where(day >= 0, settings.freshness * np.exp2(-age), 0)
    return Boost("freshness", values.astype(np.float32))
