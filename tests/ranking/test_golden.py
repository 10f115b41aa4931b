"""Golden questions: read strictly, judged fairly, and a snapshot that answers them worse is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer import golden
from indexer.golden import Outcome, Question, Report
from indexer.split import split
from searchd.engine import Engine
from searchd.errors import ConfigError
from searchd.index.builder import build
from searchd.index.opened import Index
from searchd.index.records import PageDraft
from searchd.index.stores import Encoder
from searchd.settings import IndexSettings, RankingSettings
from tests.ranking.conftest import SITE, TEXTS, article

FILE = """
[[question]]
question = "when does the boat to the mainland leave"
pages = ["/travel/ferry"]
also = ["/travel/bus"]

[[question]]
question = "how much is it to keep a puppy"
lang = "en"
pages = ["https://library.example/fees/dogs"]

[[question]]
question = "quantum chromodynamics lagrangian"
unanswerable = true
"""


@pytest.fixture
def questions(tmp_path: Path) -> tuple[Question, ...]:
    path = tmp_path / "questions.toml"
    path.write_text(FILE, encoding="utf-8")
    return golden.load(path)


def test_questions_are_read_with_their_grades(questions: tuple[Question, ...]) -> None:
    assert [dict(question.grades) for question in questions] == [
        {"/travel/bus": 1, "/travel/ferry": 2},
        {"/fees/dogs": 2},
        {},
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "holds no"),
        ("[[question]\n", "no TOML"),
        ('[[question]]\nquestion = "a"\n', "give pages"),
        ('[[question]]\nquestion = "a"\npages = ["/a"]\nunanswerable = true\n', "give pages"),
        ('[[question]]\nquestion = " "\npages = ["/a"]\n', "no question"),
        ('[[question]]\nquestion = "a"\npage = ["/a"]\n', "unknown key 'page'"),
        ('[[question]]\nquestion = "a"\npages = "/a"\n', "list of paths"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "q.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint):
        golden.load(path)


def test_the_library_answers_its_golden_questions(engine: Engine, questions: tuple[Question, ...]) -> None:
    report = golden.evaluate(engine, questions)
    assert report.mean("hit_1") == 1.0
    assert report.mean("ndcg", answerable=False) == 1.0
    assert "2 questions" in report.summary()
    assert "100% refused" in report.summary()


def test_a_page_may_be_named_by_another_of_its_addresses(encoder: Encoder, tmp_path: Path) -> None:
    settings = IndexSettings(summaries=False)
    ferry = article("/travel/ferry", *TEXTS["/travel/ferry"])
    build(tmp_path, [PageDraft(ferry, split(ferry, encoder, settings), aliases=(SITE + "/boat",))], encoder, settings)
    index = Index.open(tmp_path)
    try:
        question = Question("when does the boat to the mainland depart", "", {"/boat": 2})
        engine = Engine(index, encoder, RankingSettings())
        assert golden.evaluate(engine, (question,)).mean("hit_1") == 1.0
        assert golden.resolved(engine, (question,))[0].grades == {"/travel/ferry": 2}
    finally:
        index.close()


def test_a_snapshot_that_answers_worse_is_refused_by_name_of_the_question() -> None:
    questions = tuple(Question(f"question {n}", "", {"/a": 2}) for n in range(10))
    good = Report(questions, (Outcome(1.0, 1.0, 1.0, 1.0, False),) * 10)
    bad = Report(questions, (*good.outcomes[:9], Outcome(0.0, 0.0, 0.0, 0.0, True)))
    assert golden.compare(good, good).refusal(0.0) == ""
    refusal = golden.compare(bad, good).refusal(0.02)
    assert "0.100" in refusal
    assert "question 9" in refusal
    assert golden.compare(bad, good).refusal(0.2) == ""
    assert golden.compare(good, bad).refusal(0.0) == ""
