"""Throughput and latency of the daemon under concurrent clients, over loopback.

    python -m benchmarks load --passages 100000            # builds a corpus of that size, starts a daemon on it
    python -m benchmarks load --url http://127.0.0.1:8765  # measures a daemon that runs

Four phases: distinct questions (nothing is cached, the encoder included), the same at 70 % of the rate reached, or at
``--rate`` (open loop: requests start at fixed times, so a slow answer does not slow the clients down and hides
nothing), repeated questions, and suggestions as they are typed. The clients are one thread with non-blocking sockets on
the same machine: the share of a core that they took is printed, the daemon and its engine processes had the rest.

The built corpus has the word frequencies of this repository's own texts, mixtures of real vectors, and the real encoder
for the questions.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import quote_plus, urlsplit

ROOT = Path(__file__).resolve().parent.parent


@dataclass(slots=True)
class Outcome:
    """What one phase came to. Latencies in milliseconds."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    client_cpu_s: float = 0.0
    daemon_cpu_s: float = 0.0

    @property
    def rate(self) -> float:
        """Answers of status 200 per second."""
        return self.statuses[200] / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency that this share of the answers stayed below."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class _Client:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.buffer = b""
        self.begun = 0.0

    def greet(self, host: str) -> None:
        """Ask for the daemon's health, so that this connection's first answer costs what the others do."""
        self.send(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(), 0.0)
        self.socket.setblocking(True)
        while not self.receive():
            pass
        self.socket.setblocking(False)

    def send(self, request: bytes, begun: float) -> None:
        self.begun = begun
        self.socket.sendall(request)

    def receive(self) -> int:
        """Read what is there; return the status when the answer is complete, else 0."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the daemon closed the connection")
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return 0
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length is None or len(body) < int(length[1]):
            return 0
        self.buffer = b""
        return int(head[9:12])


def with_children(pid: int) -> list[int]:
    """Return the id of a process and those of its children that live, as far as the system tells (proc(5))."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, children.read_text().split())
    return found


def cpu_s(pid: int) -> float:
    """Return the processor time so far of a process and its children that live, 0.0 where the system does not tell.

    proc(5): fields 14 and 15 of stat.
    """
    ticks = 0
    for one in with_children(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def drive(url: str, paths: Iterator[str], seconds: float, connections: int, rate: float = 0.0) -> Outcome:
    """Ask for the paths in turn. ``rate`` 0: as fast as answers come; else that many a second, whatever comes back.

    With a rate, latency counts from when the request was due, not from when a connection was free.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    head = f" HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
    clients = [_Client(host, port) for _ in range(connections)]
    for client in clients:
        client.greet(f"{host}:{port}")
    outcome = Outcome(seconds)
    idle = deque(clients)
    begun, cpu = time.perf_counter(), time.process_time()
    sent = 0
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
        while (now := time.perf_counter()) < begun + seconds:
            while idle and (not rate or begun + sent / rate <= now):
                due = begun + sent / rate if rate else time.perf_counter()
                idle.popleft().send(f"GET {next(paths)}{head}".encode(), due)
                sent += 1
            wait = max(0.0, begun + sent / rate - now) if rate and idle else 0.05
            for key, _ in selector.select(wait):
                if status := key.data.receive():
                    outcome.latencies.append((time.perf_counter() - key.data.begun) * 1000)
                    outcome.statuses[status] += 1
                    idle.append(key.data)
    outcome.client_cpu_s = time.process_time() - cpu
    for client in clients:
        client.socket.close()
    return outcome


def vocabulary() -> list[str]:
    """Return the words of this repository's texts, as often as they stand there."""
    texts = [*ROOT.rglob("*.md"), *(ROOT / "indexer").rglob("*.html"), *(ROOT / "searchd").rglob("*.py")]
    words = [word for path in sorted(texts) for word in re.findall(r"[a-zäöüß]{2,}", path.read_text("utf-8").lower())]
    return [word for word in words if len(word) < 20]


def questions(words: Sequence[str], seed: int) -> Iterator[str]:
    """Yield search paths, each with another question of 2 to 7 words."""
    draw = random.Random(seed)
    for number in range(10**9):
        chosen = [draw.choice(words) for _ in range(draw.randint(2, 6))]
        yield f"/api/v1/search?q={quote_plus(' '.join(chosen))}+{number}"


def typing(words: Sequence[str], seed: int) -> Iterator[str]:
    """Yield suggestion paths as people type: the starts of a few thousand phrases, one letter more each time."""
    draw = random.Random(seed)
    phrases = [" ".join(draw.choice(words) for _ in range(draw.randint(1, 3))) for _ in range(3000)]
    while True:
        phrase = phrases[min(int(draw.paretovariate(0.7)) - 1, len(phrases) - 1)]
        for length in range(1, min(len(phrase), 14) + 1):
            if phrase[:length].strip():
                yield f"/api/v1/suggest?q={quote_plus(phrase[:length])}"


@contextlib.contextmanager
def daemon(data: Path) -> Iterator[tuple[str, int]]:
    """Run the daemon on a data folder; yield its address and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    limits = ["api.rate_address=", "log.level=warning", "server.queue=1000", "server.queue_timeout_s=30"]
    flags = [part for limit in limits for part in ("--set", limit)]
    command = [sys.executable, "-m", "searchd", "--data", str(data), "--port", str(port), *flags]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            raise SystemExit(f"the daemon ended with status {process.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=5):
            return
        time.sleep(0.1)
    raise SystemExit("the daemon was not ready within two minutes")


class Bench:
    """A daemon and how hard it is asked.

    pid: 0 = its processor time is not measured. rate: of the steady phase, questions a second; 0 = 70 % of what it
    reaches.
    """

    def __init__(self, url: str, pid: int, seconds: float, connections: int, rate: float) -> None:
        self._url, self._pid, self._seconds, self._connections = url, pid, seconds, connections
        self._rate = rate
        self._words = vocabulary()

    def run(self) -> dict[str, Outcome]:
        """Run the phases."""
        words = self._words
        drive(self._url, questions(words, 1), min(2.0, self._seconds), self._connections)  # threads, sessions: warm
        found = {"distinct questions": self._phase(questions(words, 2))}
        steady = self._rate or 0.7 * found["distinct questions"].rate
        found["... at a steady rate"] = self._phase(questions(words, 3), 4, steady)
        few = list(islice(questions(words, 4), 100))
        self._phase(cycle(few))
        found["repeated questions"] = self._phase(cycle(few))
        found["suggestions"] = self._phase(typing(words, 5))
        return found

    def _phase(self, paths: Iterator[str], more: int = 1, rate: float = 0.0) -> Outcome:
        before = cpu_s(self._pid) if self._pid else 0.0
        outcome = drive(self._url, paths, self._seconds, self._connections * more, rate)
        outcome.daemon_cpu_s = cpu_s(self._pid) - before if self._pid else 0.0
        return outcome


def show(found: dict[str, Outcome]) -> dict[str, dict[str, float]]:
    """Print a line for each phase; return the figures."""
    columns = ("answers/s", "p50 ms", "p99 ms", "p99/p50", "not 200", "CPU ms each", "clients")
    print(("{:22}" + "{:>13}" * len(columns)).format("", *columns))
    table = {}
    for name, one in found.items():
        p50, p99 = one.percentile(0.5), one.percentile(0.99)
        answers = sum(one.statuses.values())
        row = {
            "per_s": one.rate,
            "p50_ms": p50,
            "p99_ms": p99,
            "p99_by_p50": p99 / p50 if p50 else 0.0,
            "not_200": answers - one.statuses[200],
            "cpu_ms": 1000 * one.daemon_cpu_s / max(1, answers),
            "client_cores": one.client_cpu_s / one.seconds,
        }
        print("{:22}{:13.0f}{:13.2f}{:13.2f}{:13.2f}{:13}{:13.3f}{:13.2f}".format(name, *row.values()))
        table[name] = row
    return table


def main(argv: Sequence[str]) -> int:
    """Measure; return 0, or 1 when an answer was not a 200."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks load", description=__doc__.partition("\n")[0])
    parser.add_argument("--url", help='a daemon that runs (its rate limit must be off: api.rate_address = "")')
    parser.add_argument("--data", type=Path, help="a data folder; a daemon is started on it")
    parser.add_argument("--passages", type=int, default=100_000, help="size of the corpus that is built otherwise")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each phase")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument(
        "--rate", type=float, default=0.0, help="of the steady phase (default: 70 %% of the rate reached)"
    )
    parser.add_argument("--json", type=Path, help="write the figures there too")
    args = parser.parse_args(argv)
    with contextlib.ExitStack() as stack:
        url, pid = args.url, 0
        if not url:
            data = args.data
            if data is None:
                from benchmarks.corpus import build

                data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                build(data, args.passages, vocabulary())
            url, pid = stack.enter_context(daemon(data))
        table = show(Bench(url, pid, args.seconds, args.connections, args.rate).run())
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n")
    return int(any(row["not_200"] for row in table.values()))
