"""Responses per CPU second of a crawl without extraction, beside the floor that the HTTP client alone sets.

    python -m benchmarks crawl --root FOLDER            (serves the folder by nginx on loopback)
    python -m benchmarks crawl --url http://127.0.0.1:8000/index.html
    python -m benchmarks crawl --root FOLDER --pipeline (from nothing to published: what each stage costs)

Each round crawls into a fresh state, then a second time (conditional requests), then asks for the same addresses with
the bare client. CPU is this process's alone; the best and the median round are printed, since a busy machine only adds.
With --pipeline, one run into an empty folder: seconds and shares per stage, extraction's worker processes included.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp

from indexer.crawl import crawl
from indexer.pipeline import Pipeline
from indexer.state import State
from searchd import logs
from searchd.index import snapshot
from searchd.settings import CrawlSettings, ModelSettings, Settings, SiteSettings

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  types {{ text/html html htm; text/css css; application/javascript js; image/png png; application/pdf pdf; }}
  default_type text/plain; charset utf-8; access_log off; keepalive_requests 100000;
  gzip on; # as Debian configures it
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def main(argv: Sequence[str]) -> int:
    """Measure, print a table, and return 0; 2 when nginx is needed and missing."""
    options = _options(argv)
    if options.url:
        facts = _measure(options.url, options)
    elif shutil.which("nginx") is None:
        print("nginx is not installed: install it, or serve the folder yourself and give --url", file=sys.stderr)
        return 2
    else:
        with _nginx(options.root.resolve(), options.port) as origin:
            facts = _measure(f"{origin}/{options.start}", options)
    print("\n".join(f"{name:<34} {value}" for name, value in facts.items()))
    if options.json:
        options.json.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks crawl", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--root", type=Path, help="folder to serve by nginx")
    where.add_argument("--url", help="start page of a site that is served already, on loopback")
    parser.add_argument("--start", default="index.html", help="start page below --root")
    parser.add_argument("--port", type=int, default=8929)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pipeline", action="store_true", help="crawl, extract, embed, publish: seconds per stage")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="for --pipeline")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    return parser.parse_args(argv)


@contextlib.contextmanager
def _nginx(root: Path, port: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "nginx.conf")
        config.write_text(NGINX.format(folder=folder, root=root, port=port), encoding="utf-8")
        with subprocess.Popen(["nginx", "-e", f"{folder}/error.log", "-c", str(config)]) as server:
            try:
                time.sleep(0.5)
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()


def _measure(url: str, options: argparse.Namespace) -> dict[str, float]:
    return (
        _run_pipeline(url, options.model) if options.pipeline else _facts([_round(url) for _ in range(options.rounds)])
    )


def _run_pipeline(url: str, model: str) -> dict[str, float]:
    site = SiteSettings(url=url, name="benchmark", model=ModelSettings(name=model))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=folder)
        logs.configure(settings.log)
        pipeline = Pipeline(settings, site)
        identifier = pipeline.run()
        published = snapshot.read_manifest(pipeline.folder.root / "snapshots" / identifier).facts
    spent = pipeline.watch.spent
    cpu_s, wall_s = (sum(getattr(each, kind) for each in spent.values()) for kind in ("cpu_s", "wall_s"))
    facts = {"pages": published["pages"], "passages": published["passages"]}
    facts |= {"CPU s": round(cpu_s, 2), "wall s": round(wall_s, 2)}
    for stage, each in spent.items():
        facts[f"{stage}: CPU s"] = round(each.cpu_s, 2)
        facts[f"{stage}: wall s"] = round(each.wall_s, 2)
        facts[f"{stage}: share of the CPU"] = round(each.cpu_s / cpu_s, 3)
        facts[f"{stage}: share of the wall"] = round(each.wall_s / wall_s, 3)
    return facts


def _round(url: str) -> dict[str, float]:
    site = SiteSettings(url=url, name="benchmark")
    with tempfile.TemporaryDirectory() as folder, State(Path(folder, "crawl.sqlite")) as state:
        first, first_s = _timed(site, state)
        _, second_s = _timed(site, state)
        addresses = [page.url for page in state.pages()]
    began = time.process_time()
    asyncio.run(_bare(addresses))
    floor_s = time.process_time() - began
    return {"requests": first, "first_s": first_s, "second_s": second_s, "floor_s": floor_s}


def _timed(site: SiteSettings, state: State) -> tuple[int, float]:
    began = time.process_time()
    report = crawl(site, CrawlSettings(), state)
    return report.requests, time.process_time() - began


async def _bare(addresses: Sequence[str]) -> None:
    """Ask for each address with the client alone, eight at once."""
    queue = list(addresses)

    async def worker(session: aiohttp.ClientSession) -> None:
        while queue:
            async with session.get(queue.pop(), allow_redirects=False) as answer:
                await answer.read()

    async with aiohttp.ClientSession(auto_decompress=False) as session:
        await asyncio.gather(*(worker(session) for _ in range(8)))


def _facts(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    requests = rounds[0]["requests"]
    rates = [requests / each["first_s"] for each in rounds]
    return {
        "responses": requests,
        "responses per CPU second, best": round(max(rates), 1),
        "responses per CPU second, median": round(statistics.median(rates), 1),
        "the client alone, best": round(requests / min(each["floor_s"] for each in rounds), 1),
        "CPU of the crawl / client alone": round(statistics.median(e["first_s"] / e["floor_s"] for e in rounds), 2),
        "second run / first run, CPU": round(statistics.median(e["second_s"] / e["first_s"] for e in rounds), 3),
        "peak memory, MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
