"""Records -> JSON objects. Pure; field by field, so that a new field of a record never leaks unseen.

Texts of indexed pages leave as plain text with offsets: no markup is made or interpreted here. Links leave only
when they are http or https.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from searchd.index.records import Page
from searchd.query import Answer, Evidence, Facet, Hit, SectionHit, Suggestion

Json = dict[str, Any]

# RFC 3986, section 3.5: what a fragment may hold unescaped; '%' because anchors may arrive escaped.
_FRAGMENT = "!$&'()*+,;=:@/?-._~%"
_PLAIN = re.compile(r"[A-Za-z0-9_\-.]+")
_WEB = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Rendered:
    """An answer as it leaves, and what is counted of it."""

    body: bytes  # JSON
    lang: str
    empty: bool
    nothing_relevant: bool
    took_ms: float


def encode(payload: Json) -> bytes:
    """Return JSON in UTF-8; what an index holds of lone surrogates becomes a question mark."""
    try:
        return msgspec.json.encode(payload)  # a tenth of json's time
    except UnicodeEncodeError:
        return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def rendered(found: Answer, sections: int, explain: bool) -> Rendered:
    """Return ``answer`` as JSON."""
    body = encode(answer(found, sections, explain))
    return Rendered(body, found.lang, found.empty, found.nothing_relevant, found.took_ms)


def safe_url(url: str) -> str:
    """Return the URL if a browser may follow it without harm (http, https), else ""."""
    return url if url.startswith(_WEB) or url[:8].lower().startswith(_WEB) else ""


def deep_link(url: str, anchor: str) -> str:
    """Return the address of a section ("" when the page's own address is not http or https)."""
    base = safe_url(url)
    if not base or not anchor:
        return base
    return f"{base}#{anchor if _PLAIN.fullmatch(anchor) else quote(anchor, safe=_FRAGMENT)}"


def _number(value: float) -> float:
    return round(float(value), 5)


def snippet(hit: SectionHit) -> Json:
    """Return the excerpt with highlights as [start, end) in code points."""
    return {"text": hit.snippet.text, "highlights": [[int(a), int(b)] for a, b in hit.snippet.highlights]}


def section(hit: SectionHit, url: str) -> Json:
    """Return one section of a page."""
    return {
        "headings": list(hit.headings),
        "anchor": hit.anchor,
        "link": deep_link(url, hit.anchor),
        "score": _number(hit.score),
        "snippet": snippet(hit),
    }


def evidence(term: Evidence) -> Json:
    """Return one term of a score."""
    return {
        "name": term.name,
        "raw": _number(term.raw),
        "normalised": _number(term.normalised),
        "weight": _number(term.weight),
        "share": _number(term.share),
        "note": term.note,
    }


def hit(found: Hit, sections: int) -> Json:
    """Return one page with its best section on top and at most ``sections`` of them listed."""
    best = found.sections[0]
    body: Json = {
        "page": int(found.page),
        "url": safe_url(found.url),
        "link": deep_link(found.url, best.anchor),
        "title": found.title,
        "score": _number(found.score),
        "confidence": _number(found.confidence),
        "section": {"headings": list(best.headings), "anchor": best.anchor},
        "snippet": snippet(best),
        "sections": [section(one, found.url) for one in found.sections[:sections]],
        "description": found.description,
        "lang": found.lang,
        "type": found.kind,
        "category": found.category,
        "tags": list(found.tags),
        "published": found.published,
        "modified": found.modified,
        "image": safe_url(found.image),
    }
    if found.evidence:
        body["evidence"] = [evidence(term) for term in found.evidence]
    return body


def facets(found: Iterable[Facet]) -> Json:
    """Return facet name -> [{"value", "count"}], most frequent first."""
    return {
        facet.name: [{"value": value, "count": int(count)} for value, count in facet.counts if value] for facet in found
    }


def answer(found: Answer, sections: int = 3, explain: bool = False) -> Json:
    """Return an answer of the engine."""
    body: Json = {
        "results": [hit(one, sections) for one in found.hits],
        "total": int(found.total),
        "took_ms": round(float(found.took_ms), 3),
        "snapshot": found.snapshot,
        "lang": found.lang,
        "nothing_relevant": found.nothing_relevant,
        "did_you_mean": found.did_you_mean,
    }
    if found.facets:
        body["facets"] = facets(found.facets)
    if explain:
        body["notes"] = list(found.notes)
        body["timings_ms"] = {name: round(float(value), 3) for name, value in found.timings_ms}
    return body


def suggestion(found: Suggestion) -> Json:
    """Return one line below the search field."""
    return {
        "text": found.text,
        "url": safe_url(found.url),
        "kind": found.kind,
        "highlights": [[int(a), int(b)] for a, b in found.highlights],
    }


def page(found: Page) -> Json:
    """Return a page's metadata, summary, tags and table of contents."""
    return {
        "page": int(found.page),
        "url": safe_url(found.url),
        "title": found.title,
        "lang": found.lang,
        "description": found.description,
        "type": found.kind,
        "category": found.category,
        "tags": list(found.tags),
        "keyphrases": list(found.keyphrases),
        "summary": list(found.summary),
        "author": found.author,
        "published": found.published,
        "modified": found.modified,
        "image": safe_url(found.image),
        "headings": [
            {"headings": list(path), "anchor": anchor, "link": deep_link(found.url, anchor)}
            for path, anchor in found.headings
        ],
        "words": int(found.n_words),
        "reading_time_s": found.reading_time_s,
    }
