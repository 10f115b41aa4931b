"""What ``indexer status``, ``snapshots`` and ``explain-url`` print."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from indexer import explain, judgement
from indexer.cache import Cache
from indexer.crawl import crawl
from indexer.pipeline import CONTENTS
from indexer.state import State
from indexer.trial import try_names
from searchd.encoder import ENGLISH
from searchd.engine import Engine
from searchd.errors import EcholotError
from searchd.feedback import FEEDBACK_FILE, FeedbackStore
from searchd.index import snapshot
from searchd.query import Query
from searchd.settings import Settings, SiteSettings

Facts = dict[str, Any]
_MAX_SHOWN = 5  # broken links, and unread pages, that are shown to people
_FOREIGN_SHARE = 0.05  # of the questions in languages that the model does not speak, from which it is worth a line


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
        facts["broken_links"] = explain.broken_links(state)
        facts["unread"] = explain.unread(state)
    facts["problems"] += _unspoken(settings, site, facts)
    return facts


def _unspoken(settings: Settings, site: SiteSettings, facts: Facts) -> list[str]:
    """Say when visitors ask in a language that the model does not speak."""
    if facts.get("model", {}).get("name") != ENGLISH:
        return []
    asked = FeedbackStore(Path(settings.data) / FEEDBACK_FILE).queries(site.name)
    foreign = Counter({row.lang: row.n for row in asked if row.lang not in ("", "en")})
    if foreign.total() < _FOREIGN_SHARE * sum(row.n for row in asked) or not foreign:
        return []
    names = ", ".join(f"{lang} ({count})" for lang, count in foreign.most_common(3))
    return [f"visitors ask in {names}, the model speaks English only: add these to `languages` of the site"]


def diff(settings: Settings, site: SiteSettings) -> list[str]:
    """Say what the next publish would add (+), change (~) and remove (-), from what was crawled last."""
    root = Path(settings.data) / site.name
    if not (root / "crawl.sqlite").is_file():
        return ["never crawled: run `indexer crawl`"]
    with State(root / "crawl.sqlite") as state:
        now = {document.url: document.content_hash for document in state.documents(bodies=False)}
    served = snapshot.current(root)
    before: dict[str, str] = {}
    if served:
        folder = root / "snapshots" / served
        snapshot.verify(folder, snapshot.read_manifest(folder, any_format=True))
        before = json.loads((folder / CONTENTS).read_bytes())
    lines = [f"+ {url}" for url in sorted(now.keys() - before.keys())]
    lines += [f"~ {url}" for url in sorted(now.keys() & before.keys()) if now[url] != before[url]]
    lines += [f"- {url}" for url in sorted(before.keys() - now.keys())]
    return lines or [f"nothing: {served} holds what was crawled"]


def validate(site: SiteSettings) -> list[str]:
    """Try the settings on the real site: reach its start page, read its questions. Raises what a run would raise."""
    try_names(site)
    lines = [f"{site.name}: settings are in order"]
    with tempfile.TemporaryDirectory() as folder, State(Path(folder) / "crawl.sqlite") as state:
        found = crawl(site, dataclasses.replace(site.crawl, max_pages=1), state)
    robots = "robots.txt allows it" if found.robots_ok else "robots.txt could not be read, so nothing may be fetched"
    lines.append(f"{site.url} answers; {robots}")
    if site.ranking.questions:
        lines.append(f"{site.ranking.questions}: {len(judgement.questions(site))} questions")
    return lines


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
        counts = ", ".join(f"{count} {name}" for name, count in facts["documents"].items() if count)
        lines.append(f"crawled    {counts or 'nothing'}")
    lines += _some("broken", "broken links", [f"{url}, linked from {by}" for url, by in facts.get("broken_links", [])])
    lines += _some("unread", "unread pages", [f"{url}: {why}" for url, why in facts.get("unread", [])])
    lines += [f"problem    {problem}" for problem in facts["problems"]]
    return "\n".join(lines)


def _some(name: str, what: str, entries: list[str]) -> list[str]:
    """Lines for the first entries and how many there are besides."""
    lines = [f"{name:<11}{entry}" for entry in entries[:_MAX_SHOWN]]
    if len(entries) > _MAX_SHOWN:
        lines.append(f"           and {len(entries) - _MAX_SHOWN} more {what}: `indexer status --json` lists them")
    return lines


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
        lines.append(f"duplicates: its text is that of {folded}, or of several pages like it, which stand for it")
    with judgement.opened(opened.folder, site) as engine:
        page = engine.page_by_url(url)
        if page is None:
            return [*lines, f"snapshot: not in {served}"]
        language = page.lang or "unknown"
        lines.append(f"snapshot: in {served} as {page.title!r}, {page.n_passages} passages, language {language}")
        return lines + (_standing(engine, url, query) if query else [])


def _standing(engine: Engine, url: str, query: str) -> list[str]:
    """Say where a page stands among the results of a query, and by what evidence."""
    why = engine.why(Query(query), url)
    place = f"number {why.position}" if why.position else "not shown"
    lines = [f"query: {place}, score {why.score:.3f}, confidence {why.confidence:.0%}"]
    lines += [f"query: {reason}" for reason in why.reasons]
    terms = (f"{item.share:+.3f}  {item.name} (raw {item.raw:.3f}, weight {item.weight:.2f})" for item in why.evidence)
    return lines + [f"  {term}" for term in terms]
