"""Prometheus metrics of one application; each has its own registry, so tests can build many."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from searchd.api.live_protocol import Live

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class _LiveCollector(Collector):
    """Reads what is served when the metrics are asked for."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def collect(self) -> list[Metric]:
        """Return pages, passages and trouble per site, and the processes that compute."""
        pages = GaugeMetricFamily("echolot_pages", "Pages in the served snapshot", labels=["site"])
        passages = GaugeMetricFamily("echolot_passages", "Passages in the served snapshot", labels=["site"])
        failed = GaugeMetricFamily("echolot_swap_failed", "1 when the newest snapshot is refused", labels=["site"])
        for status in self._live.status():
            pages.add_metric([status.site], status.pages)
            passages.add_metric([status.site], status.passages)
            failed.add_metric([status.site], float(bool(status.error)))
        alive, died = self._live.processes()
        processes = GaugeMetricFamily("echolot_processes", "Processes that compute answers", value=alive)
        replaced = CounterMetricFamily("echolot_processes_died", "Processes that died and were replaced", value=died)
        return [pages, passages, failed, processes, replaced]


class Metrics:
    """Counts requests."""

    def __init__(self, live: Live) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "echolot_requests", "Requests by endpoint and status", ["endpoint", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "echolot_request_seconds",
            "Seconds to answer, by endpoint",
            ["endpoint"],
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.cache_hits = Counter("echolot_cache_hits", "Answers from memory", registry=self.registry)
        self.waiting = Gauge("echolot_waiting", "Requests that wait for a search", registry=self.registry)
        self.registry.register(_LiveCollector(live))

    def observe(self, endpoint: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(endpoint, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def render(self) -> bytes:
        """Return the text exposition format."""
        return generate_latest(self.registry)
