"""Addresses that a crawler can follow for ever: calendars, facets, self-appending paths. Pure but for its counters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from indexer import urls
from searchd.settings import CrawlSettings

_DIGITS: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why an address is not fetched: a short name for counting, a sentence, and the setting that changes it."""

    kind: str
    why: str
    setting: str


class Traps:
    """Judges each address once, when it is first seen, and remembers how many of its kind were let through."""

    def __init__(self, settings: CrawlSettings, known: Iterable[str] = ()) -> None:
        self.settings = settings
        self._seen: Counter[str] = Counter()
        for url in known:
            self._seen.update(patterns(url))

    def judge(self, url: str, depth: int) -> Verdict | None:
        """None when the address may be fetched; ``depth`` is its distance from a start page in links."""
        verdict = self.shape(url) or self._deep(depth) or self.pattern(url)
        if verdict is None:
            self._seen.update(patterns(url))
        return verdict

    def shape(self, url: str) -> Verdict | None:
        """Judge by the address alone."""
        limit = self.settings
        if len(url) > limit.max_url_length:
            why = f"the address has {len(url)} characters (limit {limit.max_url_length})"
            return Verdict("url_length", why, "max_url_length")
        segments = [segment for segment in urls.path(url).partition("?")[0].split("/") if segment]
        if len(segments) > limit.max_path_segments:
            why = f"the path has {len(segments)} folders (limit {limit.max_path_segments})"
            return Verdict("path_segments", why, "max_path_segments")
        if len(segments) >= limit.max_segment_repeats:
            name, times = Counter(segments).most_common(1)[0]
            if times >= limit.max_segment_repeats:
                why = f"the folder {name!r} occurs {times} times in the path (limit {limit.max_segment_repeats})"
                return Verdict("repeated_segments", why, "max_segment_repeats")
        return None

    def pattern(self, url: str) -> Verdict | None:
        """Judge by how many addresses of the same pattern were let through already."""
        for pattern in patterns(url):
            facets = pattern.endswith("?*")
            limit = self.settings.max_facets_per_path if facets else self.settings.max_per_pattern
            if self._seen[pattern] >= limit:
                why = f"{self._seen[pattern]} addresses like {pattern} are known (limit {limit})"
                name = "max_facets_per_path" if facets else "max_per_pattern"
                return Verdict("facets" if facets else "pattern", why, name)
        return None

    def _deep(self, depth: int) -> Verdict | None:
        if depth <= self.settings.max_depth:
            return None
        why = f"{depth} links away from a start page (limit {self.settings.max_depth})"
        return Verdict("depth", why, "max_depth")


def patterns(url: str) -> tuple[str, ...]:
    """The families of an address: numbers as #, values as nothing; plain addresses have none.

    ``/post/17`` -> ``/post/#``; ``/list?page=3`` -> ``/list?page=``; two or more parameters -> ``/list?*``, since
    facets multiply: each combination would be a pattern of its own.
    """
    path, _, query = urls.path(url).partition("?")
    shape = _DIGITS.sub("#", path)
    if not query:
        return (shape,) if "#" in shape else ()
    names = sorted({part.partition("=")[0] for part in query.split("&")})
    return (f"{shape}?{names[0]}=",) if len(names) == 1 else (f"{shape}?*",)
