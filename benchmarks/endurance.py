"""Does it hold? Kill the indexer at random moments; swap snapshots under continuous queries.

    python -m benchmarks endurance --kills 50 --swaps 200 [--json FILE]

Uses the demo site on loopback and folders of its own; prints what failed, which should be nothing.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.load import with_children
from indexer.demo.server import SITE_ROOT, DemoServer
from searchd import config
from searchd.errors import SnapshotError
from searchd.index import snapshot


@dataclass(frozen=True, slots=True)
class Kills:
    """What random kills did."""

    kills: int
    killed_at_work: int  # the others had finished before the signal came
    unreadable_current: int
    failed_recoveries: int


@dataclass(frozen=True, slots=True)
class Swaps:
    """What swaps under load did. RSS of all the daemon's processes in MiB after a tenth of the swaps and at the end."""

    swaps: int
    requests: int
    failed: int
    snapshots_seen: int
    p50_ms: float
    p99_ms: float
    rss_early_mib: float
    rss_late_mib: float


def main(argv: list[str]) -> int:
    """Run both experiments; exit status 1 when anything failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks endurance", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="indexer runs to kill (default: 50)")
    parser.add_argument("--swaps", type=int, default=200, help="snapshots to publish under load (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random moments (default: 1)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        shutil.copytree(SITE_ROOT, site)
        with DemoServer(root=site) as server:
            data = Path(folder) / "data"
            kills = kill_runs(server.url + "/", site, data, args.kills, random.Random(args.seed))
            print(kills, flush=True)
            swaps = swap_under_load(data, config.site_name(server.url), args.swaps)
            print(swaps)
    if args.json:
        args.json.write_text(json.dumps({"kills": asdict(kills), "swaps": asdict(swaps)}, indent=1) + "\n")
    return 1 if kills.unreadable_current or kills.failed_recoveries or swaps.failed else 0


def kill_runs(url: str, site: Path, data: Path, kills: int, rng: random.Random) -> Kills:
    """Kill ``indexer run`` at random moments of its duration; after each, CURRENT must open."""
    command = [sys.executable, "-m", "indexer", "run", "--url", url, "--data", str(data)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    root = data / config.site_name(url)
    at_work = unreadable = failed = 0
    longest = 20.0
    pages = sorted(site.rglob("*.html"))
    for number in range(kills):
        page = rng.choice(pages)
        page.write_text(
            re.sub(r"</main>", f"<p>Edition {number} of this page.</p></main>", page.read_text("utf-8")), "utf-8"
        )
        if number % 10 == 9:
            started = time.monotonic()
            failed += subprocess.run(command, check=False, **quiet).returncode != 0  # type: ignore[call-overload]
            longest = time.monotonic() - started
        with subprocess.Popen(command, **quiet) as run:  # type: ignore[call-overload]
            try:
                run.wait(rng.uniform(0.05, longest))
            except subprocess.TimeoutExpired:
                run.send_signal(signal.SIGKILL)
                at_work += 1
        if served := snapshot.current(root):
            try:
                snapshot.open_snapshot(root, served)
            except SnapshotError as error:
                print(f"after kill {number}: {error}")
                unreadable += 1
    failed += subprocess.run(command, check=False, **quiet).returncode != 0  # type: ignore[call-overload]
    return Kills(kills, at_work, unreadable, failed)


def swap_under_load(data: Path, site: str, swaps: int) -> Swaps:
    """Publish the same snapshot under new ids while two clients ask without pause.

    The daemon keeps few answers, so that what grows is a leak and not a cache that fills.
    """
    root = data / site
    with subprocess.Popen(
        [sys.executable, "-m", "searchd", "--data", str(data), "--port", "0", "--set", "server.swap_interval_s=0.1",
         "--set", "api.cached_answers=64"],
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None  # noqa: S101 - PIPE was asked for
        address = ""
        for line in process.stderr:
            if found := re.search(r"listening on (http://\S+)/", line):
                address = found[1]
                break
        threading.Thread(target=process.stderr.read, daemon=True).start()
        clients = [Client(address, number) for number in range(2)]
        for client in clients:
            client.start()
        early = 0.0
        base = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
        for number in range(swaps):
            served = snapshot.current(root)
            shutil.copytree(root / "snapshots" / served, root / "staged", copy_function=os.link)
            identifier = snapshot.publish(root, root / "staged", base + datetime.timedelta(seconds=number))
            snapshot.prune(root, 3)
            _wait_until_served(address, identifier)
            if number == max(10, swaps // 10):
                early = _rss_mib(process.pid)
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join()
        late = _rss_mib(process.pid)
        process.terminate()
    took = sorted(ms for client in clients for ms in client.took_ms)
    failed = sum(client.failed for client in clients)
    seen = len(set().union(*(client.seen for client in clients)))
    p99 = took[int(len(took) * 0.99)]
    return Swaps(swaps, len(took) + failed, failed, seen, statistics.median(took), p99, early, late)


class Client(threading.Thread):
    """Asks without pause and counts what fails."""

    def __init__(self, address: str, number: int) -> None:
        super().__init__(daemon=True)
        self.address, self.number = address, number
        self.stop = threading.Event()
        self.took_ms: list[float] = []
        self.seen: set[str] = set()
        self.failed = 0

    def run(self) -> None:
        """Ask ever new questions until told to stop."""
        count = 0
        while not self.stop.is_set():
            count += 1
            started = time.perf_counter()
            try:
                with urllib.request.urlopen(
                    f"{self.address}/api/v1/search?q=ferry+{self.number}+{count}", timeout=30
                ) as answer:
                    self.seen.add(json.load(answer)["snapshot"])
            except OSError as error:
                print(f"request failed: {error}")
                self.failed += 1
            else:
                self.took_ms.append((time.perf_counter() - started) * 1000)


def _wait_until_served(address: str, identifier: str) -> None:
    for _ in range(600):
        with urllib.request.urlopen(f"{address}/api/v1/search?q=harbour", timeout=30) as answer:
            if json.load(answer)["snapshot"] == identifier:
                return
        time.sleep(0.05)
    raise TimeoutError(f"{identifier} was not served within 30 s")


def _rss_mib(pid: int) -> float:
    """Of a process and its children."""
    found = [re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{one}/status").read_text()) for one in with_children(pid)]
    return sum(int(rss[1]) for rss in found if rss) / 1024
