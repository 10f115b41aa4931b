"""What settings name is used once before a run, which would else find out after hours of crawling."""

from __future__ import annotations

from indexer.extract.root import compiled
from searchd.encoder.runtime import devices
from searchd.ranking.fusion import Weights
from searchd.settings import SiteSettings


def try_names(site: SiteSettings) -> None:
    """Try the selectors, the ranking's weights and the model's device. Raises ConfigError or ModelError."""
    own = site.extract
    for selector in (*own.include, *own.exclude, *own.title, *own.date, *own.tags):
        compiled(selector)
    Weights.of(site.ranking.weights)
    devices(site.model.device)
