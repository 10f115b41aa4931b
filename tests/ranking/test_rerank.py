"""The second stage: it moves the first results only, can be explained, and keeps to its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from searchd import config
from searchd.__main__ import main
from searchd.engine import Engine
from searchd.errors import ModelError
from searchd.index.opened import Index
from searchd.index.stores import Encoder, Floats
from searchd.live import Live
from searchd.query import Answer, Query
from searchd.ranking.order import Ranking
from searchd.ranking.rerank import NAME, judged, rerank, to_read
from searchd.second_stage import SecondStage
from searchd.settings import RankingSettings, Settings, SiteSettings
from tests.ranking.conftest import SITE

HOUR_MS = 3_600_000.0
QUESTION = "boat on a sunday in the storm"
Make = Callable[..., Engine]


class Prefers:
    """Log odds of 9 for passages that hold a word, -3 for all others; remembers what it read and how it was asked."""

    def __init__(self, word: str) -> None:
        self.word, self.asked = word, list[tuple[str, str]]()

    def score(self, query: str, passages: Sequence[str]) -> Floats:
        self.asked += [(query, passage) for passage in passages]
        return np.array([9.0 if self.word in passage else -3.0 for passage in passages], np.float32)


def paths(answer: Answer) -> list[str]:
    return [hit.url.removeprefix(SITE) for hit in answer.hits]


@pytest.fixture
def make(index: Index, encoder: Encoder) -> Make:
    """Engines with a second stage that has all the time in the world."""

    def make(scorer: Prefers | None, **settings: object) -> Engine:
        chosen = RankingSettings(**({"threshold": 0.0, "rerank_ms": HOUR_MS} | settings))  # type: ignore[arg-type]
        return Engine(index, encoder, chosen, scorer=scorer)

    return make


def test_only_what_was_read_changes_its_place_and_nothing_read_falls_behind() -> None:
    scores = np.array([5.0, 1.0, 4.0, 3.0, 2.0], np.float32)
    ranking = Ranking(np.array([0, 2, 3, 4, 1]), np.arange(5), scores, np.sqrt(scores), nothing_relevant=False)
    places = to_read(ranking, np.arange(100, 105), pinned=(), top=3)
    assert places.tolist() == [0, 2, 3]
    second = judged(5, places, np.array([-7.0, -7.5, 1.0], np.float32), weight=0.5)
    found = rerank(ranking, second)
    assert found.order.tolist() == [3, 0, 2, 4, 1]
    assert found.scores.tolist() == pytest.approx([5.25, 1.0, 4.0, 7.25, 2.0])
    assert np.all(np.diff(found.scores[found.order]) <= 0)
    assert found.confidence is ranking.confidence
    assert second.shares == pytest.approx(second.normalised * second.weight)


def test_pages_that_are_all_alike_stay_as_they_were() -> None:
    scores = np.array([2.0, 2.0, 3.0], np.float32)
    ranking = Ranking(np.array([2, 0, 1]), np.arange(3), scores, scores, nothing_relevant=False)
    second = judged(3, ranking.order, np.full(3, -4.0, np.float32), weight=1.0)
    assert rerank(ranking, second).order.tolist() == [2, 0, 1]
    assert not second.shares.any()


def test_pinned_pages_are_not_read() -> None:
    scores = np.array([1.0, 2.0, 3.0], np.float32)
    ranking = Ranking(np.array([0, 2, 1]), np.arange(3), scores, scores, nothing_relevant=False)
    assert to_read(ranking, np.array([7, 8, 9]), pinned=(7,), top=1).tolist() == [2]


def test_a_preferred_page_rises_to_the_top_of_those_read(make: Make) -> None:
    plain = paths(make(None).search(Query(QUESTION)))
    fourth = plain[3]
    scorer = Prefers({"/news/2024/storm": "north west"}.get(fourth, fourth.rsplit("/", 1)[1].capitalize()))
    found = paths(make(scorer, rerank_top=4).search(Query(QUESTION)))
    assert found == [fourth, *plain[:3], *plain[4:]]
    assert len(scorer.asked) == 4
    assert {query for query, _ in scorer.asked} == {QUESTION}
    third = paths(make(Prefers(scorer.word), rerank_top=3).search(Query(QUESTION)))
    assert third == plain


def test_it_reads_title_and_passage(make: Make) -> None:
    scorer = Prefers("nothing")
    make(scorer, rerank_top=1).search(Query("when does the ferry leave"))
    ((_, passage),) = scorer.asked
    assert passage.startswith("Ferry timetable")
    assert "The ferry to the mainland leaves the eastern pier" in passage


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "lexical"])
def test_the_shares_add_up_to_the_score(make: Make, mode: str) -> None:
    engine = make(Prefers("boat"), rerank_top=3, boosts={"/news/*": 0.7}, weights={"cross_encoder": 0.25})
    hits = engine.search(Query("boat storm", mode=mode, explain=True)).hits  # type: ignore[arg-type]
    for place, hit in enumerate(hits):
        assert hit.score == pytest.approx(sum(term.share for term in hit.evidence), abs=1e-4)
        terms = {term.name: term for term in hit.evidence}
        assert (NAME in terms) == (place < 3)
        if NAME in terms:
            assert terms[NAME].share == pytest.approx(0.25 * terms[NAME].normalised)
            assert terms[NAME].raw in (9.0, -3.0)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_pins_lead_hidden_pages_stay_hidden_and_confidence_stays(make: Make) -> None:
    wishes: dict[str, object] = {"pins": {"boat": ("/office/waste",)}, "hide": ("/news/*",), "threshold": 0.02}
    plain = make(None, **wishes).search(Query("boat"))
    answer = make(Prefers("Dog tax"), **wishes).search(Query("boat"))
    assert paths(answer)[0] == "/office/waste"
    assert not any(path.startswith("/news/") for path in paths(answer))
    assert (answer.total, answer.nothing_relevant) == (plain.total, plain.nothing_relevant)
    assert {hit.url: hit.confidence for hit in answer.hits} == {hit.url: hit.confidence for hit in plain.hits}


def test_results_by_date_are_left_alone(make: Make) -> None:
    scorer = Prefers("boat")
    make(scorer).search(Query("boat", sort="date"))
    assert not scorer.asked


@pytest.mark.parametrize(("budget_ms", "read"), [(0.0, 0), (5.0, 1), (19.0, 1), (21.0, 2), (55.0, 5), (1000.0, 8)])
def test_it_stops_before_its_time_is_up(make: Make, budget_ms: float, read: int) -> None:
    """A page takes 10 ms of a clock that stands still otherwise."""
    now = 100.0

    class Slow(Prefers):
        def score(self, query: str, passages: Sequence[str]) -> Floats:
            nonlocal now
            now += 0.010
            return super().score(query, passages)

    engine = make(None)
    ranked = engine.rank(Query(QUESTION))
    scorer = Slow("boat")
    settings = replace(engine.settings, rerank_ms=budget_ms, rerank_top=8)
    found = SecondStage(scorer, settings, clock=lambda: now).apply(engine.index, engine.weights, ranked)
    assert len(scorer.asked) == read
    assert (found.second is None) == (read == 0)
    assert found.ranking.order[read:].tolist() == ranked.ranking.order[read:].tolist()


def test_a_daemon_whose_cross_encoder_is_missing_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranking = RankingSettings(rerank_model=str(tmp_path / "nothing"))
    site = SiteSettings(name="library", url=SITE, ranking=ranking)
    for settings in (Settings(data=str(tmp_path), ranking=ranking), Settings(data=str(tmp_path), site=(site,))):
        with pytest.raises(ModelError, match=r"no folder .*nothing"):
            Live(settings).start()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "library" / "snapshots").mkdir(parents=True)
    asked = ["--data", str(tmp_path), "--set", "ranking.rerank_model=nothing", "query", "boat"]
    assert main(asked) == ModelError("").exit_code == 6


def test_its_folder_is_relative_to_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[ranking]\nrerank_model = "reader"\n')
    assert config.load(tmp_path / "config.toml", environment={}).ranking.rerank_model == str(tmp_path / "reader")


def test_off_by_default(make: Make) -> None:
    assert not RankingSettings().rerank_model
    answer = make(None).search(Query("boat", explain=True))
    assert "rerank" not in dict(answer.timings_ms)
    assert all(term.name != NAME for hit in answer.hits for term in hit.evidence)
    assert "rerank" in dict(make(Prefers("boat")).search(Query("boat")).timings_ms)
