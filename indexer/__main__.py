"""The indexer's command line, made for cron."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from indexer import interrupt, judgement, models, report
from indexer.lock import site_lock
from indexer.pipeline import Pipeline
from searchd import cli, config
from searchd.errors import ConfigError
from searchd.index import snapshot
from searchd.settings import Settings, SiteSettings

log = logging.getLogger("indexer")
_INTERRUPTED = 130  # what cli.end makes of a KeyboardInterrupt
Verb = Callable[[argparse.Namespace, Settings, SiteSettings], int]


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(
        prog="indexer",
        description="Crawl a website and publish a snapshot that searchd serves.",
        epilog="example: indexer run --url https://www.example.org/ --data ./data\n\n" + cli.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for name, help_text in VERBS.items():
        verb = verbs.add_parser(name, help=help_text, description=help_text)
        cli.common(verb)
        verb.add_argument("--site", metavar="NAME", help="only this [[site]] (default: each of them)")
        verb.add_argument("--url", help="a site that no [[site]] describes: where its crawl starts")
        if name in ("run", "publish"):
            verb.add_argument("--force", action="store_true", help="publish although the guard refuses")
        if name == "build":
            verb.add_argument("--always", action="store_true", help="build although nothing changed")
        if name == "rollback":
            verb.add_argument("--to", default="", metavar="ID", help="serve this snapshot (default: the one before)")
        if name in ("status", "snapshots"):
            verb.add_argument("--json", action="store_true", help="print JSON")
        if name == "eval":
            verb.add_argument("--snapshot", default="", metavar="ID", help="this one (default: staged, else served)")
        if name == "explain-url":
            verb.add_argument("page", metavar="URL", help="the page in question")
            verb.add_argument("--query", default="", help="why it is or is not in the results of this question")
    model = verbs.add_parser("model", help="list, prepare or verify models")
    cli.common(model)
    models.add_parser(model)
    return top


VERBS = {
    "run": "crawl, build and publish: the line for cron",
    "crawl": "fetch what is new or changed",
    "build": "make a snapshot of what was fetched, without publishing it",
    "publish": "put the built snapshot in service",
    "rollback": "serve an older snapshot",
    "status": "what is served, what the last crawl did, what is wrong",
    "snapshots": "the published snapshots",
    "diff": "what the next publish would add, change and remove",
    "validate": "try the settings on the real site without keeping anything",
    "eval": "score a snapshot with the site's golden questions, beside the served one",
    "tune": "learn ranking weights from golden questions, clicks and votes, kept only if they win",
    "explain-url": "why a page is missing, stale or present",
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status (see --help)."""
    args = parser().parse_args(argv)
    return cli.end(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    settings = cli.settings(args)
    if args.verb == "model":
        return models.run(args, settings)
    worst = 0
    with interrupt.as_ctrl_c():
        for site in _sites(args, settings):
            status = cli.end(lambda site=site: _HANDLERS[args.verb](args, settings, site))  # type: ignore[misc]
            worst = max(worst, status)
            if status == _INTERRUPTED:
                break  # the person, or the machine that goes down, means all sites
    return worst


def _sites(args: argparse.Namespace, settings: Settings) -> list[SiteSettings]:
    """Return the sites that a command is about: --url, --site, all configured ones, or those in the data folder."""
    if args.url:
        return [config.adhoc_site(settings, args.url)]
    known = list(settings.site) or _remembered(settings)
    if args.site:
        chosen = [site for site in known if site.name == args.site]
        if not chosen:
            names = ", ".join(site.name for site in known) or "none"
            raise ConfigError(f"no site is named {args.site!r}", f"known: {names}")
        return chosen
    if not known:
        raise ConfigError("no site is configured", "add a [[site]] to config.toml, or name one with --url")
    return known


def _remembered(settings: Settings) -> list[SiteSettings]:
    """Return the sites that were indexed with --url before: their newest manifest holds the address."""
    sites = []
    data = Path(settings.data)
    for folder in sorted(data.iterdir()) if data.is_dir() else []:
        names = snapshot.published(folder)
        if names:
            facts = snapshot.read_manifest(folder / "snapshots" / names[-1]).facts
            sites.append(config.adhoc_site(settings, str(facts["url"])))
    return sites


def _locked(args: argparse.Namespace, settings: Settings, site: SiteSettings) -> int:
    pipeline = Pipeline(settings, site)
    with site_lock(pipeline.folder.root):
        if args.verb == "run":
            pipeline.run(force=args.force)
        elif args.verb == "crawl":
            pipeline.crawl()
        elif args.verb == "build":
            pipeline.build(always=args.always)
        elif args.verb == "publish":
            pipeline.publish(force=args.force)
        else:
            log.info("%s: serving %s", site.name, pipeline.rollback(args.to))
    return 0


def _status(args: argparse.Namespace, settings: Settings, site: SiteSettings) -> int:
    facts = report.status(settings, site)
    print(json.dumps(facts, ensure_ascii=False, indent=2) if args.json else report.status_text(facts))
    return 0


def _snapshots(args: argparse.Namespace, settings: Settings, site: SiteSettings) -> int:
    rows = report.snapshots(settings, site)
    print(json.dumps(rows, ensure_ascii=False, indent=2) if args.json else report.snapshots_text(rows))
    return 0


def _explain(args: argparse.Namespace, settings: Settings, site: SiteSettings) -> int:
    return _print(report.explain_url(settings, site, args.page, args.query))


def _print(lines: list[str]) -> int:
    print("\n".join(lines))
    return 0


_HANDLERS: dict[str, Verb] = {
    **dict.fromkeys(("run", "crawl", "build", "publish", "rollback"), _locked),
    "status": _status,
    "snapshots": _snapshots,
    "explain-url": _explain,
    "diff": lambda _args, settings, site: _print(report.diff(settings, site)),
    "validate": lambda _args, _settings, site: _print(report.validate(site)),
    "eval": lambda args, settings, site: _print(judgement.evaluate(settings, site, args.snapshot)),
    "tune": lambda _args, settings, site: _print(judgement.learn(settings, site)),
}

if __name__ == "__main__":
    sys.exit(main())
