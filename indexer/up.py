"""``./echolot up``: index a site (the demo site when none is named) and serve its search, in one command."""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from indexer.demo.server import DemoServer
from searchd import __main__ as daemon
from searchd import cli, config
from searchd.app import create_app
from searchd.errors import ConfigError, EcholotError
from searchd.index import snapshot
from searchd.live import Live
from searchd.serve import listen

DEMO_PORT = 8766
DEMO_QUESTIONS = ("How long do people wait for a permanent place for their yacht?", "Wo kann ich mein Auto abstellen?")


def main(argv: list[str] | None = None) -> int:
    """Index, then serve until interrupted; return the exit status."""
    parser = argparse.ArgumentParser(prog="echolot up", description=__doc__)
    parser.add_argument("--url", default="", help="the site's address (default: the demo site)")
    parser.add_argument("--port", type=int, default=8765, help="port of the search page (default: 8765)")
    parser.add_argument("--data", default="data", help="folder for crawl state and snapshots (default: data)")
    parser.add_argument("--once", action="store_true", help="index, answer a question over HTTP and end")
    args = parser.parse_args(argv)
    return cli.end(lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    _need_free(args.port)
    with _demo(args.port) if not args.url else contextlib.nullcontext(args.url) as url:
        site = config.site_name(url)
        status = subprocess.run(
            [sys.executable, "-m", "indexer", "run", "--url", url, "--data", args.data], check=False
        ).returncode
        if status and not _served(Path(args.data) / site):
            return status
        if args.once:
            return _ask_once(args, site)
        print(f"\n  Search page:  http://127.0.0.1:{args.port}/", flush=True)
        print(f"  The site:     {url}\n  Ctrl-C ends it.\n", flush=True)
        return daemon.main(["--data", args.data, "--port", str(args.port), "--set", f"server.site={site}"])


@contextlib.contextmanager
def _demo(port: int) -> Iterator[str]:
    _need_free(DEMO_PORT)
    with DemoServer(port=DEMO_PORT, search_url=f"http://127.0.0.1:{port}") as server:
        yield server.url


def _need_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"port {port} on 127.0.0.1 is taken", "stop the program that has it, or choose another --port"
            ) from error


def _served(folder: Path) -> bool:
    try:
        return bool(snapshot.current(folder))
    except EcholotError:
        return False


def _ask_once(args: argparse.Namespace, site: str) -> int:
    """Start the real daemon, ask it over HTTP and show what it says."""
    settings = config.load(flags={"data": args.data, "server.port": str(args.port), "server.site": site})
    live = Live(settings)
    live.start()
    server = listen(create_app(settings, live), settings.server)
    threading.Thread(target=server.run, daemon=True).start()
    for question in DEMO_QUESTIONS:
        address = f"http://127.0.0.1:{args.port}/api/v1/search?limit=1&q={urllib.parse.quote(question)}"
        with urllib.request.urlopen(address, timeout=30) as response:
            best = json.load(response)["results"][:1]
        print(f"{question}\n   -> {best[0]['title']}  {best[0]['url']}" if best else f"{question}\n   -> nothing")
    live.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
