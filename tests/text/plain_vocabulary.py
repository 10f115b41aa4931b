"""A vocabulary of plain dictionaries: what query parsing asks for, without an index."""

from __future__ import annotations

from collections.abc import Sequence

from searchd.text.analysis import tokens
from searchd.text.distance import edit_distance
from searchd.text.normalize import fold, normal
from searchd.text.vocabulary import Near


class PlainVocabulary:
    def __init__(self, *pages: str, languages: Sequence[str] = ("en",)) -> None:
        self.languages = tuple(languages)
        self.terms: dict[str, int] = {}
        self.forms: dict[str, int] = {}
        self.spelling: dict[str, str] = {}
        for page in pages:
            words = [normal(word) for word in page.split()]
            for form in {fold(word) for word in words}:
                self.forms[form] = self.forms.get(form, 0) + 1
            for term in {token.term for lang in languages for token in tokens(page, lang)}:
                self.terms[term] = self.terms.get(term, 0) + 1
            self.spelling.update({fold(word): word for word in words})

    def pages_with_term(self, term: str) -> int:
        return self.terms.get(term, 0)

    def pages_with(self, form: str) -> int:
        return self.forms.get(form, 0)

    def display(self, form: str) -> str:
        return self.spelling.get(form, form)

    def near(self, form: str, max_distance: int, limit: int) -> list[Near]:
        all_near = [Near(word, edit_distance(form, word, max_distance), pages) for word, pages in self.forms.items()]
        close = [near for near in all_near if 0 < near.distance <= max_distance]
        return sorted(close, key=lambda near: (near.distance, -near.pages, near.form))[:limit]

    def starting_with(self, prefix: str, limit: int) -> list[str]:
        longer = [form for form in self.forms if form.startswith(prefix) and form != prefix]
        return sorted(longer, key=lambda form: (-self.forms[form], form))[:limit]
