"""A site's golden questions put to its snapshots: ``eval``, ``tune`` and the gate before publishing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from indexer import golden, recorded
from indexer.golden import Question, Report
from indexer.tune import tune
from searchd import encoder as encoders
from searchd.engine import Engine
from searchd.errors import ConfigError, SnapshotError
from searchd.feedback import FEEDBACK_FILE, FeedbackStore, anonymous
from searchd.index import snapshot
from searchd.index.opened import Index
from searchd.settings import Settings, SiteSettings


@contextlib.contextmanager
def opened(folder: Path, site: SiteSettings) -> Iterator[Engine]:
    """Open a snapshot folder, published or staged, for asking. Raises SnapshotError, ModelError."""
    facts = snapshot.read_manifest(folder).facts
    encoder = encoders.open_prepared(folder / "model", device=site.model.device)
    index = Index.open(folder)
    try:
        yield Engine(index, encoder, site.ranking, folder.name, site.languages or tuple(facts["languages"]))
    finally:
        index.close()


def questions(site: SiteSettings) -> tuple[Question, ...]:
    """Return the site's golden questions. Raises ConfigError when none are configured or the file is wrong."""
    if not site.ranking.questions:
        raise ConfigError(f"{site.name}: no golden questions", "set ranking.questions to a questions.toml")
    return golden.load(Path(site.ranking.questions))


def refusal(site: SiteSettings, served: Path | None, staged: Path) -> str:
    """Why the golden questions speak against the staged snapshot, "" when they do not or there are none."""
    if not site.ranking.questions or served is None:
        return ""
    asked = questions(site)
    reports = []
    for folder in (staged, served):
        with opened(folder, site) as engine:
            reports.append(golden.evaluate(engine, asked))
    return golden.compare(reports[0], reports[1]).refusal(site.ranking.questions_margin)


def evaluate(settings: Settings, site: SiteSettings, identifier: str = "") -> list[str]:
    """Score a snapshot (default: the staged one, else the served one) beside the served one; return lines to print."""
    root = Path(settings.data) / site.name
    served = _served(root)
    folder = root / "snapshots" / identifier if identifier else _staged(root) or served
    asked = questions(site)
    with opened(folder, site) as engine:
        report = golden.evaluate(engine, asked)
    lines = [f"{folder.name}: {report.summary()}"]
    if folder != served:
        lines += _compared(report, served, site, asked)
    return lines


def _compared(report: Report, served: Path, site: SiteSettings, asked: tuple[Question, ...]) -> list[str]:
    with opened(served, site) as engine:
        old = golden.evaluate(engine, asked)
    found = golden.compare(report, old)
    lines = [f"{served.name} (served): {old.summary()}", f"nDCG@10 {found.difference:+.3f} (paired p = {found.p:.3f})"]
    return lines + [f"  worse: {text}" for text in found.worse[:10]]


def learn(settings: Settings, site: SiteSettings) -> list[str]:
    """Learn fusion weights from golden questions and from what visitors opened and voted for; return lines to print.

    Where the site's owner and its visitors asked the same, the owner's answer counts.
    """
    served = _served(Path(settings.data) / site.name)
    asked = questions(site) if site.ranking.questions else ()
    known = {anonymous(question.text) for question in asked}
    visitors = [
        q
        for q in recorded.questions(FeedbackStore(Path(settings.data) / FEEDBACK_FILE), site.name)
        if q.text not in known
    ]
    with opened(served, site) as engine:
        found = tune(engine, (*asked, *visitors))
    measured = f"{len(asked)} golden questions, {len(visitors)} of visitors; "
    measured += f"held-out nDCG@10: {found.before:.3f} -> {found.after:.3f} (paired p = {found.p:.3f})"
    if not found.kept:
        return [measured, "the weights in use stay: what was learned does not win on questions that it has not seen"]
    return [measured, "put this below [ranking] in config.toml (for one site: [site.ranking]):", found.as_toml()]


def _served(root: Path) -> Path:
    identifier = snapshot.current(root)
    if not identifier:
        raise SnapshotError(f"{root.name}: no snapshot is served", "run `indexer run` first")
    return root / "snapshots" / identifier


def _staged(root: Path) -> Path | None:
    return root / "staged" if (root / "staged" / snapshot.MANIFEST).is_file() else None
