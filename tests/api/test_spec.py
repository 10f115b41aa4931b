"""The OpenAPI document, the routes and the real answers agree."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from searchd.api.endpoint import Endpoint
from searchd.api.endpoints import build, search_params
from searchd.api.errors import ApiError
from searchd.api.openapi import statuses_of
from searchd.api.params import Param, from_json_body, from_query_string
from searchd.settings import ApiSettings
from tests.api.conftest import ADMIN, MakeApp
from tests.api.shelf import HOST, ShelfLive

PAGES = {"/", "/search", "/docs", "/widget.js", "/favicon.ico", "/static/{name}"}
FERRY = f"{HOST}/ferry"


@pytest.fixture
def spec(client: FlaskClient) -> Any:
    return client.get("/openapi.json").get_json()


@pytest.fixture
def unlimited(make_app: MakeApp) -> FlaskClient:
    return make_app(rate_address="", rate_feedback="").test_client()


_VALIDATORS: dict[str, Draft202012Validator] = {}


def validator(spec: Any, schema: Any) -> Draft202012Validator:
    """Return the (kept: references are slow to resolve) validator of a schema of the document."""
    if str(schema) not in _VALIDATORS:
        _VALIDATORS[str(schema)] = Draft202012Validator({**schema, "components": spec["components"]})
    return _VALIDATORS[str(schema)]


def test_the_document_lists_exactly_the_routes(app: Flask, spec: Any) -> None:
    routes = {}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        routes[path] = {method.lower() for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    documented = {path: set(operations) for path, operations in spec["paths"].items()}
    assert {path: methods for path, methods in routes.items() if path not in PAGES} == documented
    assert set(routes) >= PAGES


def test_every_schema_is_valid_and_every_reference_leads_somewhere(spec: Any) -> None:
    for schema in spec["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for name in re.findall(r"#/components/schemas/(\w+)", str(spec)):
        assert name in spec["components"]["schemas"]


def test_the_document_tells_every_error_and_its_headers(app: Flask, spec: Any) -> None:
    for endpoint in app.extensions["echolot"].endpoints:
        for method in endpoint.methods:
            responses = spec["paths"][endpoint.path][method.lower()]["responses"]
            assert {str(status) for status in statuses_of(endpoint, method)} <= set(responses)
            for status in ("429", "503"):
                if status in responses:
                    assert "Retry-After" in responses[status]["headers"]


CALLS = [
    ("GET", "/api/v1/search", {"q": "harbour", "facets": "1", "explain": "1"}),
    ("GET", "/api/v1/search", {"q": "nothing at all like it"}),
    ("POST", "/api/v1/search", {"q": "ferry"}),
    ("GET", "/api/v1/suggest", {"q": "m"}),
    ("GET", "/api/v1/answer", {"q": "ferry"}),
    ("GET", "/api/v1/similar", {"url": FERRY}),
    ("GET", "/api/v1/recommend", {"url": FERRY}),
    ("POST", "/api/v1/recommend", {"url": [FERRY]}),
    ("GET", "/api/v1/random", {"limit": "3"}),
    ("GET", "/api/v1/pages/{page}", {"page": "0"}),
    ("GET", "/api/v1/pages", {"url": FERRY}),
    ("GET", "/api/v1/summary", {"url": FERRY}),
    ("POST", "/api/v1/feedback", {"url": FERRY, "helpful": True}),
    ("POST", "/api/v1/click", {"q": "ferry", "url": FERRY}),
    ("POST", "/api/v1/admin/reload", {}),
    ("GET", "/api/v1/admin/snapshots", {}),
    ("GET", "/api/v1/admin/report", {}),
    ("GET", "/healthz", {}),
    ("GET", "/readyz", {}),
    ("GET", "/openapi.json", {}),
]


def send(client: FlaskClient, method: str, path: str, values: dict[str, Any]) -> Any:
    headers = {"X-Api-Key": ADMIN} if "/admin/" in path else {}
    if "{page}" in path:
        rest = {name: value for name, value in values.items() if name != "page"}
        return client.get(path.replace("{page}", quote(values["page"], safe="")), query_string=rest, headers=headers)
    if method == "POST":
        return client.post(path, json=values, headers=headers)
    return client.get(path, query_string=values, headers=headers)


@pytest.mark.parametrize(("method", "path", "values"), CALLS)
def test_real_answers_fit_their_schemas(
    client: FlaskClient, spec: Any, method: str, path: str, values: dict[str, Any]
) -> None:
    response = send(client, method, path, values)
    described = spec["paths"][path][method.lower()]["responses"][str(response.status_code)]
    assert response.status_code < 300
    validator(spec, described["content"]["application/json"]["schema"]).validate(response.get_json())
    assert set(described["headers"]) <= set(response.headers.keys())


def test_every_json_answer_is_among_those_checked(spec: Any) -> None:
    checked = {(method.lower(), path) for method, path, _ in CALLS}
    for path, operations in spec["paths"].items():
        for method in operations:
            assert (method, path) in checked or path == "/metrics"


def test_errors_fit_their_schema(client: FlaskClient, spec: Any, live: ShelfLive) -> None:
    schema = {"$ref": "#/components/schemas/Error"}
    for path in ("/api/v1/search", "/api/v1/pages/77", "/nowhere", "/api/v1/admin/report"):
        validator(spec, schema).validate(client.get(path).get_json())
    live.shelves["town"] = None
    validator(spec, {"$ref": "#/components/schemas/Status"}).validate(client.get("/readyz").get_json())


def requests_to(endpoint: Endpoint) -> st.SearchStrategy[tuple[str, str, dict[str, str]]]:
    """Requests with anything under known and unknown names: valid, nearly valid and absurd."""
    names = st.sampled_from([*(param.name for param in endpoint.params), "unknown"])
    texts = st.text(max_size=30) | st.sampled_from(["1", "0", "true", "de", "2026-02-30", "html", "/a", FERRY, "ferry"])
    usual = {name: value for name, value in (("q", "ferry"), ("url", FERRY), ("page", "7")) if _takes(endpoint, name)}
    values = st.dictionaries(names, texts, max_size=4).map(lambda found: usual | found)
    return st.tuples(st.just(endpoint.name), st.sampled_from(endpoint.methods), values)


def _takes(endpoint: Endpoint, name: str) -> bool:
    return any(param.name == name for param in endpoint.params)


PUBLIC = {one.name: one for one in build(ApiSettings()) if one.scope in ("search", "feedback")}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.one_of(*[requests_to(endpoint) for endpoint in PUBLIC.values()]))
def test_no_request_makes_the_daemon_fail_or_answer_out_of_shape(
    unlimited: FlaskClient, spec: Any, asked: tuple[str, str, dict[str, str]]
) -> None:
    name, method, values = asked
    endpoint = PUBLIC[name]
    response = send(unlimited, method, endpoint.path, values)
    described = spec["paths"][endpoint.path][method.lower()]["responses"]
    assert response.status_code < 500
    assert str(response.status_code) in described
    schema = described[str(response.status_code)]["content"]["application/json"]["schema"]
    validator(spec, schema).validate(response.get_json())


def values_of(param: Param) -> st.SearchStrategy[tuple[str, Any]]:
    texts = st.text(max_size=12) | st.sampled_from(["en", "de-AT", "2026-01-31", "2026-02-31", "html", "hybrid", "/x"])
    one = texts | st.booleans() | st.integers(-2, 1200)
    return st.tuples(st.just(param.name), st.lists(one, max_size=3) if param.many else one)


@settings(max_examples=300, deadline=None)
@given(given_=st.one_of(*[values_of(param) for param in search_params(ApiSettings())]))
def test_what_a_schema_allows_is_accepted_and_what_it_forbids_is_not(given_: tuple[str, Any]) -> None:
    name, value = given_
    params = {known.name: known for known in search_params(ApiSettings())}
    param = params[name]
    schema = Draft202012Validator(param.schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    others = {} if param.name == "q" else {"q": "ferry"}
    try:
        from_json_body(params, {**others, param.name: value})
        accepted = True
    except ApiError:
        accepted = False
    assert accepted == schema.is_valid(value)


def test_a_query_string_and_a_body_mean_the_same(make_app: MakeApp) -> None:
    params = {param.name: param for param in search_params(make_app().extensions["echolot"].settings.api)}
    texts = [("q", ["a b"]), ("limit", ["7"]), ("facets", ["1"]), ("tag", ["x", "y"]), ("from", ["2026-01-31"])]
    body = {"q": "a b", "limit": 7, "facets": True, "tag": ["x", "y"], "from": "2026-01-31"}
    assert from_query_string(params, texts) == from_json_body(params, body)
