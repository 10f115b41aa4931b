"""The indexer's verbs in order: crawl, build (extract, fold, split, embed, index), publish.

The stages speak through files, so each can run alone: the crawl leaves documents in crawl.sqlite, the build
leaves a sealed snapshot in ``staged/``, publishing moves it and repoints CURRENT. Call with the site's lock held.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer import dedupe, extract, guard, interrupt, judgement
from indexer.cache import Cache, CachedEncoder
from indexer.crawl import CrawlReport, crawl
from indexer.progress import Progress
from indexer.split import split
from indexer.state import Document, State
from indexer.stopwatch import Stopwatch
from indexer.trial import try_names
from indexer.workers import extract_many
from searchd import encoder as encoders
from searchd.errors import ExtractionError, GuardError, SiteError, SnapshotError
from searchd.index import builder, snapshot
from searchd.index.records import Article, PageDraft
from searchd.settings import ExtractSettings, Settings, SiteSettings

log = logging.getLogger("indexer")
CONTENTS = "contents.json"  # URL -> content hash of every document that a snapshot was made of
_KEEP_GENERATIONS = 3  # builds after which a vector that no page uses is forgotten


@dataclass(frozen=True, slots=True)
class Folder:
    """Where one site's files are."""

    root: Path

    @property
    def state(self) -> Path:
        """The crawl's state, extracted articles and vectors (SQLite, WAL)."""
        return self.root / "crawl.sqlite"

    @property
    def staged(self) -> Path:
        """A snapshot that is built and not published yet."""
        return self.root / "staged"


@dataclass(frozen=True, slots=True)
class Built:
    """What a build came to. ``changed`` False: the newest published snapshot already holds this."""

    changed: bool
    pages: int
    passages: int
    embedded: int = 0
    reused: int = 0
    extracted: int = 0
    skipped: int = 0


class Pipeline:
    """One site's stages; open it, run verbs, close it."""

    def __init__(self, settings: Settings, site: SiteSettings) -> None:
        self.settings, self.site = settings, site
        self.folder = Folder(Path(settings.data) / site.name)
        self.watch = Stopwatch()

    def crawl(self) -> CrawlReport:
        """Fetch what is new or changed. Raises SiteError when there is nothing to index.

        Asked to stop (SIGTERM, Ctrl-C), it keeps what it has and raises KeyboardInterrupt.
        """
        with self.watch("crawl"), interrupt.gracefully() as stop:
            with State(self.folder.state) as state, Progress("crawl", "pages") as progress:
                report = crawl(
                    self.site, self.site.crawl, state, stop=stop,
                    progress=lambda p: progress(p.done, p.done + p.queued),
                )  # fmt: skip
            self._put_fact("crawl_report", dataclasses.asdict(report))
            log.info("crawl: %s", report.summary())
            for problem in report.problems:
                log.warning("crawl: %s", problem)
        return report

    def build(self, *, always: bool = False) -> Built:
        """Make a sealed snapshot in ``staged/`` of the documents that the crawl left.

        Nothing is built when the newest published snapshot was made of the same inputs (``always`` overrides).
        Raises SiteError when no page holds text, ModelError, StorageError.
        """
        with State(self.folder.state) as state:
            cache = Cache(self.folder.state)
            try:
                with self.watch("index"):
                    return self._build(state, cache, always=always)
            finally:
                cache.close()

    def _build(self, state: State, cache: Cache, *, always: bool) -> Built:
        digest = self._digest(state)
        newest = self._newest(any_format=True)
        if newest is not None and newest.digest == digest and not always:
            log.info("build: nothing changed since the newest snapshot")
            return Built(False, int(newest.facts["pages"]), int(newest.facts["passages"]))
        fingerprint = extract.fingerprint(self.site.extract)
        with self.watch("extract"):
            extracted, skipped = self._extract(state, cache, fingerprint)
        articles = Articles(state, cache, fingerprint, self.watch)
        with self.watch("fold"):
            languages = articles.prepare(self.site.extract)
        folded = {url: kept for url, kept in articles.folded.items() if url != kept}
        choice = encoders.choose(self.site.model.name, languages, self.site.languages)
        log.info("model: %s (%s)", choice.name, choice.reason)
        with self.watch("model"):
            model = encoders.load(
                dataclasses.replace(self.site.model, name=choice.name), sorted(languages), threads=os.cpu_count() or 1
            )
        generation = int(cache.get_fact("generation", 0)) + 1
        with self._staging() as staged:
            with Progress("embed", "texts") as progress:
                cached = CachedEncoder(model, cache, generation, progress, self.watch)
                drafts = articles.drafts(cached, self.site)
                counts = builder.build(staged, drafts, cached, self.site.index)
            if not counts.pages:
                raise SiteError(
                    f"{self.site.name}: no page holds any text", "see `indexer explain-url URL` for one of them"
                )
            model.save(staged / "model")
            contents = {document.url: document.content_hash for document in state.documents(bodies=False)}
            (staged / CONTENTS).write_text(json.dumps(contents, indent=0, sort_keys=True), encoding="utf-8")
            snapshot.seal(
                staged,
                {
                    "digest": digest,
                    "created_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                    "echolot": importlib.metadata.version("echolot"),
                    "site": self.site.name,
                    "url": self.site.url,
                    "model": {"name": choice.name, "reason": choice.reason, "fingerprint": model.fingerprint},
                    "precision": self.site.model.precision,
                    "extraction": fingerprint,
                    "folded": folded,
                    **dataclasses.asdict(counts),
                },
            )
        cache.put_fact("generation", generation)
        cache.forget_vectors(model.fingerprint, generation - _KEEP_GENERATIONS)
        cache.keep_articles((document.content_hash, document.url) for document in state.documents())
        log.info(
            "build: %d pages, %d duplicates behind them, %d passages; %d texts embedded, %d kept; %d pages parsed",
            counts.pages, len(folded), counts.passages, cached.embedded, cached.reused, extracted,
        )  # fmt: skip
        return Built(True, counts.pages, counts.passages, cached.embedded, cached.reused, extracted, skipped)

    def publish(self, *, force: bool = False) -> str:
        """Put the staged snapshot in service, if the guard agrees, and return its id.

        Without a staged snapshot the newest published one is served (unless somebody rolled back from it) and
        its id returned. Raises GuardError with all reasons, SnapshotError when there is nothing at all.
        """
        root = self.folder.root
        staged = self._staged_manifest()
        before = self._served()
        after = staged or self._newest()
        if after is None:
            raise SnapshotError(f"{self.site.name}: there is no snapshot to publish", "run `indexer run` first")
        reasons = self._judge(before, after)
        if staged is not None:
            readable = before is not None and before.format == snapshot.FORMAT
            served = root / "snapshots" / snapshot.current(root) if readable else None
            reasons += filter(None, [judgement.refusal(self.site, served, self.folder.staged)])
        if reasons and not force:
            text = "; ".join(reasons)
            raise GuardError(f"{self.site.name}: not published: {text}", "look at the site, or publish with --force")
        for reason in reasons:
            log.warning("publish: forced although %s", reason)
        if staged is None:
            return self._serve_newest()
        identifier = snapshot.publish(root, self.folder.staged, datetime.datetime.now(datetime.UTC))
        gone = snapshot.prune(root, self.site.index.keep_snapshots)
        log.info("publish: serving %s%s", identifier, f"; removed {len(gone)} old" if gone else "")
        return identifier

    def run(self, *, force: bool = False) -> str:
        """Crawl, build and publish; return the id that is served. What settings name is tried before."""
        try_names(self.site)
        snapshot.sweep(self.folder.root)
        self.crawl()
        self.build()
        with self.watch("publish"):
            identifier = self.publish(force=force)
        log.info("run: %s", self.watch.summary())
        return identifier

    def rollback(self, identifier: str = "") -> str:
        """Serve an older snapshot: the one named, else the one before the served one; return its id."""
        root = self.folder.root
        if not identifier:
            served = snapshot.current(root)
            older = [name for name in snapshot.published(root) if name < served]
            if not older:
                raise SnapshotError(
                    f"{self.site.name}: no snapshot is older than {served or 'none'}", "see `indexer snapshots`"
                )
            identifier = older[-1]
        snapshot.open_snapshot(root, identifier)
        snapshot.serve(root, identifier)
        self._put_fact("held_back", snapshot.published(root)[-1])
        return identifier

    def _serve_newest(self) -> str:
        root = self.folder.root
        newest, served = snapshot.published(root)[-1], snapshot.current(root)
        if newest != served and self._get_fact("held_back") != newest:
            snapshot.serve(root, newest)
            log.info("publish: serving %s", newest)
            return newest
        log.info("publish: nothing changed, %s stays", served)
        return served

    def _judge(self, before: snapshot.Manifest | None, after: snapshot.Manifest) -> list[str]:
        stored = self._get_fact("crawl_report")
        if stored is None:
            return []
        earlier = _counts(before) if before is not None else None
        return guard.judge(CrawlReport.from_facts(stored), earlier, _counts(after), self.site.crawl)

    def _staged_manifest(self) -> snapshot.Manifest | None:
        if not (self.folder.staged / snapshot.MANIFEST).is_file():
            return None
        manifest = snapshot.read_manifest(self.folder.staged)
        snapshot.verify(self.folder.staged, manifest)
        return manifest

    def _newest(self, *, any_format: bool = False) -> snapshot.Manifest | None:
        names = snapshot.published(self.folder.root)
        newest = self.folder.root / "snapshots" / names[-1] if names else None
        return None if newest is None else snapshot.read_manifest(newest, any_format=any_format)

    def _served(self) -> snapshot.Manifest | None:
        """What is served, of whatever format: the guard compares with what an earlier version published, too."""
        served = snapshot.current(self.folder.root)
        return snapshot.read_manifest(self.folder.root / "snapshots" / served, any_format=True) if served else None

    @contextlib.contextmanager
    def _staging(self) -> Iterator[Path]:
        """``staged/``, empty; when the build fails nothing is left of it, for it may be what fills the disk."""
        staged = self.folder.staged
        if staged.exists():
            shutil.rmtree(staged)
        try:
            staged.mkdir(parents=True)
            yield staged
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise

    def _digest(self, state: State) -> str:
        """Hash everything that a snapshot is made from: documents, settings that shape it, and our own version."""
        hasher = hashlib.sha256()
        inputs: list[Any] = [
            snapshot.FORMAT,
            importlib.metadata.version("echolot"),
            extract.fingerprint(self.site.extract),
            dataclasses.asdict(self.site.extract),
            dataclasses.asdict(self.site.model),
            {k: v for k, v in dataclasses.asdict(self.site.index).items() if k != "keep_snapshots"},
            self.site.languages,
        ]
        hasher.update(json.dumps(inputs, sort_keys=True).encode())
        for document in state.documents(bodies=False):
            facts = (document.url, document.content_hash, document.aliases, document.anchor_texts, document.lang_hint)
            hasher.update(json.dumps(facts).encode())
        return hasher.hexdigest()

    def _extract(self, state: State, cache: Cache, fingerprint: str) -> tuple[int, int]:
        """Extract every document that the cache does not hold; return (extracted, skipped)."""
        missing = {
            document.url: document.content_hash
            for document in state.documents(bodies=False)
            if cache.article(document.content_hash, document.url, fingerprint) is None
        }
        documents = (document for url in missing if (document := state.document(url)) is not None)
        done = skipped = 0
        with Progress("extract", "pages") as progress:
            results = extract_many(documents, self.site.extract)
            for url, result in results:
                done += 1
                progress(done, len(missing))
                if isinstance(result, ExtractionError):
                    skipped += 1
                    log.warning("extract: %s: %s", url, result)
                    continue
                cache.put_articles([(missing[url], url, fingerprint, result)])
        return done - skipped, skipped

    def _put_fact(self, key: str, value: object) -> None:
        cache = Cache(self.folder.state)
        cache.put_fact(key, value)
        cache.close()

    def _get_fact(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        cache = Cache(self.folder.state)
        try:
            return cache.get_fact(key)
        finally:
            cache.close()


def _counts(manifest: snapshot.Manifest) -> guard.Counts:
    return guard.Counts(int(manifest.facts["pages"]), int(manifest.facts["passages"]))


class Articles:
    """The site's articles, streamed from the cache in two passes: learn what repeats, then yield drafts."""

    def __init__(self, state: State, cache: Cache, fingerprint: str, watch: Stopwatch) -> None:
        self.state, self.cache, self.fingerprint, self.watch = state, cache, fingerprint, watch
        self.folded: dict[str, str] = {}

    def _each(self) -> Iterator[tuple[Document, Article]]:
        for document in self.state.documents(bodies=False):
            article = self.cache.article(document.content_hash, document.url, self.fingerprint)
            if article is not None:
                lang = article.lang or document.lang_hint
                yield document, article if lang == article.lang else dataclasses.replace(article, lang=lang)

    def prepare(self, settings: ExtractSettings) -> Counter[str]:
        """Learn boilerplate and duplicates; return how many pages are in each language."""
        self.boilerplate = extract.learn_boilerplate(
            (article for _, article in self._each()), settings.boilerplate_share
        )
        cleaned = ((document.url, extract.clean(article, self.boilerplate)) for document, article in self._each())
        entrances = {document.url for document in self.state.documents(bodies=False) if document.depth == 0}
        # every page's URL -> the URL that stands for it
        self.folded = dedupe.fold(cleaned, settings.near_duplicates, entrances)
        return Counter(article.lang for _, article in self._each() if article.lang)

    def drafts(self, encoder: CachedEncoder, site: SiteSettings) -> Iterator[PageDraft]:
        """Yield one draft for each page that is not folded onto another, in the order of their URLs."""
        aliases: dict[str, list[str]] = {}
        for url, canonical in self.folded.items():
            if url != canonical:
                aliases.setdefault(canonical, []).append(url)
        for document, raw in self._each():
            if self.folded.get(document.url, document.url) != document.url:
                continue
            with self.watch("split"):
                article = extract.clean(raw, self.boilerplate)
                passages = split(article, encoder, site.index)
            if passages:
                names = dict.fromkeys([*document.aliases, *aliases.get(document.url, [])])
                yield PageDraft(article, passages, document.anchor_texts, tuple(names), document.content_hash)
