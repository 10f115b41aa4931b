"""Makes small models with random weights in the format of sentence-transformers directories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from searchd.index.stores import Floats

WORDS = ("the", "a", "cat", "dog", "boat", "sails", "sleeps", "runs", "on", "under", "blue", "red", "lake", "hill")
DIM, LAYERS, HEADS, FFN, PLACES = 32, 2, 4, 64, 40


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def tokenizer() -> Tokenizer:
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106 - no password
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def weights(prefix: str = "", dim: int = DIM) -> dict[str, Floats]:
    rng = np.random.default_rng(3)

    def table(*shape: int) -> Floats:
        return (rng.standard_normal(shape) * 0.3).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": table(len(WORDS) + 4, dim),
        "embeddings.position_embeddings.weight": table(PLACES, dim),
        "embeddings.token_type_embeddings.weight": table(2, dim),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        stem = f"encoder.layer.{layer}"
        shapes = {f"attention.self.{part}": (dim, dim) for part in ("query", "key", "value")}
        shapes |= {"attention.output.dense": (dim, dim), "intermediate.dense": (FFN, dim), "output.dense": (dim, FFN)}
        for name, shape in shapes.items():
            found[f"{stem}.{name}.weight"], found[f"{stem}.{name}.bias"] = table(*shape), table(shape[0])
        norms += [f"{stem}.attention.output.LayerNorm", f"{stem}.output.LayerNorm"]
    for norm in norms:
        found[f"{norm}.weight"], found[f"{norm}.bias"] = 1 + table(dim), table(dim)
    return {prefix + name: value for name, value in found.items()}


def write_model(folder: Path, pooling: str = "mean_tokens", kind: str = "bert", dim: int = DIM, **config: Any) -> Path:
    """A complete directory; ``config`` overrides config.json."""
    facts = {
        "model_type": kind,
        "hidden_size": dim,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": FFN,
        "hidden_act": "gelu",
        "max_position_embeddings": PLACES,
        "layer_norm_eps": 1e-12,
        "type_vocab_size": 2,
        "vocab_size": len(WORDS) + 4,
        "pad_token_id": 0,
    }
    _write(folder / "config.json", facts | config)
    stages = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    _write(
        folder / "modules.json",
        [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
            for i, (path, name) in enumerate(stages)
        ],
    )
    (folder / "2_Normalize").mkdir()
    _write(folder / "1_Pooling/config.json", {"word_embedding_dimension": dim, f"pooling_mode_{pooling}": True})
    _write(folder / "sentence_bert_config.json", {"max_seq_length": 16, "do_lower_case": False})
    _write(
        folder / "config_sentence_transformers.json",
        {"prompts": {"query": "the cat ", "document": ""}, "default_prompt_name": None},
    )
    _write(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "unk_token": "[UNK]"}
        | {"cls_token": "[CLS]", "sep_token": "[SEP]", "model_max_length": 64},
    )
    tokenizer().save(str(folder / "tokenizer.json"))
    save_file(weights(dim=dim), folder / "model.safetensors")
    return folder
