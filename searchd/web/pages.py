"""The pages that people see, and the files that they and the widget need."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, render_template, request

from searchd.api.cache import etag_matches
from searchd.api.context import Api
from searchd.api.endpoint import Endpoint
from searchd.api.endpoints import search_params
from searchd.api.errors import ApiError, ErrorBody, body_of_error
from searchd.api.params import Param, from_query_string
from searchd.api.search import note_of, query_of
from searchd.errors import EcholotError, QueryError, SnapshotError
from searchd.query import Hit
from searchd.web.texts import TEXTS
from searchd.web.view import View, href, marked, view_of

STATIC = Path(__file__).parent / "static"
CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS = {"Content-Security-Policy": CSP, "Referrer-Policy": "same-origin"}
DISCOVER = 3


def pages_blueprint(api: Api) -> Blueprint:
    """Return the blueprint of one application."""
    pages = Blueprint("pages", "searchd.web")
    files = {path.name: _File(path) for path in sorted(STATIC.iterdir()) if path.is_file()}
    params = {param.name: param for param in search_params(api.settings.api)}
    pages.add_app_template_filter(marked)
    pages.add_app_template_global(lambda name: f"{name}?v={files[name].etag[3:11]}", "versioned")

    @pages.get("/")
    @pages.get("/search")
    def search_page() -> Response:
        return SearchPage(api, params).respond()

    @pages.get("/docs")
    def documentation() -> Response:
        body = render_template(
            "docs.html",
            lang="en",
            t=TEXTS["en"],
            root=request.host_url.rstrip("/") + request.script_root,
            endpoints=api.endpoints,
            examples={endpoint.name: example_of(endpoint) for endpoint in api.endpoints},
            public=api.settings.api.public_scopes,
            rate=api.settings.api.rate_address,
            version=version("echolot"),
        )
        headers = {**_HEADERS, "Cache-Control": "no-cache"}
        return Response(body, headers=headers, content_type="text/html; charset=utf-8")

    @pages.get("/static/<name>")
    def static_file(name: str) -> Response:
        return files[name].respond() if name in files else abort(404)

    @pages.get("/widget.js")
    def widget() -> Response:
        return files["widget.js"].respond()

    @pages.get("/favicon.ico")
    def favicon() -> Response:
        return files["icon.svg"].respond()

    return pages


class _File:
    """A static file, read once; its tag is the digest of its bytes."""

    def __init__(self, path: Path) -> None:
        self.body = path.read_bytes()
        self.etag = f'W/"{hashlib.sha256(self.body).hexdigest()[:16]}"'
        self.type = {".js": "text/javascript", ".svg": "image/svg+xml"}.get(
            path.suffix, mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        )

    def respond(self) -> Response:
        """Return the file; one asked for by its version may be kept for a year."""
        age = "max-age=31536000, immutable" if request.args.get("v") else "max-age=3600"
        headers = {
            "ETag": self.etag,
            "Cache-Control": f"public, {age}",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if etag_matches(request.headers.get("If-None-Match", ""), self.etag):
            return Response(status=304, headers=headers)
        return Response(self.body, headers=headers, content_type=f"{self.type}; charset=utf-8")


class SearchPage:
    """One request for the search page. Unlike the API it ignores parameters that it does not know."""

    def __init__(self, api: Api, params: Mapping[str, Param]) -> None:
        self._api = api
        self._params = params
        self._lang = page_language()
        self._q = request.args.get("q", "")

    def respond(self) -> Response:
        """Return the page; errors are shown on it, with their status."""
        try:
            self._api.gatekeeper.admit("search", request.environ)
            if not self._q.strip():
                return self._render(discover=self._discover())
            return self._results()
        except SnapshotError as error:
            return self._render(error=body_of_error(error), unready=True)
        except EcholotError as error:
            return self._render(error=body_of_error(error))
        except ApiError as error:
            return self._render(error=error.body, headers=dict(error.headers()))

    def _arguments(self) -> dict[str, Any]:
        given = [(name, values) for name, values in request.args.lists() if name in self._params]
        filled = [(name, [value for value in values if value]) for name, values in given]
        args = from_query_string(self._params, [(name, values) for name, values in filled if values])
        return args | {"facets": True}

    def _results(self) -> Response:
        args = self._arguments()
        site = args["site"] or ""
        try:
            engine = self._api.engine(site)
        except QueryError as error:
            raise ApiError(404, error.message, error.hint, code="unknown_site") from error
        with self._api.gate.enter():
            answer = engine.search(query_of(args))
        if note := note_of(self._api.site_name(site), args, answer):
            self._api.count(note)
        view = view_of(args, answer, self._lang, self._api.settings.api.max_offset)
        return self._render(view=view, args=args)

    def _discover(self) -> list[Hit]:
        """Return a few pages to read, for the page without a question."""
        return list(self._api.engine(request.args.get("site", "")).random((), DISCOVER, self._lang))

    def _render(
        self,
        view: View | None = None,
        args: Mapping[str, Any] | None = None,
        error: ErrorBody | None = None,
        unready: bool = False,
        discover: list[Hit] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        body = render_template(
            "search.html",
            t=TEXTS[self._lang],
            lang=self._lang,
            q=self._q[: self._api.settings.api.max_query_chars],
            view=view,
            args=args or {},
            error=error,
            unready=unready,
            discover=discover or [],
            href=href,
        )
        response = Response(body, error.status if error else 200, content_type="text/html; charset=utf-8")
        response.headers.update({**_HEADERS, "Cache-Control": "no-cache", **(headers or {})})
        response.vary.add("Accept-Language")
        return response


def example_of(endpoint: Endpoint) -> str:
    """Return an address that shows the endpoint at work."""
    path = endpoint.path.replace("{page}", "0")
    pairs = [(param.name, param.example or "") for param in endpoint.params if param.required and param.name != "page"]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def page_language() -> str:
    """Return the language of the page's own words: ``lang`` if it speaks it, else what the browser prefers."""
    asked = request.args.get("lang", "")[:2].lower()
    if asked in TEXTS:
        return asked
    return request.accept_languages.best_match(list(TEXTS), "en") or "en"
