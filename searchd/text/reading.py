"""What each word of a query may stand for on a site: the same word in its other shapes, or the nearest that there is.

A word that the site knows stands for itself: its stem in the visitor's language and in the site's other languages,
joined with its neighbour ("e mail" ~ "email"), with umlauts written out ("mueller" ~ "müller"), in its parts (German
compounds). Only a word that the site does not know is read as something else: as two words run together, as the
beginning of a longer word (the last word, which may be unfinished), as a slip of the keyboard.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from searchd.text.analysis import JOINED_WEIGHT, Term, analyse
from searchd.text.chunks import Chunk, is_gram
from searchd.text.compounds import COMPOUNDING, split
from searchd.text.normalize import fold, normal, with_digraphs, without_digraphs
from searchd.text.query import Alternative, Origin, QueryTerm
from searchd.text.stopwords import is_stop_word
from searchd.text.vocabulary import Near, Vocabulary

STOP_WORD_WEIGHT = 0.2
OTHER_LANGUAGE_WEIGHT = 0.8  # the stem of a German word by English rules
PART_WEIGHT = 0.4  # "schutz" for "Datenschutz", which the site has too
SPLIT_WEIGHT = 0.7  # "command" and "line" for "commandline", which the site has not
NEIGHBOURS_WEIGHT = 0.8  # "commandline" for "command line"
PREFIX_WEIGHT = 0.6
CORRECTION_WEIGHTS = (0.0, 0.8, 0.6)  # by edits
DOUBT_WEIGHT = 0.6
_MAX_LANGUAGES = 4
_MAX_PREFIXES = 8
_MAX_CORRECTIONS = 3
_MIN_PREFIX = 3
_MIN_SPLIT_PART = 3
_MIN_JOINED = 4
_MAX_DOUBTED_PAGES = 2
_DOUBT_RATIO = 20
_MIN_FOREIGN = 3  # words from which on a language is told surely enough to let unknown words be


def _is_slip(form: str, near: Near, languages: Sequence[str]) -> bool:
    """Whether a nearby word may be meant.

    The first letter is seldom wrong (Kukich 1992, 2.1): "married" is not "carried". A prefix is no slip: "abstellen"
    is not "stellen". Nor is a word a small one ("Wein", "ein"), unless only its letters changed places.
    """
    if sorted(form) != sorted(near.form) and any(is_stop_word(near.form, lang) for lang in languages):
        return False
    if near.distance == 1:
        return form[1:] != near.form[1:]
    return not (form.endswith(near.form) or near.form.endswith(form))


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """Reads chunks in the visitor's language ("" = unknown) with a site's vocabulary at hand."""

    spoken: str
    vocabulary: Vocabulary
    typos: bool = True
    explained: frozenset[str] = frozenset()  # forms that mean something although the site may not have them

    languages: tuple[str, ...] = dataclasses.field(init=False)  # the visitor's, then the site's largest

    def __post_init__(self) -> None:
        wanted = dict.fromkeys((self.spoken, *self.vocabulary.languages) if self.spoken else self.vocabulary.languages)
        object.__setattr__(self, "languages", tuple(wanted)[:_MAX_LANGUAGES] or ("",))

    def terms(self, found: Sequence[Chunk], *, unfinished: bool = False) -> tuple[QueryTerm, ...]:
        """One term for each word, in order, words that occur again left out."""
        terms = [term for chunk in found for term in self._of_chunk(chunk)]
        terms = self._with_neighbours(terms)
        last = len(terms) - 1
        foreign = self.spoken not in ("", *self.vocabulary.languages) and len(terms) >= _MIN_FOREIGN
        read: dict[str, QueryTerm] = {}
        for at, term in enumerate(terms):
            for word in self._settle(term, last=at == last, unfinished=unfinished, foreign=foreign):
                if word.form in read:
                    both = (*read[word.form].alternatives, *word.alternatives)
                    word = replace(read[word.form], alternatives=_distinct(both))
                read[word.form] = word
        return tuple(read.values())

    def alternatives(self, word: str, weight: float, origin: Origin) -> Iterator[Alternative]:
        """The index terms of a word that was not typed, in all languages; those that the site has."""
        for lang in self.languages:
            for term in analyse(word, lang):
                if term.main and self.vocabulary.pages_with_term(term.term):
                    yield Alternative(term.term, weight, origin)

    def _of_chunk(self, chunk: Chunk) -> Iterator[QueryTerm]:
        """The words of a chunk as the languages' analysers see them."""
        analysed = [(lang, term) for lang in self.languages for term in analyse(chunk.text, lang)]
        joined = [t for _, t in analysed if not t.main and t.weight == JOINED_WEIGHT and self._known(t)]
        whole = [Alternative(term.term, JOINED_WEIGHT, "joined") for term in joined]
        words = [term for term in analyse(chunk.text, self.languages[0]) if term.main]
        # an identifier says no language: "on" of "on_delete" is as small a word as it is elsewhere on the site
        spoken = self.spoken or (self.languages[0] if len(words) > 1 else "")
        for word in words:
            text = chunk.text[word.start : word.end]
            typed = [self._typed(lang, t) for lang, t in analysed if t.main and (t.start, t.end) == word[1:3]]
            yield QueryTerm(
                text=text,
                form=word.form,
                alternatives=_distinct([*typed, *whole]),
                start=chunk.start + word.start,
                end=chunk.start + word.end,
                weight=STOP_WORD_WEIGHT if is_stop_word(word.form, spoken) else 1.0,
            )

    def _known(self, term: Term) -> bool:
        return self.vocabulary.pages_with_term(term.term) > 0

    def _typed(self, lang: str, term: Term) -> Alternative:
        own = lang == self.languages[0]
        return Alternative(term.term, 1.0 if own or not self.spoken else OTHER_LANGUAGE_WEIGHT)

    def _with_neighbours(self, terms: list[QueryTerm]) -> list[QueryTerm]:
        """Let two words also be one where the site writes them so: "e mail", "command line"."""
        out = list(terms)
        for at in range(len(out) - 1):
            left, right = out[at], out[at + 1]
            both = left.form + right.form
            if left.weight < 1 or len(both) < _MIN_JOINED or not both.isalpha() or is_gram(left.text):
                continue
            one = list(self.alternatives(both, NEIGHBOURS_WEIGHT, "joined"))
            for place, term in ((at, left), (at + 1, right)):
                out[place] = replace(term, alternatives=_distinct([*term.alternatives, *one]))
        return out

    def _settle(self, term: QueryTerm, *, last: bool, unfinished: bool, foreign: bool) -> Iterator[QueryTerm]:
        """Add what else the word may be; drop nothing that was typed."""
        more = list(self._other_spellings(term))
        pages = max((self.vocabulary.pages_with_term(a.term) for a in (*term.alternatives, *more)), default=0)
        if pages:
            more += self._parts(term)
        if not pages and term.form in self.explained:
            yield term
            return
        if last and (unfinished or not pages):
            more += self._longer(term)
        if more:
            term = replace(term, alternatives=_distinct([*term.alternatives, *more]))
        if foreign or (more and pages):
            yield term
        elif more:  # unknown, but the beginning of a longer word: perhaps a slip all the same
            slips = [word for word in self._near(term.form) if word.distance == 1]
            more += self._corrections(slips, CORRECTION_WEIGHTS[1])
            yield replace(term, alternatives=_distinct([*term.alternatives, *more]))
        elif pages:
            yield self._doubted(term, pages)
        else:
            yield from self._unknown(term)

    def _other_spellings(self, term: QueryTerm) -> Iterator[Alternative]:
        """ä typed as ae or a, and the other way round; accents left out."""
        word = normal(term.text, self.spoken)
        forms = {without_digraphs(term.form), fold(with_digraphs(word)), term.form}
        for form in sorted(forms):
            if self.vocabulary.pages_with(form):
                shown = self.vocabulary.display(form)
                if shown != word:
                    yield from self.alternatives(shown, 1.0 if form == term.form else 0.9, "spelling")

    def _parts(self, term: QueryTerm) -> Iterator[Alternative]:
        if self.spoken in COMPOUNDING:
            for part in split(term.form, self.vocabulary.pages_with):
                yield from self.alternatives(self.vocabulary.display(part), PART_WEIGHT, "compound")

    def _longer(self, term: QueryTerm) -> Iterator[Alternative]:
        if len(term.form) >= _MIN_PREFIX and not is_gram(term.text):
            for form in self.vocabulary.starting_with(term.form, _MAX_PREFIXES):
                yield from self.alternatives(self.vocabulary.display(form), PREFIX_WEIGHT, "prefix")

    def _unknown(self, term: QueryTerm) -> Iterator[QueryTerm]:
        """A word that the site does not have: a slip of one letter, two words run together, a slip of two."""
        near = self._near(term.form)
        if near and near[0].distance == 1:
            yield self._corrected(term, near)
            return
        parts = split(term.form, self.vocabulary.pages_with, min_part=_MIN_SPLIT_PART)
        for part in parts:
            found = list(self.alternatives(self.vocabulary.display(part), SPLIT_WEIGHT, "split"))
            yield replace(term, form=part, alternatives=_distinct([*term.alternatives, *found]))
        if not parts:
            yield self._corrected(term, near) if near else term

    def _doubted(self, term: QueryTerm, pages: int) -> QueryTerm:
        """A word on a page or two may be the site's own slip when a word one letter apart is all over the site."""
        if pages > _MAX_DOUBTED_PAGES or self.vocabulary.pages_with(term.form) != pages:
            return term
        near = [word for word in self._near(term.form) if word.distance == 1 and word.pages >= _DOUBT_RATIO * pages]
        more = self._corrections(near, DOUBT_WEIGHT)
        return replace(term, alternatives=_distinct([*term.alternatives, *more]))

    def _near(self, form: str) -> list[Near]:
        """The site's nearest words, all at the same distance. Numbers and short words are not guessed."""
        edits = allowed_edits(form)
        if not self.typos or not edits or is_gram(form):
            return []
        found = self.vocabulary.near(form, edits, _MAX_CORRECTIONS)
        near = [word for word in found if _is_slip(form, word, self.languages)]
        return [word for word in near if word.distance == near[0].distance]

    def _corrected(self, term: QueryTerm, near: Sequence[Near]) -> QueryTerm:
        found = self._corrections(near, CORRECTION_WEIGHTS[near[0].distance])
        return replace(
            term,
            form=near[0].form,
            alternatives=_distinct([*term.alternatives, *found]),
            corrected_from=term.text,
        )

    def _corrections(self, near: Sequence[Near], weight: float) -> list[Alternative]:
        """The terms of the nearest words; the rarer of them count less."""
        return [
            alternative
            for word in near
            for alternative in self.alternatives(
                self.vocabulary.display(word.form), weight * math.sqrt(word.pages / near[0].pages), "correction"
            )
        ]


def allowed_edits(form: str) -> int:
    """How many slips a word may hold: none up to 3 letters or with a digit in it, 1 up to 7 letters, then 2."""
    if len(form) <= 3 or not form.isalpha():
        return 0
    return 1 if len(form) <= 7 else 2


def _distinct(alternatives: Sequence[Alternative]) -> tuple[Alternative, ...]:
    """Each term once, at its greatest weight, in order of appearance."""
    best: dict[str, Alternative] = {}
    for alternative in alternatives:
        if alternative.term not in best or alternative.weight > best[alternative.term].weight:
            best[alternative.term] = alternative
    return tuple(best.values())
