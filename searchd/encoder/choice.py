"""Which model a site gets when the setting says ``auto``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ENGLISH = "all-MiniLM-L6-v2"
MULTILINGUAL = "multilingual-e5-small"

# a language on fewer pages than this is a stray page or a wrong guess of the detector
_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Choice:
    """A model's name and, for people, why it was chosen."""

    name: str
    reason: str


def _primary(tag: str) -> str:
    return tag.replace("_", "-").split("-")[0].strip().lower()


def page_shares(pages: Mapping[str, int] | Sequence[str]) -> dict[str, float]:
    """Primary language -> share of the pages whose language is known, the most frequent first.

    ``pages`` maps language tags to numbers of pages, or lists them (each then counts alike).
    """
    counts: dict[str, int] = {}
    for tag, count in pages.items() if isinstance(pages, Mapping) else ((tag, 1) for tag in pages):
        if _primary(tag) and count > 0:
            counts[_primary(tag)] = counts.get(_primary(tag), 0) + count
    total = sum(counts.values())
    return {tag: count / total for tag, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}


def choose(name: str, pages: Mapping[str, int] | Sequence[str], visitors: Sequence[str] = ()) -> Choice:
    """Decide for a model: ``name`` itself unless it is "auto", else by the languages of pages and visitors.

    English alone gets all-MiniLM-L6-v2, which is better and twice as fast there; every other case, an unknown
    language included, gets multilingual-e5-small.
    """
    if name != "auto":
        return Choice(name, "set by model.name")
    shares = page_shares(pages)
    languages = {tag for tag, share in shares.items() if share >= _SHARE}
    people = {_primary(tag) for tag in visitors if _primary(tag)}
    described = ", ".join(f"{tag} {share:.0%}" if share >= 0.01 else f"{tag} <1%" for tag, share in shares.items())
    asked = ", ".join(sorted(people)) or "as the pages, for languages is not set"
    facts = f"pages: {described or 'language unknown'}; visitors: {asked}"
    if languages | people == {"en"}:
        return Choice(ENGLISH, f"English alone ({facts})")
    return Choice(MULTILINGUAL, f"not English alone ({facts})")
