"""Text -> unit vectors: any sentence-transformers model through ONNX Runtime, without torch.

``load`` finds and prepares a model (indexer); ``open_prepared`` opens a prepared folder (daemon).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from searchd.encoder.choice import ENGLISH, MULTILINGUAL, Choice, choose
from searchd.encoder.encoder import OnnxEncoder
from searchd.encoder.prepared import Prepared, open_folder
from searchd.encoder.torch_backend import TorchEncoder
from searchd.index.stores import Encoder
from searchd.settings import ModelSettings

__all__ = [
    "ENGLISH",
    "MULTILINGUAL",
    "Choice",
    "Encoder",
    "OnnxEncoder",
    "TorchEncoder",
    "choose",
    "load",
    "open_prepared",
]


AnyEncoder = OnnxEncoder | TorchEncoder


def load(settings: ModelSettings, languages: Sequence[str] = (), *, threads: int = 1) -> AnyEncoder:
    """Find, prepare if need be, and open the model that the settings name.

    ``languages`` (of pages and visitors) decide when ``settings.name`` is "auto"; callers that know how many pages
    each language has call ``choose`` themselves. ``threads`` workers share bulk work. ModelError when the model is
    missing, foreign or damaged.
    """
    from searchd.encoder.prepare import prepare

    return _open(
        prepare(choose(settings.name, languages).name, settings), threads, settings.device, settings.query_cache
    )


def open_prepared(folder: Path, *, threads: int = 1, device: str = "auto", query_cache: int = 4096) -> AnyEncoder:
    """Open a folder that ``save`` or ``load`` left; fetches and writes nothing. ModelError as ``load``."""
    return _open(open_folder(folder), threads, device, query_cache)


def _open(prepared: Prepared, threads: int, device: str, query_cache: int) -> AnyEncoder:
    if prepared.spec.route == "torch":
        return TorchEncoder(prepared, device=device, query_cache=query_cache)
    return OnnxEncoder(prepared, threads=threads, device=device, query_cache=query_cache)
