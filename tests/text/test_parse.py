import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchd.errors import QueryError
from searchd.settings import RankingSettings
from searchd.text.highlight import Highlighter
from searchd.text.parse import parse
from searchd.text.query import ParsedQuery
from tests.text.plain_vocabulary import PlainVocabulary

SITE = PlainVocabulary(
    "rename a branch of the repository",
    "commit your changes to a branch",
    "commit the file and send e-mail",
    "working tree and command-line options",
    "configuration of the notebook",
)
GERMAN = PlainVocabulary(
    "Datenschutz im Verein", "Erklärung zum Datenschutz", "Die Ärzte der Müllerstraße", "Gebühren", languages=("de",)
)


def stems(parsed: ParsedQuery) -> set[str]:
    return {alternative.term for term in parsed.terms for alternative in term.alternatives}


def test_a_slip_is_corrected_to_a_word_of_the_site() -> None:
    parsed = parse("undo the last comit", "en", SITE)
    assert "commit" in stems(parsed)
    assert parsed.did_you_mean == "undo the last commit"
    assert [term.corrected_from for term in parsed.terms if term.corrected_from] == ["comit"]


def test_two_slips_are_forgiven_in_a_long_word_only() -> None:
    assert parse("konfigurration", "en", SITE).did_you_mean == "configuration"
    assert parse("brnahc", "en", SITE).did_you_mean == ""


def test_another_word_is_not_a_slip_of_the_first_letter_or_of_a_prefix() -> None:
    assert parse("cranch", "en", SITE).did_you_mean == ""
    assert parse("unnotebook", "en", SITE).did_you_mean == ""
    assert parse("notebok", "en", SITE).did_you_mean == "notebook"


def test_a_word_is_no_slip_of_a_small_one_unless_its_letters_changed_places() -> None:
    site = PlainVocabulary("ein Haus und ein Garten mit Blick", languages=("de",))
    for word in ("wein", "hund", "seit"):
        assert parse(word, "de", site).did_you_mean == ""
    assert (
        parse("pages rfom here", "en", PlainVocabulary("pages that come from here")).did_you_mean == "pages from here"
    )


def test_a_word_that_synonyms_explain_is_taken_for_no_other() -> None:
    settings = RankingSettings(synonyms=(("notebok", "laptop"), ("comandline", "terminal")))
    for word in ("notebok", "comandline"):
        parsed = parse(word, "en", SITE, settings)
        assert (parsed.did_you_mean, parsed.terms[0].corrected_from, len(parsed.terms)) == ("", "", 1)
    assert parse("notebok", "en", SITE).did_you_mean == "notebook"


def test_small_words_of_an_identifier_weigh_little() -> None:
    weights = {term.form: term.weight for term in parse("on_commit", "", SITE).terms}
    assert weights == {"on": 0.2, "commit": 1.0}
    assert parse("on", "", SITE).terms[0].weight == 1.0


def test_a_correction_keeps_the_capital_letter() -> None:
    assert parse("Comit your changes", "en", SITE).did_you_mean == "Commit your changes"


@pytest.mark.parametrize(
    ("typed", "lone"), [("notebook", True), ("what is a notebook", False), ("notebok", False), ("commit branch", False)]
)
def test_one_word_as_it_stands_on_the_site_is_a_lone_one(typed: str, lone: bool) -> None:
    assert parse(typed, "en", SITE).lone is lone


def test_a_known_word_is_never_corrected() -> None:
    assert parse("rename branch", "en", SITE).did_you_mean == ""


@pytest.mark.parametrize("word", ["fil", "c0mmit", "2025", "3.14", "xy"])
def test_short_words_and_numbers_are_never_corrected(word: str) -> None:
    parsed = parse(f"the {word} of", "en", SITE)
    assert not any(term.corrected_from for term in parsed.terms)


def test_corrections_can_be_switched_off() -> None:
    parsed = parse("comit", "en", SITE, RankingSettings(typos=False))
    assert parsed.did_you_mean == ""
    assert "commit" not in stems(parsed)


def test_a_question_in_a_foreign_language_is_not_corrected() -> None:
    parsed = parse("Wie kann ich einen Brancl umbenennen", "de", SITE)
    assert parsed.did_you_mean == ""


def test_the_last_word_may_be_unfinished() -> None:
    assert "configur" in stems(parse("config", "en", SITE))
    assert "configur" not in stems(parse("config branch", "en", SITE))


def test_while_typing_a_whole_word_may_still_grow() -> None:
    site = PlainVocabulary("note", "notebook")
    assert "notebook" not in stems(parse("note", "en", site))
    assert "notebook" in stems(parse("note", "en", site, unfinished=True))


def test_words_run_together_or_apart_meet() -> None:
    assert {"command", "line"} <= stems(parse("command-line", "en", SITE))
    assert "commandlin" in stems(parse("command line", "en", SITE))
    assert "email" in stems(parse("e mail", "en", SITE))
    assert {"work", "tree"} <= stems(parse("workingtree", "en", SITE))


def test_umlauts_are_found_when_typed_as_two_letters_and_the_other_way_round() -> None:
    assert stems(parse("aerzte", "de", GERMAN)) & stems(parse("ärzte", "de", GERMAN))
    english = PlainVocabulary("Mueller", "Schröder")
    assert "mueller" in stems(parse("Müller", "en", english))
    assert "schroder" in stems(parse("Schroeder", "en", english))


def test_a_compound_also_means_its_parts() -> None:
    parsed = parse("Datenschutzerklärung", "de", GERMAN)
    assert {"datenschutz", "erklar"} <= stems(parsed)


def test_quoted_words_become_a_phrase() -> None:
    parsed = parse('how to "rename a branch" „commit“', "en", SITE)
    assert parsed.phrases == (("rename", "a", "branch"), ("commit",))
    assert "renam" in stems(parsed)


def test_a_word_after_a_dash_is_excluded() -> None:
    parsed = parse("branch -commit", "en", SITE)
    assert [term.form for term in parsed.excluded] == ["commit"]
    assert "commit" not in stems(parsed)


def test_a_dash_behind_a_quotation_joins() -> None:
    parsed = parse("wann endete die „Commit“-Branch Regel", "de", SITE)
    assert parsed.excluded == ()
    assert parsed.phrases == (("commit",),)


def test_options_of_a_command_are_not_exclusions() -> None:
    for query in ("git commit --amend", "git commit -m", "-commit", "well-known branch"):
        assert parse(query, "en", SITE).excluded == ()


def test_a_word_or_a_phrase_may_be_excluded_wherever_it_stands() -> None:
    assert [term.form for term in parse("-commit branch", "en", SITE).excluded] == ["commit"]
    parsed = parse('repository -"rename a branch" "working tree"', "en", SITE)
    assert parsed.excluded_phrases == (("rename", "a", "branch"),)
    assert parsed.phrases == (("working", "tree"),)
    assert parsed.excluded == ()
    assert not stems(parsed) & {"renam", "branch"}
    alone = parse('-"working tree"', "en", SITE)
    assert (alone.excluded_phrases, alone.phrases) == ((), (("working", "tree"),))


def test_words_of_the_question_weigh_little() -> None:
    weights = {term.form: term.weight for term in parse("How do I rename a branch?", "en", SITE).terms}
    assert weights["how"] < weights["rename"] == 1.0


def test_synonyms_of_the_owner_count() -> None:
    settings = RankingSettings(synonyms=(("laptop", "notebook"), ("revision control", "repository")))
    assert "notebook" in stems(parse("laptop", "en", SITE, settings))
    assert "repositori" in stems(parse("revision control", "en", SITE, settings))
    assert "repositori" not in stems(parse("revision of control", "en", SITE, settings))
    assert parse("laptop", "en", SITE, settings).did_you_mean == ""


def test_offsets_of_terms_are_those_of_the_text() -> None:
    parsed = parse('  find "rename a" -commit branch  ', "en", SITE)
    assert [parsed.text[term.start : term.end] for term in parsed.terms] == [term.text for term in parsed.terms]


@pytest.mark.parametrize("text", ["", "   ", "\u0000\u0007", "\n\t"])
def test_an_empty_query_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        parse(text, "", SITE)


@pytest.mark.parametrize("text", ["\U0002ba20", "\ue000", "\ufffe", "\u200b"], ids=ascii)
def test_characters_that_unicode_does_not_know_yet_are_text(text: str) -> None:
    assert parse(text, "", SITE).text == text
    assert parse(f"{text} branch", "en", SITE).terms[-1].text == "branch"


def test_an_endless_query_is_refused() -> None:
    with pytest.raises(QueryError, match="at most 10000"):
        parse("a " * 5001, "", SITE)


@pytest.mark.parametrize("text", ["???", "((((", "🙂", '"', "-", "a" * 499, "\ud800x", "%00", "' OR 1=1 --"])
def test_strange_queries_are_read_without_complaint(text: str) -> None:
    assert parse(text, "", SITE).text


@given(st.text(min_size=1, max_size=80).filter(str.isprintable).filter(str.strip))
def test_any_printable_query_can_be_parsed_and_highlighted(text: str) -> None:
    parsed = parse(text, "en", SITE)
    ends = [0]
    for start, end, _ in Highlighter(parsed).finds(text, "en"):
        assert ends[-1] <= start < end <= len(text)
        ends.append(end)


def _marked(parsed: ParsedQuery, text: str, lang: str = "en") -> list[str]:
    return [text[start:end] for start, end, _ in Highlighter(parsed).finds(text, lang)]


@pytest.mark.parametrize(
    ("query", "lang", "text", "marked"),
    [
        ("use", "en", "Using what others used.", ["Using", "used"]),
        ("tries", "en", "He keeps trying.", ["trying"]),
        ("email", "en", "Send an e-mail or email us.", ["e-mail", "email"]),
        ("Grüsse", "de", "Viele Grüße!", ["Grüße"]),
        ("strasse", "de", "In der Straße 3", ["Straße"]),
        ("Häuser", "de", "Das Haus und die Häuser", ["Haus", "Häuser"]),
        ("istanbul", "tr", "İstanbul", ["İstanbul"]),
        ("Ελλάς", "el", "η Ελλάς", ["Ελλάς"]),
    ],
)
def test_what_stands_for_a_word_is_marked_however_it_is_written(
    query: str, lang: str, text: str, marked: list[str]
) -> None:
    assert _marked(parse(query, lang, PlainVocabulary(text, languages=(lang,))), text, lang) == marked


def test_highlights_follow_stems_accents_and_corrections() -> None:
    text = "Committed files: commit renames branches."
    parsed = parse("comit branch", "en", SITE)
    assert _marked(parsed, text) == [
        "Committed",
        "commit",
        "branches",
    ]
    german = parse("aerzte", "de", GERMAN)
    assert Highlighter(german).finds("Die Ärzte.", "de") == [(4, 9, "arzt")]


def test_highlights_leave_the_words_of_the_question_unmarked() -> None:
    parsed = parse("how do I rename a branch", "en", SITE)
    assert Highlighter(parsed).finds("how do I do a thing", "en") == []


def test_a_query_of_small_words_alone_is_still_marked() -> None:
    assert _marked(parse("to be", "en", SITE), "to be or not to be") == ["to", "be", "to", "be"]
