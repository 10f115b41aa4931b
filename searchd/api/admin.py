"""The operator's endpoints. They need a key with the scope ``admin``."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from flask import render_template

from searchd import report as reports
from searchd.api.endpoint import Call, Json, Reply
from searchd.api.serialise import safe_url
from searchd.api.service import readyz, status_of
from searchd.feedback import today
from searchd.index import snapshot

STATIC = Path(__file__).parent.parent / "web" / "static"


def reload(call: Call) -> Json | Reply:
    """Look for new snapshots now, also at those refused before."""
    call.api.live.reload(call.args["site"] or "")
    return readyz(call)


def snapshots(call: Call) -> Json:
    """List the published snapshots of a site, oldest first."""
    folder = Path(call.api.settings.data) / call.site
    served = {str(one["site"]): str(one["snapshot"]) for one in status_of(call)}
    return {
        "site": call.site,
        "served": served.get(call.site, ""),
        "current": snapshot.current(folder),
        "snapshots": [describe(folder, identifier) for identifier in snapshot.published(folder)],
    }


def describe(site: Path, identifier: str) -> Json:
    """Return what a snapshot says of itself. Raises SnapshotError when its manifest cannot be read."""
    manifest = snapshot.read_manifest(site / "snapshots" / identifier)
    return {
        "id": identifier,
        "created_at": str(manifest.facts.get("created_at", "")),
        "pages": int(manifest.facts.get("pages", 0)),
        "passages": int(manifest.facts.get("passages", 0)),
        "bytes": sum(size for size, _ in manifest.files.values()),
    }


def report(call: Call) -> Json | Reply:
    """Return what visitors asked, opened and found helpful."""
    made = reports.make(call.api.feedback, call.site, call.args["days"])
    if call.args["format"] == "json":
        return reports.to_json(made)
    css = (STATIC / "report.css").read_text(encoding="utf-8")
    page = render_template(
        "report.html",
        css=css,
        report=made,
        days=reports.day_plot(made, today()),
        latency=reports.latency_plot(made),
        safe_url=safe_url,
    )
    # The page holds its style, so that it can be saved and sent; the policy allows exactly that style.
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Reply(page.encode(), "text/html; charset=utf-8", headers={"Content-Security-Policy": policy})
