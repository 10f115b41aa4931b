"""Clicks and votes become questions to learn from, and only those that mean something."""

from __future__ import annotations

from pathlib import Path

from indexer import recorded
from indexer.golden import FULL, PART
from searchd.feedback import ClickCount, FeedbackStore, VoteCount

SITE = "example.org"


def grades(clicks: list[ClickCount], votes: list[VoteCount] | None = None) -> dict[str, dict[str, int]]:
    return {question.text: dict(question.grades) for question in recorded.from_counts(clicks, votes or [])}


def test_the_store_s_own_counts_are_read(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite")
    for _ in range(4):
        store.note_click(SITE, "When does the Ferry leave?", "https://example.org/ferry?day=1", 0)
    store.note_click("other.example", "ferry", "https://other.example/", 0)
    store.note_vote(SITE, "https://example.org/ferry?day=1", True)
    found = recorded.questions(store, SITE)
    assert [(question.text, dict(question.grades)) for question in found] == [
        ("when does the ferry leave?", {"/ferry?day=1": FULL})
    ]


def test_few_clicks_and_replaced_words_teach_nothing() -> None:
    assert grades([ClickCount("ferry", "/a", recorded.LEAST_CLICKS - 1, 0.0)]) == {}
    assert grades([ClickCount("mail [e-mail]", "/a", 9, 0.0)]) == {}


def test_a_click_from_below_says_more_than_one_on_top() -> None:
    clicks = [ClickCount("ferry", "/top", 6, 0.0), ClickCount("ferry", "/below", 4, 4.0)]
    assert grades(clicks) == {"ferry": {"/below": FULL}}
    clicks.append(ClickCount("ferry", "/beside", 3, 2.0))
    assert grades(clicks) == {"ferry": {"/below": FULL, "/beside": PART}}


def test_votes_correct_clicks() -> None:
    clicks = [
        ClickCount("ferry", "/bad", 9, 1.0),
        ClickCount("ferry", "/good", 3, 1.0),
        ClickCount("ferry", "/other", 3, 0.5),
    ]
    votes = [
        VoteCount("https://example.org/bad", 1, 4),
        VoteCount("https://example.org/other", 5, 0),
        VoteCount("/good", 1, 0),
    ]
    assert grades(clicks, votes) == {"ferry": {"/good": FULL, "/other": FULL}}
