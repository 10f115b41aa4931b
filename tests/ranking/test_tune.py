"""Weights are learned only where there is something to learn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from indexer import tune
from indexer.golden import Question
from searchd.engine import Engine
from searchd.errors import ConfigError
from tests.ranking.conftest import TEXTS


def questions() -> list[Question]:
    """Each page asked for by its title and by its first words."""
    texts = [(title, path) for path, (title, _) in TEXTS.items()]
    texts += [(" ".join(text.split()[:6]), path) for path, (_, text) in TEXTS.items()]
    return [Question(text, "en", {path: 2}) for text, path in texts]


def test_good_weights_are_left_alone(engine: Engine) -> None:
    tuned = tune.tune(engine, questions())
    assert not tuned.kept
    assert tuned.after >= tuned.before - 0.05


def test_bad_weights_are_mended_and_the_gain_is_on_questions_not_learned_from(
    engine_with: Callable[..., Engine],
) -> None:
    bad = engine_with(weights={"best": 0.3, "lead": 0.05, "passage_bm25": -1.0, "page_bm25": -0.5, "coverage": 0.3})
    tuned = tune.tune(bad, questions())
    assert tuned.after > tuned.before
    assert tuned.weights
    assert tuned.as_toml().startswith("weights = {")


def test_a_handful_of_questions_teaches_nothing(engine: Engine) -> None:
    with pytest.raises(ConfigError, match="too few"):
        tune.tune(engine, questions()[:5])
