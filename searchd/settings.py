"""Every setting's name, default and help: the only place where they stand.

``config.toml`` is rendered from these tables (``python -m searchd.config``) and a test holds the two together.
Units stand in names: ``_s`` seconds, ``_ms`` milliseconds, ``_bytes``, ``_tokens``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

# Variables of this kind hold secrets (basic auth, headers, API keys); they are read where they are used.
RESERVED_ENVIRONMENT = "ECHOLOT_SECRET_"


def setting(default: Any, help: str, *, least: float = 0, most: float = math.inf) -> Any:
    """A dataclass field with its default and one line of help; lists become tuples when loaded.

    A number that a file, a flag or the environment gives lies between ``least`` and ``most``.
    """
    metadata = {"help": help, "least": least, "most": most}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class CrawlSettings:
    """How a site is crawled; one [[site]] may override each of them."""

    user_agent: str = setting("Echolot", "product token that robots.txt addresses")
    contact: str = setting("", "URL or e-mail of the person who runs the crawler; part of the User-Agent header")
    max_pages: int = setting(50_000, "pages at most; addresses beyond are reported, not fetched", least=1)
    follow_links: bool = setting(True, "false = only start pages, URL lists, sitemaps and feeds")
    autodetect_sitemap: bool = setting(True, "ask for /sitemap.xml when robots.txt names no sitemap")
    max_sitemaps: int = setting(500, "sitemap files read at most")
    content_types: tuple[str, ...] = setting(
        ("text/html", "application/xhtml+xml", "application/pdf"), "kinds of documents to keep; text/plain is known too"
    )
    drop_parameters: tuple[str, ...] = setting((), "query parameters to ignore besides known tracking and session ones")
    # politeness
    requests_per_s: float = setting(0.0, "requests per second at most; 0 = 10 for a remote host, unlimited on loopback")
    max_concurrency: int = setting(8, "requests under way at once; fewer when the site gets slow", least=1)
    timeout_s: float = setting(30.0, "seconds until an answer must be complete", least=0.01)
    retries: int = setting(2, "further tries after a time-out, a 5xx or a 429")
    retry_wait_s: float = setting(1.0, "seconds before the first further try, doubled each time")
    max_retry_after_s: float = setting(300.0, "a site that asks for a longer pause (Retry-After) ends the run")
    max_failures_in_row: int = setting(25, "failed fetches in a row that end the run: the site is down", least=1)
    window: str = setting("", "local time in which to crawl, like 22:00-06:00; the next run continues; empty = always")
    recheck_s: float = setting(
        900.0, "how long to believe answers without a page (robots.txt, broken links, redirects); 86400 at most"
    )
    # incremental
    recrawl: Literal["always", "adaptive"] = setting(
        "always", "always = each run asks for every page; adaptive = by how often it changes"
    )
    min_interval_s: float = setting(86_400.0, "adaptive: shortest time between two visits of a page")
    max_interval_s: float = setting(2_592_000.0, "adaptive: longest time between two visits of a page")
    resume_within_s: float = setting(86_400.0, "a run cut short is continued within this time, later a new one starts")
    gone_confirm_s: float = setting(
        5.0,
        "two 404s or 410s at least this far apart delete a page; up to 60 the second request closes the same run"
        " if the rest of the site is healthy, a longer time waits for a later run",
    )
    # traps
    max_depth: int = setting(50, "links to follow from a start page")
    max_url_length: int = setting(1_000, "longer addresses are not fetched")
    max_path_segments: int = setting(20, "addresses with more folders are not fetched")
    max_segment_repeats: int = setting(3, "addresses that repeat a folder name this often or more are not fetched")
    max_per_pattern: int = setting(2_000, "addresses alike but for their numbers, or the values of one parameter")
    max_facets_per_path: int = setting(200, "addresses of one path with several query parameters (facets, calendars)")
    # security
    max_body_bytes: int = setting(10_000_000, "larger pages are refused, measured after decompression too", least=1)
    max_redirects: int = setting(10, "redirects in a row")
    auth_env: str = setting("", "name of the environment variable with user:password for the site")
    headers_env: str = setting("", "name of the environment variable with further headers, one 'Name: value' a line")
    cookies_env: str = setting("", "name of the environment variable with the Cookie header's value")
    # pages that need JavaScript: extra [js]
    browser_patterns: tuple[str, ...] = setting((), "paths to render in Chromium before reading (needs the extra [js])")
    browser_when_empty: bool = setting(False, "render pages that have no text without JavaScript (extra [js])")
    # the publish guard
    guard_failed_share: float = setting(0.05, "refuse to publish when a larger share of fetches failed", most=1)
    guard_shrink_share: float = setting(0.10, "refuse to publish when pages or passages fell by a larger share", most=1)
    guard_min_pages: int = setting(2, "fewer failed or lost pages are no reason, so that tiny sites can change")


@dataclass(frozen=True, slots=True)
class ExtractSettings:
    """How an article is taken out of a page."""

    include: tuple[str, ...] = setting((), "CSS selectors of the elements that hold the article; empty = find it")
    exclude: tuple[str, ...] = setting((), "CSS selectors of elements to leave out")
    title: tuple[str, ...] = setting((), "CSS selectors of a page's title, first match counts; empty = find it")
    date: tuple[str, ...] = setting((), "CSS selectors of the date of publication; empty = find it")
    tags: tuple[str, ...] = setting((), "CSS selectors of elements whose texts are tags; empty = find them")
    workers: int = setting(0, "processes that parse pages; 0 = one per core")
    timeout_s: float = setting(20.0, "a page that takes longer to parse is skipped and keeps its old copy", least=0.01)
    memory_bytes: int = setting(1_500_000_000, "memory of one parsing process; a page that needs more is skipped")
    near_duplicates: float = setting(
        0.9,
        "pages of one title whose texts agree to this share, or that others hold to it, are one; 1 = same words",
        most=1,
    )
    boilerplate_share: float = setting(
        0.3, "a text on more than this share of the pages is boilerplate; 1 = keep all", most=1
    )


Precision = Literal["exact", "balanced", "fast"]
Device = Literal["auto", "native", "cpu", "openvino", "cuda", "tensorrt"]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which sentence-transformers model makes the vectors, and how it runs."""

    name: str = setting("auto", "auto, a directory, an installed model wheel, or a hub id")
    precision: Precision = setting(
        "balanced", "exact (fp32), balanced (8 bit; bf16 in OpenVINO) or fast (8 bit, soon prepared)"
    )
    device: Device = setting("auto", "auto, native (8 bit, AVX-512 VNNI), cpu, openvino, cuda or tensorrt")
    cache: str = setting("", "folder of prepared models; empty = echolot/models in the user's cache folder")
    offline: bool = setting(False, "fetch no model; HF_HUB_OFFLINE=1 says the same")
    query_cache: int = setting(4096, "vectors of the queries asked last that an encoder remembers")


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How passages are cut and stored."""

    passage_tokens: int = setting(
        200, "tokens of the model that a passage holds, title and headings not counted", least=1
    )
    passage_overlap_tokens: int = setting(30, "tokens repeated where one section is cut into several passages")
    passage_min_tokens: int = setting(60, "shorter sections are joined with their neighbours")
    keep_snapshots: int = setting(3, "published snapshots kept for rollback, the served one included", least=1)
    summaries: bool = setting(True, "find a summary and automatic tags for each page (a tenth more to embed)")
    vectors: Literal["auto", "flat", "sq8", "pq", "ivf", "hnsw"] = setting(
        "auto", "flat (exact), sq8 (8 bit), pq (4, then 8), ivf (pq in lists), hnsw (graph), auto: what fits vector_ms"
    )
    vector_ms: float = setting(0.8, "CPU milliseconds that one vector search may take when vectors = auto")
    vector_recall: float = setting(0.97, "share of the exact ten best passages that a search must find", most=1)


@dataclass(frozen=True, slots=True)
class RankingSettings:
    """How evidence becomes a ranking."""

    threshold: float = setting(0.04, "confidence (0..1) below which a page is no answer; 0 = everything is one", most=1)
    weights: dict[str, float] = setting({}, "weights of the evidence that differ from the defaults: see indexer tune")
    questions: str = setting("", "file of golden questions (questions.toml), relative to this file; empty = none")
    questions_margin: float = setting(0.02, "refuse to publish when their nDCG@10 falls by more than this", most=1)
    # what the owner decides: paths begin with '/', end with '*' for everything below; or tag:, category:, kind:, lang:
    pins: dict[str, tuple[str, ...]] = setting(
        {}, 'pages that lead the answer to a query: "opening hours" = ["/contact"]'
    )
    hide: tuple[str, ...] = setting((), 'pages that no search shows: "/drafts/*", "tag:internal"')
    boosts: dict[str, float] = setting({}, 'added to the score of pages: "/news/*" = -0.5, "tag:faq" = 1')
    freshness: float = setting(
        0.0, "added to the score of a page dated today; halved with each half-life of age", least=-math.inf
    )
    freshness_half_life_days: float = setting(180.0, "days after which that is worth half", least=0.01)
    synonyms: tuple[tuple[str, ...], ...] = setting((), 'words that mean the same: ["laptop", "notebook"]')
    typos: bool = setting(True, "look for the site's nearest words where it does not know a word of the query")
    answer_threshold: float = setting(0.5, "confidence (0..1) below which no sentence is shown as an answer", most=1)
    # the second stage: a cross-encoder of sentence-transformers reads the first results again
    rerank_model: str = setting("", "folder of a cross-encoder, relative to this file; empty = no second stage")
    rerank_top: int = setting(20, "results that it reads at most")
    rerank_ms: float = setting(50.0, "milliseconds that it may take; results not read by then stay behind the others")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The daemon."""

    host: str = setting("127.0.0.1", "address to listen on")
    port: int = setting(8765, "port to listen on; 0 = pick a free one", most=65_535)
    processes: int = setting(
        0, "processes that compute answers; 0 = one per core, 4 at most; 1 = none besides the one that listens"
    )
    keep_cores: bool = setting(True, "keep each process on one core where there are no more cores than processes")
    threads: int = setting(8, "threads that read requests and write answers", least=1)
    concurrency: int = setting(0, "searches admitted at the same time; 0 = as many as can be computed")
    queue: int = setting(64, "requests that may wait for a search; above, the answer is 503 with Retry-After")
    queue_timeout_s: float = setting(2.0, "seconds that a request may wait for a search before it gets a 503")
    trusted_proxies: int = setting(0, "proxies in front whose X-Forwarded-For, -Proto and -Prefix headers are believed")
    site: str = setting("", "site that answers when a request names none; empty = the first")
    swap_interval_s: float = setting(2.0, "seconds between looks for a new snapshot")


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Who may call the API, and how often."""

    keys: tuple[str, ...] = setting((), "API keys as name:scope+scope:secret; scopes are search, feedback and admin")
    public_scopes: tuple[str, ...] = setting(("search", "feedback"), "scopes that need no key; admin always needs one")
    cors_origins: tuple[str, ...] = setting((), "origins whose pages may call the API besides the sites' own; * = all")
    rate_address: str = setting(
        "1200/minute", "requests from one address; several limits joined by ';', empty = no limit"
    )
    rate_local: bool = setting(False, "limit callers on this machine too; behind a proxy set server.trusted_proxies")
    rate_feedback: str = setting("60/minute", "votes and clicks from one address")
    rate_key: str = setting("60000/minute", "requests with one API key")
    max_query_chars: int = setting(1000, "characters of a query", least=1)
    max_limit: int = setting(100, "results of one answer", least=1)
    max_offset: int = setting(1000, "results that can be skipped")
    max_body_bytes: int = setting(
        1_048_576, "bytes of a request body; the longest lists of addresses that are allowed fit", least=1
    )
    cached_answers: int = setting(4096, "answers kept in memory until the next snapshot")
    max_age_s: int = setting(60, "seconds that browsers and proxies may reuse an answer without asking")
    access_log: bool = setting(True, "write a line for each request (without address and without query)")
    query_log: bool = setting(True, "count queries for the report; addresses and visitors are never stored")
    keep_days: int = setting(400, "days that query counts, clicks and votes are kept")


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
    start: tuple[str, ...] = setting((), "further start pages, one per language for instance")
    hosts: tuple[str, ...] = setting((), "further origins that belong to the site, like https://docs.example.org")
    include_paths: tuple[str, ...] = setting((), "crawl only these path prefixes; * = anything, $ = end")
    exclude_paths: tuple[str, ...] = setting((), "never crawl these; same language as include_paths")
    feeds: tuple[str, ...] = setting((), "RSS or Atom feeds to look for pages in, besides those that pages name")
    url_list: str = setting("", "file with one URL a line to crawl besides the start page")
    folder: str = setting("", "folder of HTML files (a static site's build) to read instead of fetching url")
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
