"""The endpoint that serves the OpenAPI document."""

from __future__ import annotations

from searchd.api.endpoint import Call, Json
from searchd.api.openapi import document


def openapi(call: Call) -> Json:
    """Return the OpenAPI document of this daemon, with its sites and limits."""
    return document(call.api.endpoints, call.api.live.sites(), call.api.gatekeeper)
