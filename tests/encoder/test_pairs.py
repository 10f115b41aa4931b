"""Cross-encoders: the graph computes what numpy computes, pairs are cut and joined as the model expects."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, processors

from searchd.encoder.checkpoint import Checkpoint, read_safetensors
from searchd.encoder.pairs import PairScorer, open_scorer
from searchd.encoder.spec import read_pair_spec
from searchd.errors import ModelError
from searchd.settings import ModelSettings
from tests.encoder import tiny
from tests.encoder.test_reference import last_layer, linear

QUERY = "the cat sleeps"
PASSAGES = ("a boat sails on the blue lake", "the dog runs", "cat", "a red hill", "the cat sleeps under a boat", "")
PAIRS = {
    "bert": "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
    "xlm-roberta": "[CLS]:0 $A:0 [SEP]:0 [SEP]:0 $B:0 [SEP]:0",
}
HEADS = {
    "bert": ("bert.pooler.dense", "classifier"),
    "xlm-roberta": ("classifier.dense", "classifier.out_proj"),
}
NAMES = {"bert": "BertForSequenceClassification", "xlm-roberta": "XLMRobertaForSequenceClassification"}


def tokenizer(kind: str) -> Tokenizer:
    made = tiny.tokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair=PAIRS[kind], special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def write_cross_encoder(folder: Path, kind: str = "bert", **config: Any) -> Path:
    """A complete directory as ``CrossEncoder.save`` writes it; ``config`` overrides config.json."""
    tiny.write_model(folder, kind=kind)
    for name in ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        (folder / name).unlink()
    facts = json.loads((folder / "config.json").read_text())
    facts |= {"architectures": [NAMES[kind]], "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
    facts |= {"type_vocab_size": 2 if kind == "bert" else 1}
    (folder / "config.json").write_text(json.dumps(facts | config))
    tokenizer(kind).save(str(folder / "tokenizer.json"))
    prefix = "bert." if kind == "bert" else "roberta."
    found = tiny.weights(prefix)
    if kind != "bert":
        found["roberta.embeddings.token_type_embeddings.weight"] = np.zeros((1, tiny.DIM), np.float32)
    rng = np.random.default_rng(5)
    for name, rows in zip(HEADS[kind], (tiny.DIM, 1), strict=True):
        found[f"{name}.weight"] = rng.standard_normal((rows, tiny.DIM)).astype(np.float32)
        found[f"{name}.bias"] = rng.standard_normal(rows).astype(np.float32)
    save_file(found, folder / "model.safetensors")
    return folder


def opened(folder: Path, cache: Path) -> PairScorer:
    return open_scorer(str(folder), ModelSettings(device="cpu", cache=str(cache)))


def logit(checkpoint: Checkpoint, kind: str, query: str, passage: str) -> float:
    """The pair's logit, in numpy."""
    joined = tokenizer(kind).encode(query, passage)
    first = last_layer(checkpoint, joined.ids, joined.type_ids)[0]
    dense, out = HEADS[kind]
    return float(linear(checkpoint, np.tanh(linear(checkpoint, first, dense)), out)[0])


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta"])
def test_scores_are_the_models_own_logits(tmp_path: Path, kind: str) -> None:
    folder = write_cross_encoder(tmp_path / "m", kind)
    checkpoint = read_safetensors(folder, read_pair_spec(folder, "m"))
    expected = [logit(checkpoint, kind, QUERY, passage) for passage in PASSAGES]
    scores = opened(folder, tmp_path / "cache").score(QUERY, PASSAGES)
    assert scores.dtype == np.float32
    assert np.ptp(expected) > 0.1
    assert scores == pytest.approx(expected, abs=1e-4)


def test_a_passages_score_does_not_depend_on_the_others(tmp_path: Path) -> None:
    scorer = opened(write_cross_encoder(tmp_path / "m"), tmp_path / "cache")
    many = scorer.score(QUERY, PASSAGES * 20)
    alone = np.concatenate([scorer.score(QUERY, [passage]) for passage in PASSAGES])
    assert many == pytest.approx(np.tile(alone, 20), abs=1e-5)
    assert scorer.score(QUERY, []).shape == (0,)


def test_the_passage_is_cut_and_the_query_is_not(tmp_path: Path) -> None:
    scorer = opened(write_cross_encoder(tmp_path / "m"), tmp_path / "cache")
    room = tiny.PLACES - 3
    query = "the red cat sleeps under a boat on the blue lake"  # 11 words
    fits = " ".join(["hill", "dog"] * room).split()[: room - 11]
    whole, longer, shorter = (" ".join(words) for words in (fits, [*fits, "lake"], fits[:-1]))
    scores = scorer.score(query, [whole, longer, shorter])
    assert scores[0] == scores[1] != scores[2]
    assert scorer.score(query + " dog", [whole])[0] != scores[0]


def test_a_query_that_leaves_no_room_is_cut_too(tmp_path: Path) -> None:
    scorer = opened(write_cross_encoder(tmp_path / "m"), tmp_path / "cache")
    scores = scorer.score("the cat " * 200, ["a boat", "a hill " * 300])
    assert scores[0] != scores[1]


def test_the_tokenizers_own_limit_holds(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path / "m")
    assert read_pair_spec(folder, "m").max_length == tiny.PLACES
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 12}')
    assert read_pair_spec(folder, "m").max_length == 12


def test_two_processes_that_prepare_at_once_leave_one_result(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path / "m")
    code = f"""
from searchd.encoder.pairs import open_scorer
from searchd.settings import ModelSettings
scorer = open_scorer({str(folder)!r}, ModelSettings(device="cpu", cache={str(tmp_path / "cache")!r}))
print(scorer.score({QUERY!r}, ["a dog"])[0])
"""
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    prints = [process.communicate(timeout=120)[0] for process in both]
    assert prints[0] == prints[1] != ""
    assert [path.name[:8] for path in (tmp_path / "cache").iterdir()] == ["m-pairs-"]


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"architectures": ["BertModel"]}, "is no cross-encoder that can be read: BertModel"),
        ({"model_type": "modernbert"}, "is no cross-encoder that can be read"),
        ({"id2label": {"0": "no", "1": "yes"}}, "gives 2 labels"),
        ({"num_hidden_layers": 3}, r"has 2 layers, config\.json says 3"),
    ],
)
def test_what_is_no_cross_encoder_is_refused(tmp_path: Path, config: dict[str, Any], complaint: str) -> None:
    folder = write_cross_encoder(tmp_path / "m", **config)
    with pytest.raises(ModelError, match=complaint):
        opened(folder, tmp_path / "cache")


def test_a_text_encoder_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no cross-encoder that can be read: .* Transformer, Pooling, Normalize"):
        opened(tiny.write_model(tmp_path / "m"), tmp_path / "cache")
    with pytest.raises(ModelError, match=r"no folder .* with a cross-encoder"):
        opened(tmp_path / "nothing", tmp_path / "cache")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    folder = write_cross_encoder(tmp_path / "m")
    (folder / file).unlink()
    with pytest.raises(ModelError, match=f"{file} is missing"):
        opened(folder, tmp_path / "cache")


def test_weights_that_give_no_numbers_are_refused(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path / "m")
    found = tiny.weights("bert.")
    for value, complaint in ((np.nan, "holds values that are no numbers"), (3e38, "gives scores that are no numbers")):
        for name, rows in zip(HEADS["bert"], (tiny.DIM, 1), strict=True):
            found[f"{name}.weight"] = np.full((rows, tiny.DIM), value, np.float32)
            found[f"{name}.bias"] = np.zeros(rows, np.float32)
        save_file(found, folder / "model.safetensors")
        with pytest.raises(ModelError, match=complaint):
            opened(folder, tmp_path / "cache")
