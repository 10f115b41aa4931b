"""The endpoints that answer with pages: arguments -> Query -> engine -> JSON."""

from __future__ import annotations

from searchd.api import serialise
from searchd.api.endpoint import Call, Json, Reply
from searchd.api.errors import ApiError
from searchd.api.params import Arguments, shown
from searchd.api.serialise import Rendered
from searchd.errors import QueryError
from searchd.feedback import SearchNote
from searchd.query import Answer, Filters, Query


def query_of(args: Arguments) -> Query:
    """Return the engine's question."""
    filters = Filters(
        category=args["category"],
        tag=args["tag"],
        kind=args["type"],
        lang=tuple(primary(lang) for lang in args["page_lang"]),
        path_prefix=args["path"] or "",
        date_from=args["from"] or "",
        date_to=args["to"] or "",
    )
    return Query(
        text=args["q"].strip(),
        limit=args["limit"],
        offset=args["offset"],
        mode=args["mode"],
        lang=primary(args["lang"]),
        filters=filters,
        sort=args["sort"],
        facets=args["facets"],
        explain=args["explain"],
    )


def primary(lang: str | None) -> str:
    """Return the primary subtag in lower case ("de-AT" -> "de"), as pages and queries carry it."""
    return (lang or "").split("-")[0].lower()


def note_of(site: str, args: Arguments, found: Answer | Rendered) -> SearchNote | None:
    """Return how the search is counted; further pages of one search and half-typed words are not."""
    if args["offset"] or args["typing"]:
        return None
    return SearchNote(site, found.lang, args["q"], found.empty, found.nothing_relevant, found.took_ms)


def search(call: Call) -> Reply:
    """Answer a question with pages."""
    found = call.index.search_json(query_of(call.args), call.args["sections"], call.args["explain"])
    call.note = note_of(call.site, call.args, found)
    return Reply(found.body)


def suggest(call: Call) -> Json:
    """Complete what was typed so far."""
    found = call.index.suggest(call.args["q"], call.args["limit"], primary(call.args["lang"]))
    return {"suggestions": [serialise.suggestion(one) for one in found], "snapshot": call.index.snapshot_id}


def similar(call: Call) -> Json:
    """Find pages like a page."""
    url = without_fragment(call.args["url"])
    try:
        return serialise.answer(call.index.similar(url, call.args["limit"]), sections=1)
    except QueryError as error:
        raise unknown_page(url) from error


def recommend(call: Call) -> Json:
    """Find pages for a visitor who read others."""
    urls = [without_fragment(url) for url in call.args["url"]]
    try:
        return serialise.answer(call.index.recommend(urls, call.args["limit"]), sections=1)
    except QueryError as error:
        raise ApiError(404, "none of these pages is indexed", error.hint, code="unknown_page") from error


def random(call: Call) -> Json:
    """Pick pages to discover."""
    seen = [without_fragment(url) for url in call.args["seen"]]
    hits = call.index.random(seen, call.args["limit"], primary(call.args["lang"]))
    return {"results": [serialise.hit(one, 1) for one in hits], "snapshot": call.index.snapshot_id}


def page(call: Call) -> Json:
    """Describe one page, by number."""
    try:
        found = call.index.page(call.args["page"])
    except KeyError as error:
        raise unknown_page(str(call.args["page"])) from error
    return {**serialise.page(found), "snapshot": call.index.snapshot_id}


def page_by_url(call: Call) -> Json:
    """Describe one page, by address."""
    url = without_fragment(call.args["url"])
    found = call.index.page_by_url(url)
    if found is None:
        raise unknown_page(url)
    return {**serialise.page(found), "snapshot": call.index.snapshot_id}


def summary(call: Call) -> Json:
    """Give a page's own most central sentences."""
    url = without_fragment(call.args["url"])
    found = call.index.page_by_url(url)
    if found is None:
        raise unknown_page(url)
    return {
        "page": int(found.page),
        "url": serialise.safe_url(found.url),
        "title": found.title,
        "summary": list(found.summary[: call.args["sentences"]]),
        "tags": list(found.tags),
        "keyphrases": list(found.keyphrases),
        "snapshot": call.index.snapshot_id,
    }


def without_fragment(url: str) -> str:
    """Return the page's address of a deep link."""
    return url.partition("#")[0]


def unknown_page(what: str) -> ApiError:
    """Return the 404 for a page that is not in the index."""
    return ApiError(404, f"no indexed page is {shown(what, 200)}", "use the url of a result", code="unknown_page")
