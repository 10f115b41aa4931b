"""The Flask application: API, search page, widget and documents of one daemon."""

from __future__ import annotations

import atexit
import logging
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from searchd.api import endpoints
from searchd.api.auth import Gatekeeper
from searchd.api.cache import AnswerCache
from searchd.api.context import Api, build_gate, settings_fingerprint
from searchd.api.dispatch import view_of
from searchd.api.errors import ApiError, ErrorBody, body_of, body_of_error
from searchd.api.front import REQUEST_ID, Front
from searchd.api.live_protocol import Live
from searchd.api.metrics import Metrics
from searchd.errors import EcholotError
from searchd.feedback import FEEDBACK_FILE, FeedbackStore
from searchd.settings import Settings
from searchd.web.pages import pages_blueprint

log = logging.getLogger("searchd")


def create_app(settings: Settings, live: Live) -> Flask:
    """Build the application. ``app.extensions["echolot"]`` is its ``Api``.

    Raises ConfigError for a key, scope or rate that cannot be read.
    """
    api = Api(
        settings=settings,
        live=live,
        gatekeeper=Gatekeeper(settings.api),
        gate=build_gate(settings),
        cache=AnswerCache(settings.api.cached_answers),
        metrics=Metrics(live),
        feedback=FeedbackStore(Path(settings.data) / FEEDBACK_FILE, keep_days=settings.api.keep_days),
        endpoints=endpoints.build(settings.api),
        fingerprint=settings_fingerprint(settings),
    )
    app = Flask("searchd", static_folder=None, template_folder=str(Path(__file__).parent / "web" / "templates"))
    app.extensions["echolot"] = api
    app.config["MAX_CONTENT_LENGTH"] = settings.api.max_body_bytes
    app.url_map.merge_slashes = False  # an address is right or a 404, never a redirect
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _add_routes(app, api)
    app.register_blueprint(pages_blueprint(api))
    _add_error_handlers(app)
    names = {endpoint.path: endpoint.name for endpoint in api.endpoints}
    inner = Front(app.wsgi_app, api, lambda path: _name_of(names, path))
    hops = settings.server.trusted_proxies
    outer: Any = ProxyFix(inner, x_for=hops, x_proto=hops, x_host=hops, x_prefix=hops) if hops else inner
    app.wsgi_app = outer  # type: ignore[method-assign]
    api.feedback.start()
    atexit.register(api.feedback.close)
    return app


def _add_routes(app: Flask, api: Api) -> None:
    for endpoint in api.endpoints:
        rule = endpoint.path.replace("{page}", "<page>")
        app.add_url_rule(rule, f"api.{endpoint.name}", view_of(api, endpoint), methods=endpoint.methods)


def _name_of(names: dict[str, str], path: str) -> str:
    """Return the endpoint's name for metrics: few values, whatever addresses callers invent."""
    if path.startswith("/api/v1/pages/"):
        return "page"
    if path in ("/", "/search"):
        return "search_page"
    return names.get(path, "other")


def _add_error_handlers(app: Flask) -> None:
    app.register_error_handler(ApiError, _api_error)
    app.register_error_handler(EcholotError, _own_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)


def _api_error(error: ApiError) -> Response:
    headers = dict(error.headers())
    if error.body.status == 401 and request.args.get("format") == "html":
        headers["WWW-Authenticate"] = 'Basic realm="Echolot", charset="UTF-8"'  # a browser asks for the key
    return _respond(error.body, headers)


def _own_error(error: EcholotError) -> Response:
    body = body_of_error(error)
    if body.status >= 500:
        log.error("request %s: %s", request.environ.get(REQUEST_ID), error)
    return _respond(body, {"Retry-After": "5"} if body.status == 503 else {})


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return Response(status=status, headers=dict(error.get_headers()))
    headers = {name: value for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")}
    return _respond(body_of(status), headers)


def _bug(error: Exception) -> Response:
    log.error("request %s failed. This is a bug.", request.environ.get(REQUEST_ID), exc_info=error)
    return _respond(body_of(500))


def _respond(body: ErrorBody, headers: dict[str, str] | None = None) -> Response:
    response = Response(body.encode(), body.status, content_type="application/json")
    response.headers.update({"Cache-Control": "no-store", **(headers or {})})
    return response
