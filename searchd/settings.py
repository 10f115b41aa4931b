"""Every setting's name, default and help: the only place where they stand.

``config.toml`` is rendered from these tables (``python -m searchd.config``) and a test holds the two together.
Units stand in names: ``_s`` seconds, ``_ms`` milliseconds, ``_bytes``, ``_tokens``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Variables of this kind hold secrets (basic auth, headers, API keys); they are read where they are used.
RESERVED_ENVIRONMENT = "ECHOLOT_SECRET_"


def setting(default: Any, help: str) -> Any:
    """A dataclass field with its default and one line of help; lists become tuples when loaded."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class CrawlSettings:
    """How a site is crawled; one [[site]] may override each of them."""

    user_agent: str = setting("Echolot", "product token that robots.txt addresses")
    contact: str = setting("", "URL or e-mail of the person who runs the crawler; part of the User-Agent header")
    max_pages: int = setting(50_000, "stop after this many pages")


@dataclass(frozen=True, slots=True)
class ExtractSettings:
    """How an article is taken out of a page."""

    include: tuple[str, ...] = setting((), "CSS selectors of the elements that hold the article; empty = find it")
    exclude: tuple[str, ...] = setting((), "CSS selectors of elements to leave out")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which sentence-transformers model makes the vectors, and how it runs."""

    name: str = setting("auto", "auto, a directory, an installed model wheel, or a hub id")
    precision: str = setting("balanced", "exact (fp32), balanced (8 bit blocks or bf16) or fast (int8)")
    device: str = setting("auto", "auto, cpu, openvino, cuda or tensorrt")


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How passages are cut and stored."""

    keep_snapshots: int = setting(3, "published snapshots kept for rollback, the served one included")


@dataclass(frozen=True, slots=True)
class RankingSettings:
    """How evidence becomes a ranking."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The daemon."""

    host: str = setting("127.0.0.1", "address to listen on")
    port: int = setting(8765, "port to listen on; 0 = pick a free one")
    threads: int = setting(4, "worker threads")
    swap_interval_s: float = setting(2.0, "seconds between looks for a new snapshot")


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Who may call the API, and how often."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is written to standard error."""

    format: str = setting("text", "text for people, json for machines")
    level: str = setting("info", "debug, info, warning or error")


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """One website."""

    name: str = setting("", "short name, used as folder below the data folder; empty = made from the URL's host")
    url: str = setting("", "where the crawl starts")
    languages: tuple[str, ...] = setting((), "visitors' languages (en, de ...); empty = those of the pages")
    sitemaps: tuple[str, ...] = setting((), "sitemap URLs besides those named in robots.txt")
    crawl: CrawlSettings = field(default_factory=CrawlSettings)
    extract: ExtractSettings = field(default_factory=ExtractSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    index: IndexSettings = field(default_factory=IndexSettings)
    ranking: RankingSettings = field(default_factory=RankingSettings)


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. Tables other than ``site`` may be overridden inside one [[site]] as [site.<table>]."""

    data: str = setting("data", "folder that holds crawl state and snapshots, relative to this file")
    crawl: CrawlSettings = field(default_factory=CrawlSettings)
    extract: ExtractSettings = field(default_factory=ExtractSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    index: IndexSettings = field(default_factory=IndexSettings)
    ranking: RankingSettings = field(default_factory=RankingSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    log: LogSettings = field(default_factory=LogSettings)
    site: tuple[SiteSettings, ...] = ()
