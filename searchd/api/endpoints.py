"""The table of endpoints: routes, OpenAPI document, documentation page and metrics are all read from it."""

from __future__ import annotations

from typing import Any

from searchd.api import admin, answers, documents, params, search, service, visitors
from searchd.api.endpoint import Endpoint
from searchd.api.params import Param
from searchd.settings import ApiSettings

MAX_URL_CHARS = 2000


def _site() -> Param:
    return Param(
        "site", "which site, where several are served; the first one by default", pattern=params.PLAIN, max_length=100
    )


def _q(settings: ApiSettings, help: str = "the question: words or a whole sentence") -> Param:  # noqa: A002
    return Param(
        "q", help, required=True, pattern=params.TEXT, max_length=settings.max_query_chars, example="opening hours"
    )


def _lang(help: str = "the visitor's language; found out from the text by default") -> Param:  # noqa: A002
    return Param("lang", help, pattern=params.LANG, max_length=35, example="de")


def _limit(settings: ApiSettings, default: int) -> Param:
    return Param(
        "limit",
        "results to return",
        "integer",
        default=min(default, settings.max_limit),
        minimum=1,
        maximum=settings.max_limit,
    )


def _url(help: str = "address of an indexed page") -> Param:  # noqa: A002
    return Param(
        "url", help, required=True, pattern=params.URL, max_length=MAX_URL_CHARS, example="https://www.example.org/"
    )


def _filters() -> tuple[Param, ...]:
    values: dict[str, Any] = {"many": True, "pattern": params.TEXT, "max_length": 200}
    return (
        Param("category", "only pages of these sections of the site", **values, example="news"),
        Param("tag", "only pages with one of these tags", **values),
        Param("type", "only pages of these types", many=True, choices=("html", "pdf")),
        Param("page_lang", "only pages in these languages", many=True, pattern=params.LANG, max_length=35),
        Param(
            "path",
            "only pages whose path begins so",
            pattern="^/[^\\u0000-\\u001f\\u007f-\\u009f]*$",
            max_length=500,
            example="/docs/",
        ),
        Param("from", "only pages of this day or later", pattern=params.DATE, format="date", example="2026-01-31"),
        Param("to", "only pages of this day or earlier", pattern=params.DATE, format="date"),
    )


def search_params(settings: ApiSettings) -> tuple[Param, ...]:
    """Return what a search takes; the search page takes the same."""
    return (
        _q(settings),
        _site(),
        _limit(settings, 10),
        Param("offset", "results to skip", "integer", default=0, minimum=0, maximum=settings.max_offset),
        Param("mode", "which evidence counts", default="hybrid", choices=("hybrid", "semantic", "lexical")),
        _lang(),
        *_filters(),
        Param("sort", "order of the results", default="relevance", choices=("relevance", "date")),
        Param("facets", "count the matching pages by category, tag, type and language", "boolean", default=False),
        Param("sections", "sections of each page to return", "integer", default=3, minimum=1, maximum=10),
        Param("explain", "show how each score came about", "boolean", default=False),
        Param("typing", "the visitor is still typing: leave this search out of the report", "boolean", default=False),
    )


def _answering(settings: ApiSettings) -> tuple[Endpoint, ...]:
    suggest_q = Param("q", "what was typed so far", required=True, pattern=params.TEXT, max_length=200, example="open")
    return (
        Endpoint(
            "search",
            "/api/v1/search",
            search.search,
            "Find pages",
            "SearchAnswer",
            params=search_params(settings),
            post=True,
        ),
        Endpoint(
            "suggest",
            "/api/v1/suggest",
            search.suggest,
            "Complete what a visitor types",
            "Suggestions",
            params=(suggest_q, _site(), _limit(settings, 8), _lang()),
            gated=False,
        ),
        Endpoint(
            "answer",
            "/api/v1/answer",
            answers.answer,
            "Sentences that answer a question, verbatim",
            "Answers",
            params=(_q(settings, "the question"), _site(), _lang()),
        ),
        Endpoint(
            "similar",
            "/api/v1/similar",
            search.similar,
            "Pages like a page",
            "SearchAnswer",
            params=(_url(), _site(), _limit(settings, 5)),
            statuses=(404,),
        ),
        Endpoint(
            "recommend",
            "/api/v1/recommend",
            search.recommend,
            "Pages for a visitor who read these",
            "SearchAnswer",
            params=(
                Param(
                    "url",
                    "addresses of pages that were read, oldest first",
                    many=True,
                    required=True,
                    pattern=params.URL,
                    max_length=MAX_URL_CHARS,
                    example="https://www.example.org/",
                ),
                _site(),
                _limit(settings, 5),
            ),
            post=True,
            statuses=(404,),
            description="The page sends what it knows; nothing about the visitor is stored.",
        ),
        Endpoint(
            "random",
            "/api/v1/random",
            search.random,
            "An article to discover, away from what was seen",
            "RandomPages",
            params=(
                Param("seen", "addresses already seen", many=True, pattern=params.URL, max_length=MAX_URL_CHARS),
                _site(),
                _limit(settings, 1),
                _lang("only pages in this language"),
            ),
            cached=False,
        ),
    )


def _pages() -> tuple[Endpoint, ...]:
    number = Param("page", "a page's number in this snapshot", "integer", required=True, maximum=10**9 - 1)
    sentences = Param("sentences", "sentences to return", "integer", default=3, minimum=1, maximum=10)
    shared: dict[str, Any] = {"statuses": (404,), "gated": False}
    return (
        Endpoint(
            "page",
            "/api/v1/pages/{page}",
            search.page,
            "One page, by number",
            "PageAnswer",
            params=(number, _site()),
            **shared,
        ),
        Endpoint(
            "page_by_url",
            "/api/v1/pages",
            search.page_by_url,
            "One page, by address",
            "PageAnswer",
            params=(_url(), _site()),
            **shared,
        ),
        Endpoint(
            "summary",
            "/api/v1/summary",
            search.summary,
            "A page's own central sentences, and its tags",
            "Summary",
            params=(_url(), _site(), sentences),
            **shared,
        ),
    )


def _telling(settings: ApiSettings) -> tuple[Endpoint, ...]:
    position = Param(
        "position",
        "its place among the results, 0 = first",
        "integer",
        default=0,
        maximum=settings.max_offset + settings.max_limit,
    )
    typing = Param("typing", "its search was sent with typing=1: count that search now", "boolean", default=False)
    helpful = Param("helpful", "whether the page was helpful", "boolean", required=True)
    shared: dict[str, Any] = {
        "scope": "feedback",
        "get": False,
        "post": True,
        "gated": False,
        "cached": False,
        "success": 202,
        "statuses": (404,),
    }
    return (
        Endpoint(
            "feedback",
            "/api/v1/feedback",
            visitors.feedback,
            "Was this article helpful?",
            "Counted",
            params=(_url(), helpful, _site()),
            **shared,
        ),
        Endpoint(
            "click",
            "/api/v1/click",
            visitors.click,
            "A result was opened",
            "Counted",
            params=(_q(settings), _url(), position, _lang(), typing, _site()),
            **shared,
        ),
    )


def _admin() -> tuple[Endpoint, ...]:
    days = Param("days", "days to look back", "integer", default=30, minimum=1, maximum=400)
    kind = Param("format", "json, or html for people", default="json", choices=("json", "html"))
    shared: dict[str, Any] = {"scope": "admin", "engine": False, "gated": False, "cached": False}
    return (
        Endpoint(
            "reload",
            "/api/v1/admin/reload",
            admin.reload,
            "Look for a new snapshot now",
            "Status",
            params=(_site(),),
            get=False,
            post=True,
            **shared,
        ),
        Endpoint(
            "snapshots",
            "/api/v1/admin/snapshots",
            admin.snapshots,
            "Published snapshots",
            "Snapshots",
            params=(_site(),),
            **shared,
        ),
        Endpoint(
            "report",
            "/api/v1/admin/report",
            admin.report,
            "What visitors asked, opened and found helpful",
            "Report",
            params=(days, kind, _site()),
            content_types=("application/json", "text/html"),
            **shared,
        ),
    )


def _service() -> tuple[Endpoint, ...]:
    shared: dict[str, Any] = {"scope": None, "engine": False, "gated": False, "cached": False}
    return (
        Endpoint("healthz", "/healthz", service.healthz, "The process is alive", "Health", **shared),
        Endpoint("readyz", "/readyz", service.readyz, "A snapshot is served", "Status", statuses=(503,), **shared),
        Endpoint(
            "metrics",
            "/metrics",
            service.metrics,
            "Counters for Prometheus",
            "",
            content_types=("text/plain",),
            **shared,
        ),
        Endpoint("openapi", "/openapi.json", documents.openapi, "This document", "OpenApi", **shared),
    )


def build(settings: ApiSettings) -> tuple[Endpoint, ...]:
    """Return the table. Limits in it follow the settings."""
    return (*_answering(settings), *_pages(), *_telling(settings), *_admin(), *_service())
