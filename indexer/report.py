"""What ``indexer status``, ``snapshots`` and ``explain-url`` print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from indexer import explain
from indexer.cache import Cache
from indexer.state import State
from searchd.errors import EcholotError
from searchd.index import snapshot
from searchd.index.opened import Index
from searchd.settings import Settings, SiteSettings

Facts = dict[str, Any]


def status(settings: Settings, site: SiteSettings) -> Facts:
    """Return what is served, what the last crawl did and what is wrong, as JSON values."""
    root = Path(settings.data) / site.name
    facts: Facts = {"site": site.name, "url": site.url, "snapshot": "", "problems": []}
    try:
        facts["snapshot"] = snapshot.current(root)
        if facts["snapshot"]:
            manifest = snapshot.open_snapshot(root, facts["snapshot"]).manifest.facts
            facts |= {
                key: manifest[key]
                for key in ("created_at", "pages", "passages", "languages", "model")
                if key in manifest
            }
    except EcholotError as error:
        facts["problems"].append(str(error))
    if not (root / "crawl.sqlite").is_file():
        facts["problems"].append("never crawled: run `indexer run`")
        return facts
    cache = Cache(root / "crawl.sqlite")
    crawl = cache.get_fact("crawl_report")
    cache.close()
    if crawl:
        facts["crawl"] = crawl
        facts["problems"] += crawl.get("problems", [])
    with State(root / "crawl.sqlite") as state:
        facts["documents"] = state.counts()
    return facts


def status_text(facts: Facts) -> str:
    """Return the status for people."""
    model = facts.get("model", {})
    lines = [
        f"site       {facts['site']}  {facts['url']}",
        f"serving    {facts['snapshot'] or 'nothing yet'}",
    ]
    if "pages" in facts:
        languages = ", ".join(f"{name or '?'} {count}" for name, count in facts.get("languages", {}).items())
        lines += [
            f"           {facts['pages']} pages, {facts['passages']} passages, built {facts['created_at']}",
            f"languages  {languages}",
            f"model      {model.get('name')} ({model.get('reason')})",
        ]
    if "documents" in facts:
        lines.append(f"known      {facts['documents']}")
    lines += [f"problem    {problem}" for problem in facts["problems"]]
    return "\n".join(lines)


def snapshots(settings: Settings, site: SiteSettings) -> list[Facts]:
    """Return the published snapshots, newest first, with what their manifests say."""
    root = Path(settings.data) / site.name
    served = snapshot.current(root)
    rows: list[Facts] = []
    for identifier in reversed(snapshot.published(root)):
        row: Facts = {"id": identifier, "served": identifier == served, "error": ""}
        try:
            manifest = snapshot.read_manifest(root / "snapshots" / identifier)
            row |= {key: manifest.facts[key] for key in ("pages", "passages", "created_at", "model")}
            row["bytes"] = sum(size for size, _ in manifest.files.values())
        except EcholotError as error:
            row["error"] = str(error)
        rows.append(row)
    return rows


def snapshots_text(rows: list[Facts]) -> str:
    """Return the table of snapshots for people."""
    lines = []
    for row in rows:
        mark = "*" if row["served"] else " "
        if row["error"]:
            lines.append(f"{mark} {row['id']}  {row['error']}")
        else:
            counts = f"{row['pages']} pages  {row['passages']} passages  {row['bytes'] / 1e6:.1f} MB"
            lines.append(f"{mark} {row['id']}  {counts}  {row['model']['name']}")
    return "\n".join(lines) or "no snapshot yet"


def explain_url(settings: Settings, site: SiteSettings, url: str, query: str = "") -> list[str]:
    """Say why a page is missing, stale or present, from the crawl to the served snapshot, in sentences."""
    root = Path(settings.data) / site.name
    if not (root / "crawl.sqlite").is_file():
        return ["never crawled: run `indexer run`"]
    with State(root / "crawl.sqlite") as state:
        lines = explain.crawl_facts(state, url, site, site.crawl)
    served = snapshot.current(root)
    if not served:
        return [*lines, "snapshot: nothing was published yet"]
    opened = snapshot.open_snapshot(root, served)
    folded = opened.manifest.facts.get("folded", {}).get(url)
    if folded:
        lines.append(f"duplicates: its text is the same as that of {folded}, which stands for it")
    index = Index.open(opened.folder)
    page = index.pages.by_url(url)
    if page is None:
        lines.append(f"snapshot: not in {served}")
    else:
        lines.append(
            f"snapshot: in {served} as {page.title!r}, {page.n_passages} passages, language {page.lang or '?'}"
        )
    return lines
