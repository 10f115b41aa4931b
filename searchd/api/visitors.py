"""What visitors tell: a page was helpful, a result was opened. Counted, without anything about the visitor."""

from __future__ import annotations

from searchd.api.endpoint import Call, Json
from searchd.api.search import primary, unknown_page, without_fragment
from searchd.feedback import SearchNote


def _known_url(call: Call) -> str:
    """Return the indexed page's own address, so that nobody can have foreign addresses stored."""
    url = without_fragment(call.args["url"])
    found = call.index.page_by_url(url)
    if found is None:
        raise unknown_page(url)
    return found.url


def feedback(call: Call) -> Json:
    """Count a vote."""
    call.api.feedback.note_vote(call.site, _known_url(call), call.args["helpful"])
    return {"status": "counted"}


def click(call: Call) -> Json:
    """Count an opened result."""
    args = call.args
    url = _known_url(call)
    if call.api.settings.api.query_log:
        call.api.feedback.note_click(call.site, args["q"], url, args["position"])
        if args["typing"]:
            note = SearchNote(call.site, primary(args["lang"]), args["q"], empty=False, doubtful=False)
            call.api.feedback.note_search(note)
    return {"status": "counted"}
