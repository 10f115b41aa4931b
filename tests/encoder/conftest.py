"""The real models, prepared once per run in a cache of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from searchd.encoder import OnnxEncoder, load
from searchd.settings import ModelSettings, Precision

Loader = Callable[..., OnnxEncoder]

TEXTS = (
    "A commit records the state of the tree together with a message and its parents.",
    "Knead the dough for ten minutes and let it rest in a warm place until it has doubled.",
    "The ferry to the mainland leaves the eastern pier at seven, at noon and at six in the evening. " * 8,
    "Wie ändere ich die Nachricht des letzten Commits?",
    "short",
    "def push(self, item): self.items.append(item)  # the caller's business",
)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def encoder_of(cache: Path) -> Loader:
    opened: dict[tuple[str, str], OnnxEncoder] = {}

    def get(name: str = "all-MiniLM-L6-v2", precision: Precision = "exact") -> OnnxEncoder:
        if (name, precision) not in opened:
            encoder = load(ModelSettings(name=name, precision=precision, device="cpu", cache=str(cache)))
            assert isinstance(encoder, OnnxEncoder)
            opened[name, precision] = encoder
        return opened[name, precision]

    return get
