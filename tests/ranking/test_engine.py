"""What a visitor gets from the engine, asked of a dozen real pages with the real model."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.split import split
from searchd.engine import Engine
from searchd.errors import QueryError
from searchd.index.builder import build
from searchd.index.dense import ASKED_FOR
from searchd.index.opened import Index
from searchd.index.records import Article, Block, PageDraft, Passage, Section
from searchd.index.stores import Encoder
from searchd.query import Answer, Filters, Query
from searchd.settings import IndexSettings, RankingSettings
from tests.ranking.conftest import SITE, TEXTS, article

Make = Callable[..., Engine]


def paths(answer: Answer) -> list[str]:
    return [hit.url.removeprefix(SITE) for hit in answer.hits]


def first(engine: Engine, text: str, **arguments: object) -> str:
    return paths(engine.search(Query(text, **arguments)))[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("when does the boat to the mainland depart", "/travel/ferry"),
        ("how much does it cost to keep a puppy", "/fees/dogs"),
        ("borrow a novel", "/culture/library"),
        ("harpoons", "/culture/museum"),
        ("throw away old newspapers", "/office/waste"),
    ],
)
def test_a_question_in_other_words_finds_its_page(engine: Engine, question: str, path: str) -> None:
    assert first(engine, question) == path


def test_a_word_that_one_page_holds_brings_that_page_first_however_much_vectors_weigh(engine_with: Make) -> None:
    engine = engine_with(weights={"best": 10.0})
    text_of = {path: f"{path} {title} {text}".casefold() for path, (title, text) in TEXTS.items()}
    words = {word for text in text_of.values() for word in re.findall(r"[a-z]{5,}", text)}
    holders = {word: [path for path, text in text_of.items() if word[:4] in text] for word in sorted(words)}
    named = {word: paths[0] for word, paths in holders.items() if len(paths) == 1}
    assert len(named) > 50
    assert {word: first(engine, word) for word in named} == named


def test_each_leg_answers_alone(engine: Engine) -> None:
    assert first(engine, "sperm whale skeleton", mode="lexical") == "/culture/museum"
    assert first(engine, "identity papers for going abroad", mode="semantic") == "/office/passports"
    assert "/culture/museum" not in paths(engine.search(Query("Monday", mode="lexical")))


def test_a_question_that_the_site_cannot_answer_gets_no_results_but_the_nearest_pages(engine: Engine) -> None:
    for question in ("quantum chromodynamics lagrangian", "recipe for sourdough sandwich bread", "python asyncio"):
        answer = engine.search(Query(question, facets=True))
        assert answer.nothing_relevant, question
        assert answer.total == 0
        assert answer.facets == ()
        assert answer.hits


def test_totals_count_what_matches_and_not_everything(engine_with: Make) -> None:
    answer = engine_with(threshold=0.15).search(Query("dog tax", facets=True))
    assert 1 <= answer.total < len(TEXTS) / 2
    assert len(answer.hits) == answer.total
    counted = {facet.name: dict(facet.counts) for facet in answer.facets}
    assert sum(counted["category"].values()) == answer.total
    assert counted["tag"]["money"] == 1


def test_a_long_page_does_not_crowd_out_the_others(encoder: Encoder, tmp_path: Path) -> None:
    rules = tuple(Passage((f"Rule {n}",), f"r{n}", f"Boats of {n} metres pay at the jetty.", 10) for n in range(150))
    block = Block("paragraph", "\n".join(rule.text for rule in rules))
    harbour = Article(SITE + "/harbour", "Harbour rules for boats", (Section((), "", (block,)),), "en")
    settings = IndexSettings(summaries=False)
    others = [article(path, title, text) for path, (title, text) in TEXTS.items()]
    drafts = [PageDraft(harbour, rules), *(PageDraft(one, split(one, encoder, settings)) for one in others)]
    build(tmp_path, drafts, encoder, settings)
    engine = Engine(Index.open(tmp_path), encoder, RankingSettings(threshold=0.0))
    assert len(rules) > 2 * ASKED_FOR
    found = paths(engine.search(Query("rule on boats", limit=8, mode="semantic")))
    assert len(set(found)) == 8


def test_limit_means_that_many_different_pages(engine_with: Make) -> None:
    answer = engine_with(threshold=0.0).search(Query("boat", limit=7))
    assert len({hit.url for hit in answer.hits}) == 7


def test_pages_that_say_the_same_are_shown_once(engine_with: Make) -> None:
    found = paths(engine_with(threshold=0.0).search(Query("ferry timetable", limit=20)))
    assert found.count("/travel/ferry") == 1
    assert "/travel/ferry-copy" not in found


def test_pages_of_results_follow_one_another_without_gap_or_repetition(engine_with: Make) -> None:
    engine = engine_with(threshold=0.0)
    whole = paths(engine.search(Query("boat on sunday", limit=9)))
    parts = [paths(engine.search(Query("boat on sunday", limit=3, offset=offset))) for offset in (0, 3, 6)]
    assert [path for part in parts for path in part] == whole


def test_shares_of_the_evidence_add_up_to_the_score_on_a_thousand_queries(engine_with: Make) -> None:
    engine = engine_with(boosts={"/news/*": 0.7, "tag:money": -0.4}, freshness=0.5, threshold=0.0)
    words = sorted({word.strip(".,").lower() for title, text in TEXTS.values() for word in f"{title} {text}".split()})
    choose = random.Random(7)
    for _ in range(1000):
        text = " ".join(choose.choices([*words, "zebra", "wo", "1887"], k=choose.randint(1, 5)))
        mode = choose.choice(["hybrid", "semantic", "lexical"])
        for hit in engine.search(Query(text, limit=4, mode=mode, explain=True)).hits:  # type: ignore[arg-type]
            assert hit.score == pytest.approx(sum(term.share for term in hit.evidence), abs=1e-4), text
            for term in hit.evidence:
                assert term.share == pytest.approx(term.weight * term.normalised, abs=1e-4)


def test_a_page_made_of_links_loses_by_its_share_of_them_and_says_so(encoder: Encoder, tmp_path: Path) -> None:
    settings = IndexSettings(summaries=False)
    entries = [f"{title}, {text}" for title, text in TEXTS.values()]
    names = "\n".join(entries)
    block = Block("list", names, linked=round(0.9 * len(names)))
    index = Article(SITE + "/a-z", "From A to Z", (Section((), "", (block,)),), "en")
    others = [article(path, title, text) for path, (title, text) in TEXTS.items()]
    drafts = [PageDraft(index, tuple(Passage((), "", entry) for entry in entries))]
    drafts += [PageDraft(one, split(one, encoder, settings)) for one in others]
    build(tmp_path, drafts, encoder, settings)
    opened = Index.open(tmp_path)
    query = Query("when does the bridge carry cars again", limit=20, explain=True)
    found = {}
    for weight in (0.0, 2.0):
        engine = Engine(opened, encoder, RankingSettings(threshold=0.0, weights={"links": weight}))
        found[weight] = {hit.url.removeprefix(SITE): hit for hit in engine.search(query).hits}
    (term,) = [term for term in found[2.0]["/a-z"].evidence if term.name == "made of links"]
    assert term.raw == pytest.approx(0.9, abs=0.01)
    assert -2.0 * 0.81 < term.share < 0
    assert found[2.0]["/a-z"].score == pytest.approx(found[0.0]["/a-z"].score + term.share, abs=1e-4)
    assert found[2.0]["/fees/dogs"].score == found[0.0]["/fees/dogs"].score
    opened.close()


def test_the_same_question_gets_the_same_answer_from_many_threads_at_once(engine: Engine) -> None:
    questions = ["boat", "dog", "when is paper collected", "marry on a tower", "storm"] * 8
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda text: [(h.url, h.score) for h in engine.search(Query(text)).hits], questions))
    for text, hits in zip(questions, found, strict=True):
        assert hits == found[questions.index(text)]


def test_filters_restrict_both_legs(engine_with: Make) -> None:
    engine = engine_with(threshold=0.0)

    def found(**conditions: object) -> set[str]:
        return set(paths(engine.search(Query("boat and dog", limit=20, filters=Filters(**conditions)))))  # type: ignore[arg-type]

    assert (
        found(category=("fees",))
        == found(tag=("money",))
        == found(path_prefix="/fees/")
        == {"/fees/mooring", "/fees/dogs"}
    )
    assert found(date_from="2024-01-01") == {"/news/2024/storm"}
    assert found(date_to="2023-12-31") == {"/news/2023/bridge"}
    assert found(lang=("de",)) == found(kind=("pdf",)) == set()
    with pytest.raises(QueryError, match="no date"):
        found(date_from="soon")


def test_excluded_words_and_phrases_bind_the_vectors_too(engine_with: Make) -> None:
    engine = engine_with(threshold=0.0)
    assert "/culture/lighthouse" not in paths(engine.search(Query("tower -lighthouse", limit=20)))
    assert paths(engine.search(Query('"guide dogs"', limit=20))) == ["/fees/dogs"]


def test_a_quoted_phrase_that_leaves_nothing_does_not_hide_the_answer(engine_with: Make) -> None:
    engine = engine_with(threshold=0.0)
    answer = engine.search(Query('what does "a guide dog" cost', limit=20, explain=True))
    assert paths(answer)[0] == "/fees/dogs"
    assert "no page is left by the phrase 'a guide dog'" in answer.notes
    assert paths(engine.search(Query('"guide dogs" or "police dogs"', limit=20))) == ["/fees/dogs"]  # one stands
    assert len(paths(engine.search(Query('"guide dogs" and "sperm whale"', limit=20)))) > 1  # nowhere together


def test_sorting_by_date_puts_the_newest_matching_page_first(engine_with: Make) -> None:
    found = paths(engine_with(threshold=0.0).search(Query("news", limit=20, sort="date")))
    assert found[:2] == ["/news/2024/storm", "/news/2023/bridge"]


def test_the_owner_pins_hides_and_boosts_and_the_explanation_says_so(engine_with: Make) -> None:
    pinned = engine_with(pins={"Opening  hours": ("/office/waste", "/travel/bus")})
    answer = pinned.search(Query("opening hours", explain=True))
    assert paths(answer)[:2] == ["/office/waste", "/travel/bus"]
    assert any(term.name == "pin" for term in answer.hits[0].evidence)
    assert not answer.nothing_relevant
    assert first(engine_with(hide=("/culture/museum",), threshold=0.0), "whale") != "/culture/museum"
    assert "/fees/dogs" not in paths(engine_with(hide=("tag:money",), threshold=0.0).search(Query("dog", limit=20)))
    boosted = engine_with(boosts={"/news/*": 50.0}).search(Query("boat", explain=True))
    assert paths(boosted)[0] == "/news/2024/storm"
    assert any(term.name == "boost /news/*" and term.share == 50.0 for term in boosted.hits[0].evidence)


def test_fresh_pages_gain_by_half_lives(engine_with: Make) -> None:
    engine = engine_with(freshness=2.0, freshness_half_life_days=100.0, threshold=0.0)
    shares = {
        hit.url.removeprefix(SITE): sum(term.share for term in hit.evidence if term.name == "freshness")
        for hit in engine.search(Query("storm bridge", limit=20, explain=True)).hits
    }
    assert shares["/news/2024/storm"] == pytest.approx(2.0)
    assert shares["/news/2023/bridge"] == pytest.approx(2.0 * 0.5**5.51, rel=0.01)
    assert shares["/travel/bus"] == 0.0


def test_pages_of_results_are_slices_of_one_list(encoder: Encoder, tmp_path: Path) -> None:
    rng = random.Random(3)
    words = [word for _, text in TEXTS.values() for word in text.split()]
    settings = IndexSettings(summaries=False)
    articles = [article(f"/rules/{n}", f"Harbour rule {n}", " ".join(rng.sample(words, 30))) for n in range(150)]
    build(tmp_path, [PageDraft(one, split(one, encoder, settings)) for one in articles], encoder, settings)
    index = Index.open(tmp_path)
    try:
        engine = Engine(index, encoder, RankingSettings())
        for text in ("which boats may moor in the harbour", "ferry", "dog tax"):
            parts = [engine.search(Query(text, limit=10, offset=at)) for at in range(0, 90, 10)]
            found = [path for part in parts for path in paths(part)]
            assert len(set(found)) == len(found) == parts[0].total > 20
            assert {(part.total, part.nothing_relevant) for part in parts} == {(parts[0].total, False)}
            assert [path for limit in (3, 20) for path in paths(engine.search(Query(text, limit=limit)))] == [
                *found[:3],
                *found[:20],
            ]
    finally:
        index.close()


def test_pins_keep_to_filters_and_a_hidden_page_stays_hidden(engine_with: Make) -> None:
    engine = engine_with(pins={"boat": ("/office/waste", "/culture/museum")}, hide=("/culture/museum",))
    found = paths(engine.search(Query("boat")))
    assert found[0] == "/office/waste"
    assert "/culture/museum" not in found
    elsewhere = engine.search(Query("boat", filters=Filters(path_prefix="/travel/")))
    assert elsewhere.hits
    assert all(path.startswith("/travel/") for path in paths(elsewhere))
    assert engine.search(Query("boat", filters=Filters(path_prefix="/nowhere/"))).total == 0


def test_rules_that_name_no_page_are_known(engine_with: Make) -> None:
    rules = {"hide": ("/news/*", "tag:Money"), "pins": {"boat": ("/travel/none",)}, "boosts": {"/nowhere/*": 1.0}}
    idle = engine_with(**rules).steer.idle
    assert idle == ("ranking.hide: tag:Money", "ranking.boosts: /nowhere/*", "ranking.pins: /travel/none")


def test_a_page_that_the_query_excludes_is_told_so(engine: Engine) -> None:
    for text, path in (("storm -boat", "/news/2024/storm"), ('storm -"moor your boat"', "/news/2024/storm")):
        assert path not in paths(engine.search(Query(text, limit=20)))
        why = engine.why(Query(text), SITE + path)
        assert why.position == 0
        assert any("excludes with a dash" in reason for reason in why.reasons)
    why = engine.why(Query('"moor your boat"'), SITE + "/travel/bus")
    assert any("lacks a quoted phrase" in reason for reason in why.reasons)


def test_a_page_of_a_day_to_come_makes_no_other_old(encoder: Encoder, tmp_path: Path) -> None:
    dates = {"/fair": "2031-06-01", "/today": "2026-11-20", "/lastyear": "2025-11-20"}
    articles = [replace(article(path, path[1:], "The fair of boats."), modified=day) for path, day in dates.items()]
    settings = IndexSettings(summaries=False)
    build(tmp_path, [PageDraft(one, split(one, encoder, settings)) for one in articles], encoder, settings)
    index = Index.open(tmp_path)
    try:
        fresh = RankingSettings(freshness=2.0, freshness_half_life_days=365.0)
        for snapshot, today in (("20261123T120000Z-00000000", 2.0), ("by hand", 0.0)):
            (boost,) = Engine(index, encoder, fresh, snapshot).steer.boosts
            shares = dict(zip(dates, boost.values.tolist(), strict=True))
            assert shares["/fair"] == 2.0
            assert shares["/today"] == pytest.approx(today, abs=0.1)
            assert shares["/lastyear"] == pytest.approx(today / 2, abs=0.05)
    finally:
        index.close()


def test_each_page_shows_its_best_section_with_the_words_marked(engine: Engine) -> None:
    best = engine.search(Query("muzzle for dogs on the ferry")).hits[0].sections[0]
    assert best.headings == ("Ferry timetable",)
    marked = {best.snippet.text[start:end] for start, end in best.snippet.highlights}
    assert {"muzzle", "dogs", "ferry"} <= marked


def test_a_page_can_be_asked_why_it_is_or_is_not_a_result(engine_with: Make) -> None:
    engine = engine_with(hide=("/culture/museum",))
    why = engine.why(Query("dog tax"), SITE + "/fees/dogs")
    assert why.position == 1
    assert why.score == pytest.approx(sum(term.share for term in why.evidence), abs=1e-4)
    far = engine.why(Query("dog tax"), SITE + "/culture/lighthouse")
    assert far.position == 0
    assert "below ranking.threshold" in far.reasons[0]
    hidden = engine.why(Query("whale"), SITE + "/culture/museum")
    assert hidden.position == 0
    assert "hides it" in hidden.reasons[0]
    with pytest.raises(QueryError, match="no page has the address"):
        engine.why(Query("dog tax"), SITE + "/nowhere")


def test_questions_that_make_no_sense_are_refused(engine: Engine) -> None:
    for text in ("", "   ", "\x00"):
        with pytest.raises(QueryError):
            engine.search(Query(text))


def test_a_page_that_has_only_a_title_is_found_by_its_meaning(encoder: Encoder, tmp_path: Path) -> None:
    drafts = [
        PageDraft(Article(f"{SITE}/{n}", title, (), "en"), ()) for n, title in enumerate(("Boat hire", "Dog tax"))
    ]
    texted = article("/fees/mooring", *TEXTS["/fees/mooring"])
    settings = IndexSettings(summaries=False)
    build(tmp_path, [*drafts, PageDraft(texted, split(texted, encoder, settings))], encoder, settings)
    index = Index.open(tmp_path)
    try:
        found = Engine(index, encoder, RankingSettings(threshold=0.0)).search(Query("rent a vessel", mode="semantic"))
        assert paths(found)[0] == "/0"
        few = Engine(index, encoder, RankingSettings(threshold=0.0, hide=("/0",))).search(Query("rent a vessel"))
        assert "/0" not in paths(few)
    finally:
        index.close()
