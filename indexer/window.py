"""The time of day in which a site may be crawled. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from searchd.errors import ConfigError

_FORM: Final = re.compile(r"\s*(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)\s*")


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` to ``end``, minutes of the local day; equal = always; may pass midnight."""

    start: int = 0
    end: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``22:00-06:00``; empty = always. Raises ConfigError."""
        if not text.strip():
            return cls()
        found = _FORM.fullmatch(text)
        if found is None or int(found[1]) > 24 or int(found[3]) > 24 or int(found[2]) > 59 or int(found[4]) > 59:
            raise ConfigError(f"crawl.window: {text!r} is no time window", "write it like 22:00-06:00")
        return cls(int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4]))

    def open_at(self, when: float) -> bool:
        """Whether a moment (seconds since 1970) lies in the window, in local time."""
        if self.start == self.end:
            return True
        clock = datetime.fromtimestamp(when)
        minute = clock.hour * 60 + clock.minute
        if self.start < self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end
