"""The endpoint that answers a question with sentences of the site, verbatim."""

from __future__ import annotations

from searchd.api import serialise
from searchd.api.endpoint import Call, Json
from searchd.api.search import primary
from searchd.query import Query


def answer(call: Call) -> Json:
    """Return sentences that answer the question, most confident first; none when nothing answers it."""
    query = Query(text=call.args["q"].strip(), lang=primary(call.args["lang"]))
    found = [
        {
            "text": one.text,
            "url": serialise.safe_url(one.url),
            "link": serialise.deep_link(one.url, one.anchor),
            "title": one.title,
            "section": {"headings": list(one.headings), "anchor": one.anchor},
            "confidence": round(float(one.confidence), 5),
        }
        for one in call.index.answer(query)
    ]
    return {"answers": found, "snapshot": call.index.snapshot_id}
