"""From a Flask request to an endpoint's handler and back. The same few steps for every endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask import Response, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from searchd.api.auth import Scope
from searchd.api.cache import Entry, etag_matches, etag_of
from searchd.api.context import Api
from searchd.api.endpoint import Call, Endpoint, Json, Reply
from searchd.api.errors import ApiError
from searchd.api.params import Arguments, from_json_body, from_query_string
from searchd.api.params import shown as shown_text
from searchd.api.serialise import encode

CACHE_KEY = "echolot.cache_key"  # WSGI environ: set by the front for requests whose answer may be kept
ENTRY = "echolot.entry"  # WSGI environ: where the entry is left for the front


def view_of(api: Api, endpoint: Endpoint) -> Callable[..., Response]:
    """Return the Flask view of an endpoint."""
    table = {param.name: param for param in endpoint.params}

    def view(**path: str) -> Response:
        if endpoint.scope is not None:
            api.gatekeeper.admit(endpoint.scope, request.environ)
        if request.method == "POST":
            args = from_json_body(table, _json_body())
        else:
            given = [*request.args.lists(), *((name, [value]) for name, value in path.items())]
            args = from_query_string(table, given)
        return _answer(api, endpoint, args)

    return view


def _json_body() -> object:
    if request.mimetype != "application/json":
        raise ApiError(415, f"the body is {shown_text(request.mimetype or 'of no type')}")
    try:
        return json.loads(request.get_data(cache=False), parse_constant=_refuse)
    except (RequestEntityTooLarge, ApiError):
        raise
    except (ValueError, RecursionError, BadRequest) as error:
        raise ApiError(400, "the body is not valid JSON in UTF-8", 'for example {"q": "opening hours"}') from error


def _refuse(constant: str) -> object:
    raise ApiError(400, f"{constant} is not JSON", "use numbers of RFC 8259")


def _answer(api: Api, endpoint: Endpoint, args: Arguments) -> Response:
    site = args.get("site")
    if site is not None and site not in api.live.sites():
        raise ApiError(404, f"no site is named {shown_text(site)}", "see /readyz for the sites", code="unknown_site")
    site = site or ""
    call = Call(api, args, api.site_name(site))
    if endpoint.engine:
        call.engine = api.engine(site)
    if not (endpoint.cached and endpoint.engine and request.method in ("GET", "HEAD")):
        return finish(_handle(api, endpoint, call), endpoint, api, call)
    return _cacheable(api, endpoint, call, site)


def _cacheable(api: Api, endpoint: Endpoint, call: Call, site: str) -> Response:
    key = request.full_path
    etag = etag_of(call.index.snapshot_id, api.fingerprint, endpoint.name, key)
    headers = cache_headers(api, endpoint.scope or "search", etag)
    if etag_matches(request.headers.get("If-None-Match", ""), etag):
        return Response(status=304, headers=headers)
    reply = _handle(api, endpoint, call)
    response = finish(reply, endpoint, api, call)
    response.headers.update(headers)
    if endpoint.scope is not None and response.status_code == 200:
        entry = Entry(response.get_data(), etag, site, call.index.snapshot_id, endpoint.name, endpoint.scope, call.note)
        request.environ[ENTRY] = entry
    return response


def cache_headers(api: Api, scope: Scope, etag: str) -> dict[str, str]:
    """Return the validators of a cacheable answer. What needs a key may be kept by its own browser only."""
    who = "public" if api.gatekeeper.is_public(scope) else "private"
    return {"ETag": etag, "Cache-Control": f"{who}, max-age={api.settings.api.max_age_s}"}


def _handle(api: Api, endpoint: Endpoint, call: Call) -> Json | Reply:
    if not endpoint.gated:
        return endpoint.handler(call)
    with api.gate.enter():
        return endpoint.handler(call)


def finish(reply: Json | Reply, endpoint: Endpoint, api: Api, call: Call) -> Response:
    """Turn what a handler returned into a response, and count a search."""
    if call.note is not None:
        api.count(call.note)
    if isinstance(reply, Reply):
        response = Response(reply.body, reply.status, reply.headers, content_type=reply.content_type)
    else:
        response = Response(encode(reply), endpoint.success, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
