"""Models by hub id. The revision and the weights' SHA-256 are pinned on first use and held to ever after."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from searchd.encoder.checkpoint import sha256
from searchd.encoder.spec import read_json
from searchd.errors import ModelError

PINS = "pins.json"
_WANTED = ["*.json", "*.txt", "*.model", "README.md", "model.safetensors", "onnx/model.onnx"]
_WEIGHTS = ("model.safetensors", "onnx/model.onnx")


def is_hub_id(name: str) -> bool:
    """Whether a name has the form owner/model."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name) is not None


def fetch(name: str, cache: Path, offline: bool) -> Path:
    """The model's files, downloaded or from the hub's own cache; ModelError when missing or not as pinned.

    ``cache`` holds pins.json: hub id -> revision and SHA-256 of the weights. Delete an entry to take a new revision.
    """
    pins = read_json(cache / PINS) if (cache / PINS).is_file() else {}
    pin = pins.get(name, {})
    folder = _download(name, pin.get("revision"), offline)
    digests = {file: sha256(folder / file) for file in _WEIGHTS if (folder / file).is_file()}
    if pin:
        for file, digest in pin["sha256"].items():
            if digests.get(file) != digest:
                raise ModelError(
                    f"{folder / file} is not what was pinned: SHA-256 {digests.get(file)}, expected {digest}",
                    f"delete the file, or the entry {name} in {cache / PINS} to accept the change",
                )
    else:
        _write_pins(cache, pins | {name: {"revision": folder.name, "sha256": digests}})
    return folder


def _download(name: str, revision: str | None, offline: bool) -> Path:
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise ModelError(f"hub id {name!r} needs huggingface_hub", "pip install huggingface_hub") from error
    try:
        path = huggingface_hub.snapshot_download(
            name, revision=revision, allow_patterns=_WANTED, local_files_only=offline
        )
    except LocalEntryNotFoundError as error:
        why = "nothing may be fetched" if offline else "the hub does not answer"
        raise ModelError(
            f"model {name} is not in the hub's cache and {why}", f"where there is a network: hf download {name}"
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise ModelError(f"model {name} cannot be fetched: {str(error).splitlines()[0]}") from error
    return Path(path)


def _write_pins(cache: Path, pins: dict[str, Any]) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=cache, prefix=".pins-", delete=False, encoding="utf-8") as file:
        json.dump(pins, file, indent=1, sort_keys=True)
    os.replace(file.name, cache / PINS)  # noqa: PTH105 - a name, not a Path
