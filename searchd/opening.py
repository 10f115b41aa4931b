"""From a published snapshot to an engine that answers: the daemon does it, or each of its engine processes."""

from __future__ import annotations

import logging
from weakref import WeakValueDictionary

from searchd import encoder as encoders
from searchd.encoder import AnyEncoder
from searchd.errors import SnapshotError
from searchd.index.opened import Index
from searchd.index.snapshot import Snapshot
from searchd.second_stage import Scorer
from searchd.settings import RankingSettings, Settings
from searchd.site_engine import SiteEngine

log = logging.getLogger(__name__)


class Opener:
    """Opens engines. Those that live at the same time share an encoder when their model is the same."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._encoders: WeakValueDictionary[str, AnyEncoder] = WeakValueDictionary()
        self._scorers: dict[str, Scorer] = {}  # folder -> cross-encoder, for as long as the process runs

    def open(self, site: str, opened: Snapshot) -> SiteEngine:
        """Open a snapshot whose files were verified. SnapshotError, ModelError, what the stores raise."""
        encoder = self._encoder(opened)
        index = Index.open(opened.folder)
        ranking = self._ranking(site)
        languages = self._languages(site) or tuple(opened.manifest.facts["languages"])
        engine = SiteEngine(index, encoder, ranking, opened.id, languages, scorer=self._scorer(ranking.rerank_model))
        for rule in engine.steer.idle:
            log.warning("%s: no page is named by %s; a tag is written as on the site, a folder as /news/*", site, rule)
        return engine

    def open_scorers(self) -> None:
        """Open each site's cross-encoder, if any. ModelError when one is missing or foreign."""
        for ranking in [site.ranking for site in self._settings.site] or [self._settings.ranking]:
            self._scorer(ranking.rerank_model)

    def _encoder(self, opened: Snapshot) -> AnyEncoder:
        wanted = str(opened.manifest.facts["model"]["fingerprint"])
        encoder = self._encoders.get(wanted)
        if encoder is None:
            encoder = encoders.open_prepared(opened.folder / "model", device=self._settings.model.device)
            if encoder.fingerprint != wanted:
                raise SnapshotError(
                    f"snapshot {opened.id}: its model is not the one that made its vectors", "rebuild it"
                )
            self._encoders[wanted] = encoder
        return encoder

    def _scorer(self, folder: str) -> Scorer | None:
        """The cross-encoder in a folder, opened once; None without one. ModelError as ``open_scorers``."""
        if folder and folder not in self._scorers:
            from searchd.encoder.pairs import open_scorer

            self._scorers[folder] = open_scorer(folder, self._settings.model)
        return self._scorers.get(folder)

    def _ranking(self, site: str) -> RankingSettings:
        return next((item.ranking for item in self._settings.site if item.name == site), self._settings.ranking)

    def _languages(self, site: str) -> tuple[str, ...]:
        return next((item.languages for item in self._settings.site if item.name == site), ())
