"""The operator's endpoints. They need a key with the scope ``admin``."""

from __future__ import annotations

from pathlib import Path

from searchd import report as reports
from searchd.api.endpoint import Call, Json, Reply
from searchd.api.service import readyz, status_of
from searchd.index import snapshot


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
    if call.args["format"] == "html":
        return Reply(reports.html(made).encode(), "text/html; charset=utf-8")
    return reports.to_json(made)
