import filecmp
import json
import math
import random
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from searchd.errors import SnapshotError
from searchd.index import lexical_postings
from searchd.index.lexical import Lexical, LexicalWriter, Weights
from searchd.index.lexical_results import Wanted
from searchd.index.lexical_terms import SortedWords
from searchd.text.analysis import tokens
from searchd.text.parse import parse

Passages = Sequence[str]


def build(folder: Path, pages: Sequence[tuple[str, Passages]], lang: str = "en") -> Lexical:
    """An index of (title, passages) pages."""
    writer = LexicalWriter(folder)
    row = 0
    for number, (title, passages) in enumerate(pages):
        writer.add_page(number, title=title, lang=lang)
        for text in passages:
            writer.add_passage(row, number, headings=(), text=text)
            row += 1
    writer.close()
    return Lexical.open(folder)


SHIPS = [
    ("Boats", ["A sailing boat needs wind.", "The harbour master keeps a list of boats."]),
    ("Harbour fees", ["Fees for the harbour are paid in the office.", "The office opens at nine."]),
    ("Rebase", ["Run git-rebase with --no-verify to skip hooks.", "An interactive rebase rewrites commits."]),
    ("Weather", ["Wind and rain are forecast. Send an e-mail to get the forecast."]),
]


@pytest.fixture(scope="module")
def ships(tmp_path_factory: pytest.TempPathFactory) -> Lexical:
    return build(tmp_path_factory.mktemp("ships"), SHIPS)


def asked(index: Lexical, query: str, lang: str = "en") -> Wanted:
    return index.look_up(parse(query, lang, index.vocabulary))


def pages(index: Lexical, query: str, lang: str = "en", k: int = 10) -> list[int]:
    return [int(page) for page in index.search(asked(index, query, lang), k, k).pages]


def test_the_page_about_the_words_comes_first(ships: Lexical) -> None:
    assert pages(ships, "harbour fees")[0] == 1
    result = ships.search(asked(ships, "office hours"), 10, 10)
    assert 3 in result.passage_rows.tolist()


def test_a_word_that_no_page_has_finds_nothing(ships: Lexical) -> None:
    wanted = asked(ships, "sandwich")
    result = ships.search(wanted, 10, 10)
    assert result.pages.tolist() == result.passage_rows.tolist() == []
    assert [term.found for term in wanted.terms] == [False]


def test_hyphenated_words_match_their_parts(ships: Lexical) -> None:
    assert pages(ships, "email") == pages(ships, "e-mail") == pages(ships, "e mail") == [3]
    assert pages(ships, "git-rebase") == pages(ships, "rebase") == [2]
    assert pages(ships, "no-verify") == [2]


def test_one_slip_still_finds_the_page(ships: Lexical) -> None:
    assert pages(ships, "harbuor") == pages(ships, "harbour")


def test_quoted_words_must_follow_each_other(ships: Lexical) -> None:
    assert pages(ships, '"harbour master"') == [0]
    assert pages(ships, '"master harbour"') == []
    assert pages(ships, '"harbour fees"') == [1]  # words of the title


def test_a_phrase_does_not_reach_across_passages(ships: Lexical) -> None:
    assert pages(ships, '"office the office"') == []


def test_excluded_words_exclude_the_whole_page(ships: Lexical) -> None:
    assert set(pages(ships, "wind")) == {0, 3}
    result = ships.search(asked(ships, "wind -rain"), 10, 10)
    assert result.pages.tolist() == [0]
    assert result.passage_rows.tolist() == [0]


def test_a_filter_leaves_only_allowed_pages(ships: Lexical) -> None:
    allowed = np.array([False, False, False, True])
    result = ships.search(asked(ships, "wind"), 10, 10, allowed_pages=allowed)
    assert result.pages.tolist() == [3]
    assert result.passage_rows.tolist() == [6]


def test_coverage_is_the_share_of_the_query_that_a_page_holds(ships: Lexical) -> None:
    coverage = ships.score_pages(asked(ships, "harbour fees"), np.array([0, 1, 3])).coverage
    assert coverage[1] == pytest.approx(1.0)
    assert 0 < coverage[0] < 1
    assert coverage[2] == 0
    foreign = asked(ships, "harbour Wetterbericht")
    assert ships.score_pages(foreign, np.array([1])).coverage[0] < 0.5  # unknown words count in full


def test_scores_are_the_same_in_any_order(ships: Lexical) -> None:
    wanted = asked(ships, "wind harbour boats forecast")
    rows = np.array([5, 0, 6, 1])
    scored = ships.score_passages(wanted, rows)
    one_by_one = [ships.score_passages(wanted, np.array([row])).scores[0] for row in rows]
    np.testing.assert_allclose(scored.scores, one_by_one)


def _random_site(rng: random.Random, n_pages: int) -> list[tuple[str, list[str]]]:
    words = [f"{a}{b}{c}o" for a in "bdfgk" for b in "aiou" for c in "lmnrt"]
    weights = [1 / (rank + 1) for rank in range(len(words))]

    def text(length: int) -> str:
        return " ".join(rng.choices(words, weights, k=length))

    return [
        (text(rng.randint(0, 4)), [text(rng.randint(0, 60)) for _ in range(rng.randint(0, 4))]) for _ in range(n_pages)
    ]


def _reference(site: list[tuple[str, list[str]]], query: list[str]) -> tuple[list[float], list[float]]:
    """BM25F from its formula, written down independently: scores of pages and of passages."""
    weights = Weights()

    def terms(text: str) -> list[str]:
        return [token.term for token in tokens(text, "en")]

    passages = [(terms(title), terms(text)) for title, texts in site for text in texts]
    whole = [(terms(title), [term for text in texts for term in terms(text)]) for title, texts in site]

    def score(
        docs: list[tuple[list[str], list[str]]], fields: tuple[tuple[float, float], ...], k1: float
    ) -> list[float]:
        means = []
        for field in (0, 1):
            lengths = [len(doc[field]) for doc in docs if doc[field]]
            means.append(sum(lengths) / len(lengths) if lengths else 1.0)
        scores = [0.0] * len(docs)
        for word in query:
            holding = sum(word in doc[0] or word in doc[1] for doc in docs)
            idf = math.log(1 + (len(docs) - holding + 0.5) / (holding + 0.5))
            for number, doc in enumerate(docs):
                tf = 0.0
                for field, (boost, b) in enumerate(fields):
                    tf += boost * doc[field].count(word) / (1 - b + b * len(doc[field]) / means[field])
                scores[number] += idf * (k1 + 1) * tf / (k1 + tf)
        return scores

    by_page = ((weights.page_title.boost, weights.page_title.b), (weights.page_body.boost, weights.page_body.b))
    by_passage = (
        (weights.passage_headings.boost, weights.passage_headings.b),
        (weights.passage_text.boost, weights.passage_text.b),
    )
    return score(whole, by_page, weights.page_k1), score(passages, by_passage, weights.passage_k1)


@pytest.mark.parametrize(
    ("compiled", "long", "look_up"),
    [(False, 0, 0), (False, 50, 1), (False, 100_000, 16), (True, 0, 0)],
    ids=["looked into", "some", "read", "compiled"],
)
@pytest.mark.parametrize("seed", range(4))
def test_scores_agree_with_the_formula_and_the_best_are_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, compiled: bool, long: int, look_up: int
) -> None:
    monkeypatch.setattr(lexical_postings, "_LONG", long)
    monkeypatch.setattr(lexical_postings, "_LOOK_UP", look_up)
    monkeypatch.setattr(lexical_postings, "_SHORT", long // 4)
    rng = random.Random(seed)
    site = _random_site(rng, 150 if seed % 2 else 500)
    index = build(tmp_path, site)
    if compiled and index._passages.compiled is None:
        pytest.skip("there is no C compiler")
    if not compiled:
        index._passages.compiled = index._pages.compiled = None
    for k in (1, 5, 40, 300):
        query = sorted(
            {word for _ in range(4) for _, texts in rng.sample(site, 3) for word in " ".join(texts).split()[:1]}
        )
        parsed = parse(" ".join(query), "en", index.vocabulary)
        assert all(len(term.alternatives) == 1 for term in parsed.terms)
        of_pages, of_passages = _reference(site, [term.alternatives[0].term for term in parsed.terms])
        wanted = index.look_up(parsed)
        result = index.search(wanted, k, k)
        for numbers, scores, expected in (
            (result.pages, result.page_scores, of_pages),
            (result.passage_rows, result.passage_scores, of_passages),
        ):
            best = sorted((score for score in expected if score > 0), reverse=True)[:k]
            np.testing.assert_allclose(scores, best, rtol=2e-3)
            np.testing.assert_allclose([expected[number] for number in numbers], best, rtol=2e-3)
        every = index.score_passages(wanted, np.arange(len(of_passages)))
        np.testing.assert_allclose(every.scores, of_passages, rtol=2e-3, atol=1e-4)


def test_a_german_compound_is_found_by_its_part(tmp_path: Path) -> None:
    site = [
        ("Impressum", ["Die Datenschutzerklärung finden Sie hier."]),
        ("Recht", ["Der Datenschutz ist wichtig."]),
        ("Text", ["Eine Erklärung der Ärzte, und eine Erklärung der Bürger."]),
    ]
    index = build(tmp_path, site, "de")
    assert set(pages(index, "Datenschutz", "de")) == {0, 1}
    assert pages(index, "Datenschutzerklärung", "de")[0] == 0
    assert set(pages(index, "Erklärungen", "de")) == {0, 2}
    assert pages(index, "aerzte", "de") == pages(index, "arzte", "de") == pages(index, "Arzt", "de") == [2]


def test_each_page_is_read_in_its_own_language(tmp_path: Path) -> None:
    writer = LexicalWriter(tmp_path)
    texts = [
        ("en", "Opening hours of the libraries"),
        ("de", "Öffnungszeiten der Bibliotheken"),
        ("ja", "図書館の開館時間"),
    ]
    for number, (lang, text) in enumerate(texts):
        writer.add_page(number, title=text, lang=lang)
        writer.add_passage(number, number, headings=(), text=text)
    writer.close()
    index = Lexical.open(tmp_path)
    assert set(index.vocabulary.languages) == {"en", "de", "ja"}
    assert pages(index, "library", "en") == [0]
    assert pages(index, "Bibliothek", "") == [1]
    assert pages(index, "Bibliothek", "en") == [1]  # taken for another language, found all the same
    assert pages(index, "開館時間", "ja") == [2]


def test_the_address_and_the_links_of_others_count(tmp_path: Path) -> None:
    writer = LexicalWriter(tmp_path)
    for number, (words, anchors) in enumerate([("contact", ()), ("about", ("Directions for visitors",))]):
        writer.add_page(number, title="Page", url_words=words, anchor_texts=anchors, lang="en")
        writer.add_passage(number, number, headings=("Heading",), text="Some text.")
    writer.close()
    index = Lexical.open(tmp_path)
    assert pages(index, "contact") == [0]
    assert pages(index, "directions") == [1]
    assert index.search(asked(index, "heading"), 10, 10).passage_rows.tolist() == [0, 1]


def test_words_are_offered_as_the_site_writes_them(tmp_path: Path) -> None:
    index = build(tmp_path, [("Café", ["Das Café öffnet. Cafés und Bäcker."])], "de")
    vocabulary = index.vocabulary
    assert vocabulary.display("cafe") == "café"
    assert vocabulary.pages_with("cafe") == 1
    assert vocabulary.starting_with("caf", 5) == ["cafe", "cafes"]
    assert [near.form for near in vocabulary.near("baker", 1, 5)] == ["backer"]
    assert parse("cfae", "de", vocabulary).did_you_mean == "café"


def test_near_words_are_those_within_the_distance(tmp_path: Path) -> None:
    from searchd.text.distance import edit_distance

    rng = random.Random(5)
    words = sorted({"".join(rng.choices("abcde", k=rng.randint(4, 7))) for _ in range(300)})
    index = build(tmp_path, [("", [" ".join(words)])], "")
    for word in rng.sample(words, 40):
        typed = word[:-1] + "x"
        found = {near.form for near in index.vocabulary.near(typed, 1, 1000)}
        assert found == {other for other in words if edit_distance(typed, other, 1) == 1}


def test_a_list_finds_each_of_its_words_and_no_other(tmp_path: Path) -> None:
    rng = random.Random(6)
    drawn = {"".join(rng.choices("abcé", k=rng.randint(1, 7))) for _ in range(3000)}
    words = sorted(drawn, key=str.encode)
    listed, others = words[::2], words[1::2]
    SortedWords.save(tmp_path, "some", listed)
    found = SortedWords(tmp_path, "some")
    assert [found.number(word) for word in listed] == list(range(len(listed)))
    assert {found.number(word) for word in (*others, "", "z")} == {-1}
    for prefix in ("a", "ab", "é", "bé", "cab", "z"):
        holding = [number for number, word in enumerate(listed) if word.startswith(prefix)]
        low, high = found.prefix_range(prefix)
        assert list(range(low, high)) == holding
    SortedWords.save(tmp_path, "none", [])
    assert SortedWords(tmp_path, "none").number("a") == -1


def test_the_same_pages_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build(tmp_path / name, SHIPS)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "b").iterdir())
    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False)[1:] == ([], [])
    assert not [name for name in names if name.endswith(".tmp")]


def test_an_empty_site_answers_with_nothing(tmp_path: Path) -> None:
    index = build(tmp_path, [])
    assert pages(index, "anything") == []
    assert build(tmp_path / "b", [("", [""])]).search(asked(index, "x"), 5, 5).pages.tolist() == []


def test_pages_and_passages_out_of_order_are_refused(tmp_path: Path) -> None:
    writer = LexicalWriter(tmp_path)
    with pytest.raises(ValueError, match="expected"):
        writer.add_page(1, title="x")
    writer.add_page(0, title="x")
    with pytest.raises(ValueError, match="out of order"):
        writer.add_passage(1, 0, headings=(), text="x")


def test_an_index_of_another_version_is_refused(tmp_path: Path) -> None:
    build(tmp_path, SHIPS)
    meta = json.loads((tmp_path / "lexical.json").read_text())
    (tmp_path / "lexical.json").write_text(json.dumps({**meta, "analysis_version": 0}))
    with pytest.raises(SnapshotError, match="version 0"):
        Lexical.open(tmp_path)
    with pytest.raises(SnapshotError, match="no lexical index"):
        Lexical.open(tmp_path / "nowhere")


def test_many_threads_get_the_same_answers(ships: Lexical) -> None:
    queries = ["harbour fees", "wind", "git-rebase", "harbuor master", "sailing boats", "forecasts"]
    alone = [pages(ships, query) for query in queries]
    together: list[list[list[int]]] = []

    def ask() -> None:
        together.append([pages(ships, query) for _ in range(20) for query in queries])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [alone * 20] * 4
