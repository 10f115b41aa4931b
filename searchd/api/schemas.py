"""JSON Schemas (draft 2020-12) of every answer. A test checks real answers against them.

Objects are closed (``additionalProperties: false``): a field that is missing here fails that test.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
LINK: Schema = {"type": "string", "description": 'http or https address, or ""'}
SPANS: Schema = {
    "type": "array",
    "description": "[start, end) in Unicode code points of the text",
    "items": {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2},
}


def ref(name: str) -> Schema:
    """Return a reference to a schema of this module."""
    return {"$ref": f"#/components/schemas/{name}"}


def many(item: Schema) -> Schema:
    """Return an array of items."""
    return {"type": "array", "items": item}


def closed(about: str = "", /, optional: Schema | None = None, **properties: Schema) -> Schema:
    """Return an object with exactly these properties, and perhaps the optional ones."""
    head: Schema = {"type": "object"} | ({"description": about} if about else {})
    everything = {**properties, **(optional or {})}
    return {**head, "properties": everything, "required": list(properties), "additionalProperties": False}


_ABOUT_PAGE = {
    "url": LINK,
    "title": TEXT,
    "description": TEXT,
    "lang": TEXT,
    "type": TEXT,
    "category": TEXT,
    "tags": TEXTS,
    "published": TEXT,
    "modified": TEXT,
    "image": LINK,
}
_SECTION_PATH = closed(headings=TEXTS, anchor=TEXT)
_QUERY_COUNT = closed(q=TEXT, lang=TEXT, n=COUNT, empty=COUNT, doubtful=COUNT, clicks=COUNT)
_VOTES = closed(url=TEXT, helpful=COUNT, unhelpful=COUNT)

SCHEMAS: dict[str, Schema] = {
    "Error": closed(
        "What every error looks like.",
        error=closed(
            code={**TEXT, "description": "for programs"},
            message={**TEXT, "description": "what is wrong"},
            hint={**TEXT, "description": "what to do about it"},
        ),
    ),
    "Snippet": closed("An excerpt as plain text.", text=TEXT, highlights=SPANS),
    "Section": closed(headings=TEXTS, anchor=TEXT, link=LINK, score=NUMBER, snippet=ref("Snippet")),
    "Evidence": closed(
        "One term of a score: share = weight x normalised.",
        name=TEXT,
        raw=NUMBER,
        normalised=NUMBER,
        weight=NUMBER,
        share=NUMBER,
        note=TEXT,
    ),
    "Result": closed(
        "One page with its best sections.",
        optional={"evidence": many(ref("Evidence"))},
        page=COUNT,
        link={**LINK, "description": "the address of the best section"},
        score=NUMBER,
        confidence={**NUMBER, "description": "probability that the page is relevant"},
        section=_SECTION_PATH,
        snippet=ref("Snippet"),
        sections=many(ref("Section")),
        **_ABOUT_PAGE,
    ),
    "SearchAnswer": closed(
        optional={
            "facets": {
                "type": "object",
                "additionalProperties": many(closed(value=TEXT, count=COUNT)),
            },
            "notes": TEXTS,
            "timings_ms": {"type": "object", "additionalProperties": NUMBER},
        },
        results=many(ref("Result")),
        total=COUNT,
        took_ms={**NUMBER, "description": "milliseconds that the search took when it was computed"},
        snapshot=TEXT,
        lang={**TEXT, "description": "the language that the query was taken for"},
        nothing_relevant={**FLAG, "description": "true: the results are only the nearest pages"},
        did_you_mean=TEXT,
    ),
    "RandomPages": closed(results=many(ref("Result")), snapshot=TEXT),
    "Suggestions": closed(
        suggestions=many(
            closed(
                text=TEXT, url=LINK, kind={"type": "string", "enum": ["title", "heading", "query"]}, highlights=SPANS
            )
        ),
        snapshot=TEXT,
    ),
    "Answers": closed(
        answers=many(closed(text=TEXT, url=LINK, link=LINK, title=TEXT, section=_SECTION_PATH, confidence=NUMBER)),
        snapshot=TEXT,
    ),
    "PageAnswer": closed(
        page=COUNT,
        keyphrases={**TEXTS, "description": "automatic tags"},
        summary={**TEXTS, "description": "the most central sentences of the page, verbatim, in its order"},
        author=TEXT,
        headings=many(closed(headings=TEXTS, anchor=TEXT, link=LINK)),
        words=COUNT,
        reading_time_s=COUNT,
        snapshot=TEXT,
        **_ABOUT_PAGE,
    ),
    "Summary": closed(page=COUNT, url=LINK, title=TEXT, summary=TEXTS, tags=TEXTS, keyphrases=TEXTS, snapshot=TEXT),
    "Counted": closed(status={"const": "counted"}),
    "Health": closed(status={"const": "ok"}),
    "Status": closed(
        optional={"error": closed(code=TEXT, message=TEXT, hint=TEXT)},
        status={"type": "string", "enum": ["ready", "not ready"]},
        sites=many(
            closed(
                site=TEXT,
                snapshot=TEXT,
                pages=COUNT,
                passages=COUNT,
                created_at=TEXT,
                loaded_at=TEXT,
                error={**TEXT, "description": 'why the newest snapshot is not served, "" when it is'},
            )
        ),
    ),
    "Snapshots": closed(
        site=TEXT,
        served=TEXT,
        current=TEXT,
        snapshots=many(closed(id=TEXT, created_at=TEXT, pages=COUNT, passages=COUNT, bytes=COUNT)),
    ),
    "Report": closed(
        site=TEXT,
        days=COUNT,
        searches=COUNT,
        without_result=COUNT,
        without_relevant=COUNT,
        clicks=COUNT,
        top=many(_QUERY_COUNT),
        empty=many(_QUERY_COUNT),
        unclicked=many(_QUERY_COUNT),
        helpful=many(_VOTES),
        unhelpful=many(_VOTES),
        per_day=many(closed(day=TEXT, searches=COUNT, empty=COUNT, clicks=COUNT)),
        latency=many(closed(up_to_ms=COUNT, searches=COUNT)),
    ),
    "OpenApi": {"type": "object", "required": ["openapi", "info", "paths"]},
}
