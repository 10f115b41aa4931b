"""Articles cut into passages, counted with the real model's tokenizer."""

from __future__ import annotations

import pytest

from indexer.split import split
from searchd import encoder as encoders
from searchd.index.records import Article, Block, BlockKind, Passage, Section, encoder_text
from searchd.index.stores import Encoder
from searchd.settings import IndexSettings, ModelSettings

SETTINGS = IndexSettings(passage_tokens=120, passage_overlap_tokens=20, passage_min_tokens=40)
SENTENCE = "The keeper of light number {} climbs the stairs and looks over the sea. "


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return encoders.load(ModelSettings(name="all-MiniLM-L6-v2"))


def section(*blocks: Block, path: tuple[str, ...] = ("Lamp",), anchor: str = "lamp") -> Section:
    return Section(path, anchor, blocks)


def prose(sentences: int, first: int = 0) -> Block:
    return Block("paragraph", "".join(SENTENCE.format(n) for n in range(first, first + sentences)).strip())


def cut(encoder: Encoder, *sections: Section, title: str = "Lamp") -> tuple[Passage, ...]:
    return split(Article("https://example.org/", title, sections), encoder, SETTINGS)


def test_nothing_of_the_text_is_lost_and_nothing_is_longer_than_the_model_reads(encoder: Encoder) -> None:
    blocks = [prose(9, 10 * place) for place in range(12)]
    passages = cut(encoder, section(*blocks[:6]), section(*blocks[6:], path=("Lamp", "Oil"), anchor="oil"))
    text = " ".join(passage.text for passage in passages).replace("\n", " ")
    assert all(sentence in text for block in blocks for sentence in block.text.split(". "))
    assert max(encoder.count_tokens([passage.text for passage in passages])) <= encoder.max_tokens


def test_passages_are_about_as_long_as_the_setting_says(encoder: Encoder) -> None:
    sizes = [passage.n_tokens for passage in cut(encoder, section(*(prose(2, 2 * place) for place in range(40))))]
    assert all(60 <= size <= 150 for size in sizes)


def test_sections_long_enough_are_not_mixed(encoder: Encoder) -> None:
    passages = cut(encoder, section(prose(4)), section(prose(4, 10), path=("Lamp", "Oil"), anchor="oil"))
    assert [(passage.headings, passage.anchor) for passage in passages] == [
        (("Lamp",), "lamp"),
        (("Lamp", "Oil"), "oil"),
    ]


def test_tiny_sections_join_their_neighbours_and_keep_their_headings_in_the_text(encoder: Encoder) -> None:
    tiny = [section(Block("paragraph", f"Short {name}."), path=("Lamp", name), anchor=name) for name in ("Oil", "Wick")]
    (passage,) = cut(encoder, *tiny)
    assert passage == Passage(("Lamp",), "Oil", "Oil\nShort Oil.\nWick\nShort Wick.", passage.n_tokens)


def test_the_few_words_above_the_first_heading_belong_to_the_section_below_it(encoder: Encoder) -> None:
    passages = cut(encoder, section(Block("paragraph", "SPACE"), path=(), anchor=""), section(prose(12)))
    assert passages[0].text.startswith("SPACE\nThe keeper of light number 0")
    assert {(passage.headings, passage.anchor) for passage in passages} == {(("Lamp",), "lamp")}


def test_passages_overlap_only_where_one_section_is_cut(encoder: Encoder) -> None:
    long, other = (
        cut(encoder, section(*(prose(1, place) for place in range(12)))),
        cut(encoder, section(prose(4)), section(prose(4, 20))),
    )
    last_line = long[0].text.split("\n")[-1]
    assert long[1].text.startswith(last_line)
    assert other[0].text.split("\n")[-1] not in other[1].text


@pytest.mark.parametrize("kind", ["code", "table"])
def test_code_and_tables_that_fit_the_model_are_not_torn_apart(encoder: Encoder, kind: BlockKind) -> None:
    text = "\n".join(f"light.turn({number})" for number in range(22))
    assert encoder.count_tokens([text])[0] > SETTINGS.passage_tokens
    passages = cut(encoder, section(prose(5), Block(kind, text), prose(5, 10)))
    assert sum(text in passage.text for passage in passages) == 1


def test_a_table_that_is_cut_repeats_its_header(encoder: Encoder) -> None:
    rows = "\n".join(f"Tower {number} | {number} miles" for number in range(120))
    passages = cut(encoder, section(Block("table", f"Name | Range\n{rows}")))
    assert len(passages) > 2
    assert all(passage.text.startswith("Name | Range\n") for passage in passages)


def test_a_definition_is_linked_at_its_own_term(encoder: Encoder) -> None:
    blocks = [Block("definition", f"term{n}\n{prose(4, n).text}", f"term-{n}") for n in range(4)]
    assert [passage.anchor for passage in cut(encoder, section(*blocks))] == ["term-0", "term-1", "term-2", "term-3"]


@pytest.mark.parametrize(
    "text", ["word " * 4000, "x" * 20_000, "。".join(["灯台守は毎晩階段を上る"] * 200), "a.\n" * 3000]
)
def test_text_without_structure_is_cut_all_the_same(encoder: Encoder, text: str) -> None:
    passages = cut(encoder, section(Block("paragraph", text)))
    assert max(encoder.count_tokens([passage.text for passage in passages])) <= encoder.max_tokens
    kept = "".join("".join(passage.text.split()) for passage in passages)
    assert len(kept) >= len("".join(text.split())) - 200


def test_a_page_with_nothing_but_a_title_gives_one_passage_of_it(encoder: Encoder) -> None:
    assert [passage.text for passage in cut(encoder, title="Only a title")] == ["Only a title"]
    assert cut(encoder, title="") == ()
    headed = cut(encoder, Section(("Alone",), "a", ()), title="")
    assert [passage.text for passage in headed] == ["Alone"]


def test_the_encoder_reads_title_and_headings_once() -> None:
    passage = Passage(("Lamp", "Oil"), "oil", "Text.")
    assert encoder_text("Lamp", passage) == "Lamp > Oil\nText."
    assert encoder_text("Lamp", Passage((), "", "Lamp")) == "Lamp"
    assert encoder_text("", Passage((), "", "Text.")) == "Text."
