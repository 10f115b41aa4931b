"""Which pages are shown beside a page."""

from __future__ import annotations

import numpy as np
import pytest

from searchd.discover import random_pages, recommend, similar
from searchd.engine import Engine

Numbers = dict[str, int]


def test_the_page_about_the_same_subject_comes_first(engine: Engine, number: Numbers) -> None:
    assert similar(engine.index, number["/lighthouse"], 3)[0].page == number["/beacons"]


def test_the_page_itself_and_its_copy_are_left_out(engine: Engine, number: Numbers) -> None:
    found = {related.page for related in similar(engine.index, number["/lighthouse"], 20)}
    assert number["/lighthouse"] not in found
    assert number["/lighthouse-print"] not in found


def test_pages_in_the_same_language_come_first(engine: Engine, number: Numbers) -> None:
    found = [related.page for related in similar(engine.index, number["/leuchtturm"], 20)]
    assert found[0] == number["/buecherei"]
    assert len(found) > 1


def test_the_score_is_the_sum_of_its_evidence(engine: Engine, number: Numbers) -> None:
    for related in similar(engine.index, number["/ferry"], 20):
        assert sum(part.share for part in related.evidence) == pytest.approx(related.score, abs=1e-6)
        assert all(part.share == pytest.approx(part.weight * part.normalised, abs=1e-6) for part in related.evidence)
        assert 0 <= related.score <= 1


def test_hidden_pages_are_never_related(engine: Engine, number: Numbers) -> None:
    allowed = np.ones(len(engine.index.pages), dtype=np.bool_)
    allowed[number["/beacons"]] = False
    assert number["/beacons"] not in {one.page for one in similar(engine.index, number["/lighthouse"], 20, allowed)}
    drawn = random_pages(engine.index, [], 99, "", np.random.default_rng(0), allowed)
    assert number["/beacons"] not in drawn


def test_recommendations_follow_what_was_read_and_repeat_none_of_it(engine: Engine, number: Numbers) -> None:
    read = [number["/library"], number["/lighthouse"]]
    found = [related.page for related in recommend(engine.index, read, 3)]
    assert found[0] == number["/beacons"]
    assert not set(found) & set(read)


def test_the_same_reading_list_recommends_the_same(engine: Engine, number: Numbers) -> None:
    read = [number["/fees"], number["/ferry"]]
    assert recommend(engine.index, read, 4) == recommend(engine.index, read, 4)
    assert recommend(engine.index, [], 4) == []


def test_random_pages_are_not_those_seen_nor_like_them(engine: Engine, number: Numbers) -> None:
    seen = [number["/lighthouse"]]
    draws = [random_pages(engine.index, seen, 1, "en", np.random.default_rng(n))[0] for n in range(300)]
    assert number["/lighthouse"] not in draws
    assert draws.count(number["/library"]) > 2 * draws.count(number["/beacons"])


def test_random_pages_are_drawn_anew_each_time_and_none_twice(engine: Engine) -> None:
    draws = [tuple(random_pages(engine.index, [], 3, "en", np.random.default_rng(n))) for n in range(20)]
    assert len(set(draws)) > 5
    assert all(len(set(drawn)) == 3 for drawn in draws)


def test_the_start_page_is_drawn_last(engine: Engine, number: Numbers) -> None:
    for seed in range(20):
        drawn = random_pages(engine.index, [], 3, "en", np.random.default_rng(seed))
        assert number["/"] not in drawn


def test_random_pages_speak_the_visitors_language_where_the_site_does(engine: Engine, number: Numbers) -> None:
    rng = np.random.default_rng(0)
    assert set(random_pages(engine.index, [], 9, "de", rng)) == {number["/leuchtturm"], number["/buecherei"]}
    assert len(random_pages(engine.index, [], 99, "fr", rng)) == len(engine.index.pages)


def test_when_everything_was_seen_nothing_is_left(engine: Engine) -> None:
    everything = list(range(len(engine.index.pages)))
    assert random_pages(engine.index, everything, 3, "", np.random.default_rng(0)) == []
