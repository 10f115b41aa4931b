"""The benchmark of slips and of questions without an answer, on two small judged sets."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import beir
from benchmarks.robustness import Doubt, main, same_documents, with_slip

GARDEN = {
    "roses": "Prune roses in early spring, before the buds open. Cut above a bud that points outwards.",
    "tomatoes": "Tomatoes need warmth and much water. Remove the side shoots once a week.",
    "compost": "A heap of compost is ready after a year. Turn it twice and keep it moist.",
}
SEA = {
    "lighthouse": "The lighthouse on the northern cape was built in 1871. Its lamp is seen for twenty miles.",
    "harbour": "The harbour closes when the wind is stronger than nine. Ferries then stay on the mainland.",
    "tides": "High tide comes some fifty minutes later every day, because the moon moves on.",
}


def written(folder: Path, documents: dict[str, str], questions: dict[str, str]) -> None:
    folder.mkdir()
    corpus = [json.dumps({"_id": name, "title": name, "text": text}) for name, text in documents.items()]
    (folder / "corpus.jsonl").write_text("\n".join(corpus))
    queries = [json.dumps({"_id": f"{folder.name}-{name}", "text": text}) for name, text in questions.items()]
    (folder / "queries.jsonl").write_text("\n".join(queries))
    (folder / "qrels.tsv").write_text("\n".join(f"{folder.name}-{name}\t{name}\t1" for name in questions))


@given(st.text(max_size=40), st.integers(0, 2**32))
def test_a_slip_is_one_edit_in_one_word_of_four_letters(text: str, seed: int) -> None:
    slipped = with_slip(text, random.Random(seed))
    assert abs(len(slipped) - len(text)) <= 1
    common = next((at for at, (a, b) in enumerate(zip(text, slipped, strict=False)) if a != b), len(text))
    ends = [(text[common + left :], slipped[common + right :]) for left in range(3) for right in range(3)]
    assert slipped == text or any(a == b for a, b in ends)


def test_every_kind_of_slip_happens_and_only_in_long_words() -> None:
    plain = "an abcdefgh is it"
    slipped = {with_slip(plain, random.Random(seed)) for seed in range(200)}
    assert {len(text) for text in slipped} == {16, 17, 18}
    assert all(text.startswith("an ") and text.endswith(" is it") for text in slipped)
    assert any(sorted(text) == sorted(plain) and text != plain for text in slipped)  # swapped


def test_a_text_without_a_long_word_keeps_its_letters() -> None:
    assert with_slip("a b2 c-d", random.Random(1)) == "a b2 c-d"


def test_translations_and_copies_are_the_same_documents(tmp_path: Path) -> None:
    written(tmp_path / "a", GARDEN, {"roses": "when to prune roses?"})
    written(tmp_path / "b", dict.fromkeys(GARDEN, "auf Deutsch"), {"roses": "Wann schneidet man Rosen?"})
    written(tmp_path / "c", {f"en/{name}": text for name, text in GARDEN.items()}, {"roses": "prune?"})
    written(tmp_path / "d", SEA, {"tides": "when is high tide?"})
    a, b, c, d = (beir.load(tmp_path / name) for name in "abcd")
    assert same_documents(a, b)
    assert same_documents(a, c)
    assert not same_documents(a, d)


def test_shares_count_what_reaches_the_threshold() -> None:
    doubt = Doubt(best=[0.9, 0.8], first=[0.9, 0.1], foreign={"other": [0.05, 0.85]})
    ((name, row),) = doubt.rows(0.5)
    assert name == "other"
    assert row == {"auroc": 0.75, "refused": 0.5, "kept": 0.5}


def test_the_benchmark_tells_gardens_from_the_sea(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = tmp_path / "sets"
    sets.mkdir()
    written(
        sets / "garden",
        GARDEN,
        {"roses": "when should I prune my roses?", "tomatoes": "how often to remove shoots of tomatoes?"},
    )
    written(sets / "sea", SEA, {"lighthouse": "how old is the lighthouse?", "tides": "why is the tide later each day?"})
    out = tmp_path / "figures.json"
    assert main(["--judged", str(sets), "--cache", str(tmp_path / "vectors"), "--json", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert figures["garden"]["ndcg@10"]["plain"] == figures["sea"]["ndcg@10"]["plain"] == 1.0
    assert figures["garden"]["asked by"]["sea"]["auroc"] == figures["sea"]["asked by"]["garden"]["auroc"] == 1.0
    assert figures["garden"]["asked by"]["sea"]["kept"] == 1.0
    assert "asked by garden" in capsys.readouterr().out


def test_a_folder_without_sets_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--judged", str(tmp_path)]) != 0
    assert "holds no corpus.jsonl" in capsys.readouterr().err
