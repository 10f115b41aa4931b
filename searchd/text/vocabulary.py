"""What query parsing needs to know of a site's words. The lexical index implements it; tests use a plain one."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Near(NamedTuple):
    """A word of the site that resembles a word of the query."""

    form: str
    distance: int  # edits: insert, delete, replace, swap of neighbours
    pages: int


class Vocabulary(Protocol):
    """The words of a site. A *form* is a word in lower case without accents, a *term* its stem."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the site's pages, most pages first."""

    def pages_with_term(self, term: str) -> int:
        """Number of pages that hold an index term; 0 when none."""

    def pages_with(self, form: str) -> int:
        """Number of pages that hold a form; 0 when none."""

    def display(self, form: str) -> str:
        """The form as the site mostly writes it, accents included (``form`` itself when unknown)."""

    def near(self, form: str, max_distance: int, limit: int) -> list[Near]:
        """Forms within ``max_distance`` edits, nearest first, then most frequent."""

    def starting_with(self, prefix: str, limit: int) -> list[str]:
        """Forms that start with ``prefix`` and are longer, most frequent first."""
