"""Health, metrics and documents about the service itself."""

from __future__ import annotations

import datetime
import json

from searchd.api.endpoint import Call, Json, Reply
from searchd.api.errors import body_of
from searchd.api.metrics import CONTENT_TYPE


def healthz(_call: Call) -> Json:
    """The process is alive; nothing else is looked at."""
    return {"status": "ok"}


def status_of(call: Call) -> list[Json]:
    """Return what is served, per site."""
    return [
        {
            "site": one.site,
            "snapshot": one.snapshot_id,
            "pages": one.pages,
            "passages": one.passages,
            "created_at": one.created_at,
            "loaded_at": _iso(one.loaded_at),
            "error": one.error,
        }
        for one in call.api.live.status()
    ]


def _iso(seconds: float) -> str:
    if not seconds:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def readyz(call: Call) -> Json | Reply:
    """200 while at least one site is served; the newest snapshot's trouble stands in the body, in both cases."""
    sites = status_of(call)
    if any(site["snapshot"] for site in sites):
        return {"status": "ready", "sites": sites}
    reason = next((str(site["error"]) for site in sites if site["error"]), "nothing was published yet")
    error = body_of(503, f"no snapshot is served: {reason}", "run `indexer run`", "snapshot")
    body = {"status": "not ready", "sites": sites, **error.payload()}
    return Reply(json.dumps(body, ensure_ascii=False).encode(), status=503, headers={"Retry-After": "5"})


def metrics(call: Call) -> Reply:
    """Counters for Prometheus."""
    call.api.metrics.waiting.set(call.api.gate.waiting)
    return Reply(call.api.metrics.render(), CONTENT_TYPE)
