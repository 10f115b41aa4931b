"""What a model is, read from its own files: shape, pooling, prompts, maximum length. Nothing is guessed.

The format is that of sentence-transformers directories (modules.json names the stages, each has its folder).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from searchd.errors import ModelError

Pooling = Literal["mean", "cls"]
Family = Literal["bert", "roberta", "foreign"]
Route = Literal["fused", "onnx", "torch"]

_FAMILIES: dict[str, Family] = {
    "bert": "bert",
    "roberta": "roberta",
    "xlm-roberta": "roberta",
    "camembert": "roberta",
}
_FRAME = 2  # special tokens around a text
_ACTIVATIONS = {"gelu": "gelu", "gelu_new": "tanh", "gelu_fast": "tanh", "gelu_pytorch_tanh": "tanh"}


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The facts about one model that decide its vectors, weights apart.

    family: "bert" and "roberta" are written as a fused graph, "foreign" needs another route.
    route: "fused" = our own graph, "onnx" = the model's own ONNX file, "torch" = sentence-transformers.
    activation: "gelu" (by erf) or "tanh" (its approximation).
    first_position: row of the position table that the first token uses (RoBERTa: padding id + 1).
    max_length: tokens per text, special tokens and prompt included.
    """

    name: str
    family: Family
    dim: int
    layers: int = 0
    heads: int = 0
    activation: str = "gelu"
    epsilon: float = 1e-12
    first_position: int = 0
    max_length: int = 512
    lower_case: bool = False
    pooling: Pooling = "mean"
    query_prompt: str = ""
    passage_prompt: str = ""
    route: Route = "fused"
    languages: tuple[str, ...] = field(default=())  # () = many or unknown

    def as_json(self) -> dict[str, Any]:
        """The spec as plain values; ``ModelSpec.from_json`` turns it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ModelSpec:
        """Inverse of ``as_json``; TypeError for unknown or missing names."""
        return cls(**{**values, "languages": tuple(values.get("languages", ()))})


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON is what it is
    """Parse one of a model's JSON files; ModelError names the file and its fault."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path} is missing", "a sentence-transformers directory has this file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error


def _object(path: Path, optional: bool = False) -> dict[str, Any]:
    if optional and not path.exists():
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise ModelError(f"{path} should hold a JSON object, not {type(value).__name__}")
    return value


def _modules(folder: Path) -> dict[str, Path]:
    """Class name -> folder of each stage; ModelError for stages that are no plain encoder."""
    listed = read_json(folder / "modules.json")
    if not isinstance(listed, list) or not all(isinstance(m, dict) and {"type", "path"} <= m.keys() for m in listed):
        raise ModelError(f"{folder / 'modules.json'} should be a list of objects with type and path")
    return {str(module["type"]).rsplit(".", 1)[-1]: folder / str(module["path"]) for module in listed}


def _pooling(path: Path) -> tuple[Pooling | None, bool]:
    """The pooling mode (None = one that the fused graph does not have) and whether prompts are part of the mean."""
    config = _object(path)
    chosen = {key.removeprefix("pooling_mode_") for key, on in config.items() if key.startswith("pooling_mode_") and on}
    if "pooling_mode" in config:
        chosen = {str(config["pooling_mode"])}
    if not chosen:
        raise ModelError(f"{path} names no pooling mode")
    with_prompt = bool(config.get("include_prompt", True))
    if chosen <= {"mean", "mean_tokens"}:
        return "mean", with_prompt
    if chosen <= {"cls", "cls_token"}:
        return "cls", with_prompt
    return None, with_prompt


def _prompts(folder: Path) -> tuple[str, str]:
    """(query prompt, passage prompt): "" where the model's files name none."""
    path = folder / "config_sentence_transformers.json"
    config = _object(path, optional=True)
    found, name = config.get("prompts") or {}, config.get("default_prompt_name") or ""
    if not isinstance(found, dict) or not all(isinstance(prompt, str) for prompt in (name, *found.values())):
        raise ModelError(f"{path}: prompts should be an object of texts, default_prompt_name one of its names")
    prompts: dict[str, str] = found
    default = prompts.get(name, "")
    passage = next((prompts[key] for key in ("document", "passage", "corpus") if key in prompts), default)
    return prompts.get("query", default), passage


def _number(config: dict[str, Any], key: str, path: Path) -> int:
    value = config.get(key)
    if not isinstance(value, int) or value < 1:
        raise ModelError(f"{path}: {key} should be a positive number, found {value!r}")
    return value


def _max_length(word: Path, limit: int) -> tuple[int, bool]:
    """Maximum length and lower-casing; sentence_bert_config.json first, then the tokenizer's own limit."""
    bert = _object(word / "sentence_bert_config.json", optional=True)
    tokenizer = _object(word / "tokenizer_config.json", optional=True)
    stated = bert.get("max_seq_length") or tokenizer.get("model_max_length") or limit
    if isinstance(stated, bool) or not isinstance(stated, (int, float)) or not stated > _FRAME:
        raise ModelError(f"{word}: the maximum length should be a number of tokens above {_FRAME}, found {stated!r}")
    return int(min(stated, limit)), bool(bert.get("do_lower_case", False))


def _epsilon(config: dict[str, Any], path: Path) -> float:
    value = config.get("layer_norm_eps", 1e-12)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ModelError(f"{path}: layer_norm_eps should be a number, found {value!r}")
    return float(value)


def _of_config(name: str, config: dict[str, Any], path: Path, family: Family, pooling: Pooling) -> ModelSpec:
    """What the Transformer's own config.json at ``path`` and the files beside it say; of a foreign one the least."""
    if family == "foreign":
        limit = int(config.get("max_position_embeddings") or config.get("n_positions") or 512)
        dim, layers, heads, first = int(config.get("hidden_size") or config.get("dim") or 0), 0, 0, 0
    else:
        dim, layers = _number(config, "hidden_size", path), _number(config, "num_hidden_layers", path)
        heads = _number(config, "num_attention_heads", path)
        first = int(config.get("pad_token_id") or 0) + 1 if family == "roberta" else 0
        limit = _number(config, "max_position_embeddings", path) - first
    length, lower = _max_length(path.parent, limit)
    return ModelSpec(
        name=name,
        family=family,
        dim=dim,
        layers=layers,
        heads=heads,
        activation=_ACTIVATIONS.get(str(config.get("hidden_act")), ""),
        epsilon=_epsilon(config, path),
        first_position=first,
        max_length=length,
        lower_case=lower,
        pooling=pooling,
    )


def read_spec(folder: Path, name: str) -> ModelSpec:
    """Read a sentence-transformers directory's facts; ModelError names the file that is wrong."""
    modules = _modules(folder)
    word = modules.get("Transformer")
    if word is None or "Pooling" not in modules:
        raise ModelError(
            f"{folder / 'modules.json'} names {', '.join(modules) or 'no modules'}; Transformer and Pooling are needed"
        )
    path = word / "config.json"
    config = _object(path)
    pooling, pool_prompt = _pooling(modules["Pooling"] / "config.json")
    family = _FAMILIES.get(str(config.get("model_type")), "foreign")
    simple = modules.keys() <= {"Transformer", "Pooling", "Normalize"} and pooling is not None and pool_prompt
    if not simple or not _plain(config):
        family = "foreign"
    route: Route = "fused"
    if family == "foreign":
        route = "onnx" if simple and (folder / "onnx" / "model.onnx").is_file() else "torch"
    query_prompt, passage_prompt = _prompts(folder)
    spec = _of_config(name, config, path, family, pooling or "mean")
    return replace(spec, query_prompt=query_prompt, passage_prompt=passage_prompt, route=route)


def _plain(config: dict[str, Any]) -> bool:
    """Whether a configuration asks for nothing that our graph does not do."""
    absolute = config.get("position_embedding_type", "absolute") == "absolute"
    return absolute and not config.get("is_decoder") and str(config.get("hidden_act")) in _ACTIVATIONS


def read_pair_spec(folder: Path, name: str) -> ModelSpec:
    """Read a cross-encoder's facts: a BERT or RoBERTa that gives one number for two texts; ModelError if it is none."""
    path = folder / "config.json"
    config = _object(path)
    family = _FAMILIES.get(str(config.get("model_type")), "foreign")
    names = config.get("architectures") or ["no architecture"]
    labels = int(config.get("num_labels") or len(config.get("id2label") or (0, 1)))  # two where none are stated
    stages = _modules(folder) if (folder / "modules.json").exists() else {"Transformer": folder}
    known = family != "foreign" and str(names[0]).endswith("ForSequenceClassification")
    if not known or not _plain(config) or list(stages) != ["Transformer"]:
        raise ModelError(
            f"{path} is no cross-encoder that can be read: {names[0]} with {', '.join(stages)}",
            f"name a folder of a CrossEncoder made from {', '.join(_FAMILIES)} (a ...ForSequenceClassification)",
        )
    if labels != 1:
        raise ModelError(f"{path} gives {labels} labels", "name a cross-encoder with one label: how relevant a text is")
    return _of_config(name, config, path, family, "cls")
