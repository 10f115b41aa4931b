"""The encoder that the indexer and the daemon share: a prepared folder opened for use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from searchd.encoder.bulk import ACCELERATOR_TOKENS, CPU_TOKENS, Crew, Progress, encode_many
from searchd.encoder.prepared import Prepared
from searchd.encoder.runtime import NATIVE, ON_PROCESSOR, FusedRunner, OnnxFileRunner, Runner, available, devices
from searchd.encoder.tokens import Tokens
from searchd.errors import UnfitError
from searchd.index.stores import Floats

log = logging.getLogger(__name__)


class OnnxEncoder:
    """Text -> unit vectors through ONNX Runtime. Implements ``searchd.index.stores.Encoder``."""

    def __init__(self, prepared: Prepared, *, threads: int = 1, device: str = "auto", query_cache: int = 4096) -> None:
        self._prepared = prepared
        self.spec = prepared.spec
        self._tokens = Tokens(prepared.folder, self.spec.max_length, self.spec.lower_case)
        self.device, self._runner = _start(prepared, device)
        if device == "auto":
            log.info("encoder runs on %s (providers: %s)", self.device, ", ".join(available()))
        budget = CPU_TOKENS if self.device in ON_PROCESSOR else ACCELERATOR_TOKENS
        self._crew = Crew(self._runner, self.spec.dim, max(1, threads), budget)
        self._query = lru_cache(maxsize=query_cache)(self._encode_query)

    @property
    def name(self) -> str:
        """The model's name as it was asked for."""
        return self.spec.name

    @property
    def dim(self) -> int:
        """Components per vector."""
        return self.spec.dim

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same text might get another vector; the same on every device."""
        return self._prepared.fingerprint

    @property
    def max_tokens(self) -> int:
        """Tokens of one passage that the model reads, special tokens and prompt left out."""
        return self._tokens.room - self._tokens.count([self.spec.passage_prompt])[0]

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """(len(texts), dim) float32, rows of norm 1, in the caller's order; ``progress(done, total)`` as it goes."""
        prompt = self.spec.passage_prompt
        prompted = [prompt + text for text in texts] if prompt else texts
        return encode_many(prompted, self._tokens, self._crew, progress)

    def encode_query(self, text: str) -> Floats:
        """(dim,) float32 of norm 1, read-only; remembered for the texts asked last."""
        return self._query(text)

    def _encode_query(self, text: str) -> Floats:
        vector: Floats = self._runner(np.array(self._tokens.ids([self.spec.query_prompt + text]), np.int32))[0]
        vector.flags.writeable = False
        return vector

    def token_vectors(self, texts: Sequence[str], *, query: bool = False) -> list[Floats]:
        """(n_tokens, dim) float32 for each text, rows of norm 1; see ``searchd.index.stores.Encoder``."""
        prompt = self.spec.query_prompt if query else self.spec.passage_prompt
        inside = self._tokens.inside(prompt)
        rows = self._tokens.ids([prompt + text for text in texts])
        return [_scaled(self._runner.tokens(np.array([ids], np.int32))[0], inside) for ids in rows]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Number of the model's own tokens of each text, special tokens and prompt left out."""
        return self._tokens.count(texts)

    def save(self, target: Path) -> None:
        """Put everything that ``open_prepared`` needs into ``target``: hard links where possible, else copies."""
        self._prepared.save(target)


def _scaled(states: Floats, inside: slice) -> Floats:
    """Rows of norm 1: those inside, or all where that leaves none, as of a text's own vector."""
    kept = states[inside] if len(states[inside]) else states
    return np.asarray(kept / np.maximum(np.linalg.norm(kept, axis=1, keepdims=True), 1e-12), np.float32)


def _start(prepared: Prepared, device: str) -> tuple[str, Runner]:
    """The first device for the setting that can run this folder, started; a last one must.

    ModelError when it cannot, or the one that should does not start.
    """
    *first, last = devices(device)
    for chosen in first:
        try:
            return chosen, _runner(prepared, chosen)
        except UnfitError as error:
            log.info("encoder does not run on %s: %s", chosen, error.message)
    return last, _runner(prepared, last)


def _runner(prepared: Prepared, device: str) -> Runner:
    """Open a folder on a device. ``UnfitError`` when it has nothing for that device, ModelError when it is damaged."""
    if device == NATIVE:
        if not prepared.has_kernel:
            raise UnfitError(f"{prepared.folder} holds no 8-bit model of a shape that it computes")
        from searchd.encoder.native.runner import NativeRunner

        return NativeRunner(prepared.folder, prepared.spec)
    path = prepared.graph(device)
    if path is None:
        raise UnfitError(f"{prepared.folder} was prepared for CPUs", f"build the index with model.device = {device!r}")
    if prepared.spec.route == "fused":
        return FusedRunner(path, device, exact=prepared.precision == "exact")
    return OnnxFileRunner(path, device, prepared.spec.pooling)
