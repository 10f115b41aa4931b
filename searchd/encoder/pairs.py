"""A cross-encoder reads query and passage together and says how well one answers the other (Nogueira and Cho 2019).

Opens local directories that sentence-transformers' ``CrossEncoder`` reads, as far as they hold a BERT or a RoBERTa with
one label. The graph is the text encoder's own in float32 with another end, prepared once and kept beside the encoders.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from searchd.encoder import proto
from searchd.encoder.bulk import ACCELERATOR_TOKENS, CPU_TOKENS, batches
from searchd.encoder.checkpoint import KINDS, Checkpoint, read_safetensors, sha256
from searchd.encoder.graph import FloatBert, Graph
from searchd.encoder.prepare import cache_folder, readable, ready_folder
from searchd.encoder.prepared import Prepared, fingerprint, publish
from searchd.encoder.runtime import ON_PROCESSOR, Ids, graph_device, open_session
from searchd.encoder.spec import ModelSpec, read_pair_spec
from searchd.encoder.tokens import Tokens, write_tokenizer
from searchd.errors import ModelError
from searchd.index.stores import Floats
from searchd.settings import ModelSettings

log = logging.getLogger(__name__)

_QUERY_SHARE = 0.75  # of the tokens that a model reads, at most; a longer query would leave no room for passages
_PRECISION = "exact"


class PairBert(FloatBert):
    """The forward pass over pairs: the second text's tokens are of another kind, the end is a classifier.

    Inputs: ``ids`` and, for models that tell two kinds of tokens apart, ``kinds``, both (batch, length) int32.
    Output: ``logits`` (batch, 1) float32.
    """

    def embedded(self) -> str:
        """Word vectors, positions and kinds; kind 0 is part of the positions already."""
        x = super().embedded()
        if not self.has_kinds:
            return x
        table = self.checkpoint.tensor(KINDS)
        added = self.graph.weight("kinds.table", table - table[0])
        return self.graph.add("Add", [x, self.graph.add("Gather", [added, "kinds"], "kinds.gather")], "embedded.kinds")

    @property
    def has_kinds(self) -> bool:
        """Whether the model tells two kinds of tokens apart. RoBERTa's tokenizers give one kind only."""
        return self.spec.family == "bert" and len(self.checkpoint.tensor(KINDS)) > 1

    def write_pairs(self) -> None:
        """Write the whole pass. BERT's head is its pooler and a classifier, RoBERTa's is a classifier of two layers."""
        last = self.body()
        first = self.graph.weight("first", np.array(0, np.int64))
        x = self.graph.add("Gather", [last, first], "first.vector", axis=1)
        dense, out = (
            ("bert.pooler.dense", "classifier")
            if self.spec.family == "bert"
            else ("classifier.dense", "classifier.out_proj")
        )
        logits = self.linear(self.graph.add("Tanh", [self.linear(x, dense)], "pooled"), out)
        self.graph.add("Identity", [logits], "logits")
        names = ["ids", "kinds"] if self.has_kinds else ["ids"]
        inputs = [proto.value(name, proto.INT32, ["batch", "length"]) for name in names]
        self.graph.close(inputs, [proto.value("logits", proto.FLOAT, ["batch", 1])])


class PairTokens(Tokens):
    """Two texts -> ids and kinds, special tokens included, at most ``max_length``; safe for many threads at once."""

    def __init__(self, folder: Path, max_length: int, lower_case: bool = False) -> None:
        super().__init__(folder, max_length, lower_case)
        inner = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a", "a")
        starts = [at for at in range(len(whole.ids)) if whole.ids[at : at + len(inner)] == inner]
        if len(starts) < 2:
            raise ModelError("the tokenizer changes texts when it joins them to a pair")
        begin, second = starts[0], starts[-1]
        end, last = begin + len(inner), second + len(inner)
        self._before, self._between, self._after = whole.ids[:begin], whole.ids[end:second], whole.ids[last:]
        self._kinds = whole.type_ids[:begin], whole.type_ids[end:second], whole.type_ids[last:]
        self._kind, self._other = whole.type_ids[begin], whole.type_ids[second]

    def pairs(self, query: str, passages: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
        """(ids, kinds) of the query with each passage. The passage is cut, the query only when it leaves no room."""
        room = self.max_length - len(self._before) - len(self._between) - len(self._after)
        asked, *rows = self._plain([text[: self._cut] for text in (query, *passages)])
        asked = asked[: int(room * _QUERY_SHARE)]
        cut = [row[: room - len(asked)] for row in rows]
        before, between, after = self._kinds
        ids = [[*self._before, *asked, *self._between, *row, *self._after] for row in cut]
        kinds = [[*before, *[self._kind] * len(asked), *between, *[self._other] * len(row), *after] for row in cut]
        return ids, kinds


class PairScorer:
    """How well passages answer a query. Any number of threads may ask at once."""

    def __init__(self, prepared: Prepared, device: str = "cpu") -> None:
        self.spec = prepared.spec
        self._tokens = PairTokens(prepared.folder, self.spec.max_length, self.spec.lower_case)
        session = open_session(prepared.folder / "model.onnx", device)
        self._run = session.run
        self._with_kinds = len(session.get_inputs()) > 1
        self._budget = CPU_TOKENS if device in ON_PROCESSOR else ACCELERATOR_TOKENS

    def score(self, query: str, passages: Sequence[str]) -> Floats:
        """(len(passages),) float32 log odds of relevance: the model's logits.

        The activation that sentence-transformers may put last is left out: it changes no order, and a sigmoid is 1 in
        float32 for every good passage. Passages are cut to what the model reads beside the query.
        """
        ids, kinds = self._tokens.pairs(query, passages)
        scores = np.empty(len(passages), np.float32)
        for batch in batches([len(row) for row in ids], self._budget):  # rows of equal length need no mask
            scores[batch] = self._logits([ids[at] for at in batch], [kinds[at] for at in batch])
        return scores

    def _logits(self, ids: list[list[int]], kinds: list[list[int]]) -> Floats:
        values: dict[str, Ids] = {"ids": np.array(ids, np.int32)}
        if self._with_kinds:
            values["kinds"] = np.array(kinds, np.int32)
        logits: Floats = self._run(None, values)[0]
        return logits[:, 0]


def open_scorer(name: str, settings: ModelSettings) -> PairScorer:
    """Open a cross-encoder's directory, preparing it when it is not in the cache (``settings.cache``).

    ModelError when it is missing, foreign or damaged, or the cache cannot be written.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise ModelError(f"no folder {name!r} with a cross-encoder", "name a folder that CrossEncoder.save wrote")
    spec = read_pair_spec(folder, folder.resolve().name)
    digests = [sha256(folder / file) for file in ("model.safetensors", "tokenizer.json")]
    mark = fingerprint(spec, hashlib.sha256(" ".join(["pairs", *digests]).encode()).hexdigest(), _PRECISION)
    target = cache_folder(settings) / f"{readable(spec.name)}-pairs-{mark[:12]}"
    prepared = ready_folder(target) or _prepare(folder, spec, target, mark)
    scorer = PairScorer(prepared, graph_device(settings.device))
    if not np.isfinite(scorer.score("a", ["a"])).all():
        raise ModelError(f"{folder / 'model.safetensors'} gives scores that are no numbers", "save the model again")
    return scorer


def _prepare(folder: Path, spec: ModelSpec, target: Path, mark: str) -> Prepared:
    log.info("preparing the cross-encoder %s", spec.name)
    try:
        return publish(target, spec, _PRECISION, mark, lambda work: _write(read_safetensors(folder, spec), work))
    except OSError as error:
        raise ModelError(
            f"{spec.name} cannot be prepared in {target.parent}: {error}", "set model.cache to a folder to write to"
        ) from error


def _write(checkpoint: Checkpoint, folder: Path) -> None:
    write_tokenizer(checkpoint.tokenizer, folder)
    PairBert(checkpoint, Graph(folder)).write_pairs()
