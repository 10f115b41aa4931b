"""The OpenAPI 3.1 document, rendered from the table of endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from searchd.api.auth import Gatekeeper
from searchd.api.endpoint import Endpoint
from searchd.api.errors import STATUSES
from searchd.api.params import Param
from searchd.api.schemas import SCHEMAS, ref

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_REQUEST_ID: Json = {"X-Request-Id": {"description": "names the request in the log", "schema": _TEXT}}
_VALIDATORS: Json = {
    "ETag": {"description": "changes with the snapshot, the settings and the arguments", "schema": _TEXT},
    "Cache-Control": {"description": "how long the answer may be reused", "schema": _TEXT},
}
_RETRY: Json = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}
_ALLOW: Json = {"Allow": {"description": "methods that the address takes", "schema": _TEXT}}
_CHALLENGE: Json = {"WWW-Authenticate": {"description": "how to send the key", "schema": _TEXT}}
_ERROR_HEADERS: dict[int, Json] = {401: _CHALLENGE, 405: _ALLOW, 429: _RETRY, 503: _RETRY}


def document(endpoints: Iterable[Endpoint], sites: Sequence[str], gatekeeper: Gatekeeper) -> Json:
    """Return the document. ``sites`` become the values that the parameter ``site`` may have."""
    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        for method in endpoint.methods:
            paths.setdefault(endpoint.path, {})[method.lower()] = _operation(endpoint, method, sites, gatekeeper)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Echolot",
            "version": version("echolot"),
            "summary": "Semantic site search",
            "description": "Texts are plain text with highlights as offsets in Unicode code points; nothing is markup.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


def _operation(endpoint: Endpoint, method: str, sites: Sequence[str], gatekeeper: Gatekeeper) -> Json:
    operation: Json = {
        "operationId": endpoint.name + ("_post" if method == "POST" and endpoint.get else ""),
        "summary": endpoint.summary,
        "responses": _responses(endpoint, method),
    }
    if endpoint.description:
        operation["description"] = endpoint.description
    if endpoint.scope is not None:
        operation["tags"] = [endpoint.scope]
        schemes: list[Json] = [{"bearer": []}, {"header": []}]
        operation["security"] = [{}, *schemes] if gatekeeper.is_public(endpoint.scope) else schemes
    if method == "GET":
        operation["parameters"] = [_parameter(param, endpoint, sites) for param in endpoint.params]
    else:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _body(endpoint, sites)}},
        }
    return operation


def _schema(param: Param, sites: Sequence[str]) -> Json:
    if param.name == "site" and sites:
        return {"type": "string", "enum": list(sites)}
    return param.schema()


def _parameter(param: Param, endpoint: Endpoint, sites: Sequence[str]) -> Json:
    in_path = f"{{{param.name}}}" in endpoint.path
    described: Json = {
        "name": param.name,
        "in": "path" if in_path else "query",
        "description": param.help,
        "required": param.required,
        "schema": _schema(param, sites),
    }
    if param.many:
        described |= {"style": "form", "explode": True}
    if param.example is not None:
        described["example"] = [param.example] if param.many else param.example
    return described


def _body(endpoint: Endpoint, sites: Sequence[str]) -> Json:
    return {
        "type": "object",
        "properties": {param.name: {**_schema(param, sites), "description": param.help} for param in endpoint.params},
        "required": [param.name for param in endpoint.params if param.required],
        "additionalProperties": False,
    }


def statuses_of(endpoint: Endpoint, method: str) -> list[int]:
    """Return every error status that the endpoint can answer with."""
    found = {405, 500, *endpoint.statuses}
    if endpoint.params:
        found |= {400}
    if any(param.name == "site" for param in endpoint.params):
        found |= {404}
    if endpoint.scope is not None:
        found |= {401, 403, 429}
    if endpoint.engine or endpoint.scope == "admin":
        found |= {503}
    if method == "POST":
        found |= {413, 415}
    return sorted(found)


def _responses(endpoint: Endpoint, method: str) -> Json:
    headers = _REQUEST_ID | (_VALIDATORS if endpoint.cached and method == "GET" else {})
    good: Json = {"description": endpoint.summary, "headers": headers, "content": {}}
    for kind in endpoint.content_types:
        good["content"][kind] = {"schema": ref(endpoint.schema) if kind == "application/json" else _TEXT}
    responses: Json = {str(endpoint.success): good}
    if endpoint.cached and method == "GET":
        responses["304"] = {"description": "The answer that the caller has is still right.", "headers": headers}
    for status in statuses_of(endpoint, method):
        shape = "Status" if endpoint.schema == "Status" and status == 503 else "Error"
        responses[str(status)] = {
            "description": STATUSES[status][1],
            "headers": _REQUEST_ID | _ERROR_HEADERS.get(status, {}),
            "content": {"application/json": {"schema": ref(shape)}},
        }
    return responses
