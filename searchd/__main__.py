"""The daemon's command line: ``searchd`` serves, ``searchd query "..."`` answers once."""

from __future__ import annotations

import argparse
import json
import logging
import sys

import msgspec

from searchd import cli
from searchd.app import create_app
from searchd.errors import SnapshotError
from searchd.garbage import settle
from searchd.live import Live
from searchd.processes.pool import pool_of
from searchd.query import Answer, Query
from searchd.serve import serve
from searchd.settings import Settings

log = logging.getLogger("searchd")


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(
        prog="searchd",
        description="Serve search results of the snapshots that the indexer publishes.",
        epilog="example: searchd --data ./data --port 8765\n\n" + cli.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cli.common(top)
    top.add_argument("--host", help="address to listen on (setting: server.host)")
    top.add_argument("--port", type=int, help="port to listen on, 0 picks a free one (setting: server.port)")
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND")
    verbs.add_parser("serve", help="serve (what happens without a command)")
    query = verbs.add_parser("query", help='answer one question: searchd query "opening hours"')
    query.add_argument("text")
    query.add_argument("--site", default="", help="name of the site (default: the first)")
    query.add_argument("--limit", type=int, default=5, help="pages to show (default: 5)")
    query.add_argument("--lang", default="", help="language of the visitor (default: the question's)")
    query.add_argument("--explain", action="store_true", help="show how each score came about")
    query.add_argument("--json", action="store_true", help="print JSON")
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the daemon or one of its commands; return the exit status."""
    args = parser().parse_args(argv)
    return cli.end(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    settings = cli.settings(args, server__host=args.host, server__port=args.port)
    if args.verb == "query":
        return _query(args, settings)
    live = Live(settings, pool=pool_of(settings), settle=settle)
    live.start()
    for status in live.status():
        if not status.snapshot_id:
            log.warning("%s: no snapshot yet; serving starts when the indexer publishes one", status.site)
    if not live.sites():
        log.warning("no site in %s yet; run `indexer run --url URL --data %s`", settings.data, settings.data)
    try:
        serve(create_app(settings, live), settings.server)
    finally:
        live.stop()
    return 0


def _query(args: argparse.Namespace, settings: Settings) -> int:
    live = Live(settings)
    sites = live.sites()
    if not sites:
        raise SnapshotError(f"no site in {settings.data}", "run `indexer run --url URL` first, or name --data")
    live.open_scorers()
    live.look(args.site or sites[0])
    answer = live.engine(args.site or sites[0]).search(
        Query(args.text, limit=args.limit, lang=args.lang, explain=args.explain)
    )
    if args.json:
        print(json.dumps(msgspec.to_builtins(answer), ensure_ascii=False, indent=2))
    else:
        _show(answer)
    return 0


def _show(answer: Answer) -> None:
    if answer.nothing_relevant:
        print("Nothing on this site seems to answer that." + (" The nearest pages:" if answer.hits else ""))
    if answer.did_you_mean:
        print(f"Did you mean: {answer.did_you_mean}")
    for number, hit in enumerate(answer.hits, 1):
        best = hit.sections[0]
        anchor = f"#{best.anchor}" if best.anchor else ""
        print(f"\n{number}. {hit.title}  ({hit.confidence:.0%})\n   {hit.url}{anchor}")
        if best.headings:
            print("   " + " > ".join(best.headings))
        print("   " + _marked(best.snippet.text, best.snippet.highlights))
        for item in hit.evidence:
            print(
                f"     {item.share:+.4f} = {item.weight:.3f} x {item.normalised:.4f}  {item.name}"
                f" (raw {item.raw:.4f}){'  ' + item.note if item.note else ''}"
            )
    print(f"\n{answer.total} pages, {answer.took_ms:.1f} ms, snapshot {answer.snapshot}")


def _marked(text: str, highlights: tuple[tuple[int, int], ...]) -> str:
    on, off = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    pieces, at = [], 0
    for start, end in highlights:
        pieces += [text[at:start], on, text[start:end], off]
        at = end
    return " ".join("".join([*pieces, text[at:]]).split())


if __name__ == "__main__":
    sys.exit(main())
