"""Which sections of a page are shown, given what its passages are worth."""

from __future__ import annotations

import numpy as np
import pytest

from searchd.presentation import SECTIONS, sections_of_pages


def shown(*pages: list[tuple[int, float]]) -> list[list[tuple[int, float]]]:
    """pages: section and score of each passage, in order of the rows."""
    passages = [(section, score, place) for place, page in enumerate(pages) for section, score in page]
    sections, scores, owners = (np.array(column) for column in zip(*passages, strict=True))
    return sections_of_pages(np.arange(len(passages)), scores.astype(np.float32), owners, sections, len(pages))


def test_each_section_is_shown_once_by_its_best_passage() -> None:
    assert shown([(0, 2.0), (0, 4.0), (1, 3.0)], [(2, 1.0)]) == [[(1, 4.0), (2, 3.0)], [(3, 1.0)]]


def test_a_long_section_leaves_room_for_the_next() -> None:
    found = shown([*[(0, 4.0 - n / 100) for n in range(20)], (1, 3.0)])
    assert [row for row, _ in found[0]] == [0, 20]


def test_no_more_sections_than_fit_and_none_far_behind_the_best() -> None:
    assert [row for row, _ in shown([(n, 5.0 - n / 10) for n in range(6)])[0]] == list(range(SECTIONS))
    assert [row for row, _ in shown([(0, 5.0), (1, 3.1), (2, 2.9)])[0]] == [0, 1]


@pytest.mark.parametrize("score", [0.0, -2.0])
def test_a_page_is_shown_by_something_whatever_it_is_worth(score: float) -> None:
    assert shown([(0, score), (1, score - 1)])[0] == [(0, score)]


def test_of_equal_passages_the_first_one_is_shown() -> None:
    assert shown([(0, 1.0), (1, 1.0), (0, 1.0)])[0] == [(0, 1.0), (1, 1.0)]
