"""Everything that the handlers of one application share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from searchd import processes
from searchd.api.auth import Gatekeeper
from searchd.api.cache import AnswerCache
from searchd.api.endpoint import Endpoint
from searchd.api.gate import Gate
from searchd.api.live_protocol import EngineLike, Live
from searchd.api.metrics import Metrics
from searchd.feedback import FeedbackStore, SearchNote
from searchd.settings import Settings


@dataclass(slots=True)
class Api:
    """One application's state: no module holds any."""

    settings: Settings
    live: Live
    gatekeeper: Gatekeeper
    gate: Gate
    cache: AnswerCache
    metrics: Metrics
    feedback: FeedbackStore
    endpoints: tuple[Endpoint, ...] = ()
    fingerprint: str = field(default="")

    def engine(self, site: str) -> EngineLike:
        """Return the engine of a site; see ``Live.engine``."""
        return self.live.engine(site)

    def site_name(self, site: str) -> str:
        """Return the site's own name for "" (the first one)."""
        return site or next(iter(self.live.sites()), "")

    def count(self, note: SearchNote) -> None:
        """Count a search for the report, unless the operator wants none counted."""
        if self.settings.api.query_log:
            self.feedback.note_search(note)


def build_gate(settings: Settings) -> Gate:
    """Return the admission gate that the settings describe."""
    server = settings.server
    computing = processes.wanted(server)
    # one more than there are engine processes, for an answer is still written when its process is free again
    slots = computing + 1 if computing > 1 else processes.usable_cores()
    return Gate(server.concurrency or slots, server.queue, server.queue_timeout_s)


def settings_fingerprint(settings: Settings) -> str:
    """Return a digest of every setting that may change an answer; secrets are left out."""
    public = replace(settings, api=replace(settings.api, keys=()))
    return hashlib.blake2b(repr(public).encode(), digest_size=8).hexdigest()
